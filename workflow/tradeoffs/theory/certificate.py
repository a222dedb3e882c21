"""How far weights can be from the minimum at most: the duality gap of the adversarial risk.

With Sigma = A A' and e = theta* - theta the risk is F(s, epsilon n), where s = |(A' e, noise)|, n = ||theta||_q and
F(s, t) = s^2 + 2 c s t + t^2. For any vector v, with y = A v,

    R(theta) >= (y' theta* + noise^2)^2 / (4 F*(|(v, noise)|, ||y||_p / epsilon))        for every theta,

by Fenchel's inequality for F on s, t >= 0 (F* is its conjugate there, homogeneous of degree 2, so the length of the
dual point is chosen freely), by Cauchy's for s and by Hoelder's for n. There is equality at a minimiser for v = A' e,
that is, for the correlations y = Sigma e with the residual. Boyd and Vandenberghe, "Convex optimization" (2004), ch. 5.
"""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq

from tradeoffs.theory.model import GaussianModel
from tradeoffs.theory.risk import (
    MEAN_ABSOLUTE,
    Minimisers,
    adversarial_risk,
    covariance_root,
    dual_exponent,
    vector_norm,
)

Array = NDArray[np.float64]

TOLERANCE = 1e-9
"""Largest duality gap of a minimiser, relative to its risk."""
_ZERO = 1e-9  # without noise a risk below this share of the response's variance is lost in the rounding of weights
_ROUNDS = 10
_USED = (1e-9, 1e-6, 1e-4)  # up to such a share of the largest weight, another may be meant to be zero, or as large


class _DualPoints(NamedTuple):
    """What the bound needs of v, for m rows: |v|^2 [m], ||A v||_p [m] and (A v)' theta* [m]."""

    squared: Array
    norm: Array
    gain: Array


def evaluate(model: GaussianModel, theta: Array, p: float, epsilon: Array) -> Minimisers:
    """Attach s, n, R and the duality gap at ``epsilon`` [m] to given weights [m, d]."""
    error = model.theta - theta
    correlation = error @ model.covariance
    squared = np.maximum(np.einsum("mi,mi->m", correlation, error), 0.0)
    norm = vector_norm(theta, dual_exponent(p))
    if model.noise == 0:  # s may be zero: through a root of the covariance it keeps its digits
        residual = np.asarray(np.linalg.norm(error @ covariance_root(model.covariance), axis=-1))
    else:
        residual = np.sqrt(model.noise**2 + squared)
    # y' theta* as a sum of two terms that are positive, or nearly
    gain = squared + np.einsum("mi,mi->m", correlation, theta)
    risk = adversarial_risk(residual, norm, epsilon)
    points = _DualPoints(squared, vector_norm(correlation, p), gain)
    return Minimisers(theta, residual, norm, risk, _relative_gap(model, epsilon, risk, points))


def refined_gap(model: GaussianModel, found: Minimisers, p: float, epsilon: Array) -> Array:
    """Duality gaps [m] at dual points that do not suffer from the rounding of theta.

    Where a feature's scale is far above the residual's, or there is no residual, Sigma e is lost in the rounding of
    theta. At a minimum y is lambda times a subgradient of n, which theta tells for the features it uses: v is A' e, or
    nothing, with the least correction that brings this about.
    """
    root = covariance_root(model.covariance)
    target = model.theta @ root
    gaps = found.gap.copy()
    for i in np.flatnonzero(found.dual_norm > 0):
        theta, s, n, at = found.theta[i], found.residual_scale[i], found.dual_norm[i], epsilon[i]
        multiplier = at * s * (MEAN_ABSOLUTE * s + at * n) / (s + MEAN_ABSOLUTE * at * n)
        begins = [(target - theta @ root, multiplier), (np.zeros_like(target), multiplier or 1.0)]
        for (begin, size), share in itertools.product(begins, _USED if p == 1 or math.isinf(p) else _USED[:1]):
            for v in _corrected(begin, theta, root, p, size, share):
                points = _DualPoints(np.array([v @ v]), vector_norm((root @ v)[None], p), np.array([target @ v]))
                gaps[i] = min(gaps[i], _relative_gap(model, epsilon[i : i + 1], found.risk[i : i + 1], points)[0])
                if gaps[i] <= TOLERANCE:
                    break
            if gaps[i] <= TOLERANCE:
                break
    return gaps


def _corrected(begin: Array, theta: Array, root: Array, p: float, size: float, share: float) -> Iterator[Array]:
    """Yield dual points v [r]: ``begin`` corrected so that A v / ``size`` is a subgradient of ||theta||_q.

    A = ``root`` [d, r]. Weights up to ``share`` of the largest are zero, or (p = 1) as large as the largest. Features
    that break a condition on the others are then held as well, some times.
    """
    weight, scale = np.abs(theta), np.linalg.norm(root, axis=1)
    units = np.where(scale > 0, scale, 1.0)
    slope = np.sign(theta)
    if p == 1:  # zero inside the box; at its sides of theta's sign, and adding up to one
        held, slope = weight < weight.max() * (1 - share), np.zeros_like(theta)
    elif math.isinf(p):
        held = weight > weight.max() * share
    else:
        q = dual_exponent(p)
        held, slope = np.ones(len(theta), bool), slope * (weight / vector_norm(theta, q)) ** (q - 1)
    held &= scale > 0
    for _ in range(_ROUNDS):
        rows, wanted = root[held] / units[held, None], slope[held] / units[held]
        if p == 1:
            sides = np.where(held, 0.0, np.sign(theta)) @ root
            length = float(np.linalg.norm(sides)) or 1.0
            rows, wanted = np.vstack([rows, sides / length]), np.append(wanted, 1 / length)
        if not len(rows):
            return
        v = begin + lstsq(rows, size * wanted - rows @ begin, cond=1e-13, lapack_driver="gelsy", check_finite=False)[0]
        yield v
        y = root @ v
        if p == 1:
            broken = ~held & (scale > 0) & (y * np.sign(theta) < 0)
        else:
            broken = ~held & (np.abs(y) > size) if math.isinf(p) else np.zeros_like(held)
            slope = np.where(broken, np.sign(y), slope)
        if not broken.any():
            return
        held = held | broken


def _relative_gap(model: GaussianModel, epsilon: Array, risk: Array, points: _DualPoints) -> Array:
    """Risk [m] less the lower bound at ``points``, over the risk."""
    signal = float(model.theta @ model.covariance @ model.theta)
    least = np.maximum(_lower_bound(points, model.noise, epsilon), model.noise**2)  # noise^2: of v = 0
    scale = risk if model.noise > 0 else np.maximum(risk, _ZERO * signal)
    return np.asarray(np.divide(risk - least, scale, out=np.zeros_like(risk), where=scale != 0))


def _lower_bound(points: _DualPoints, noise: float, epsilon: Array) -> Array:
    """The bound [m]; both arguments of F* times epsilon, so that none is divided by 0."""
    c = MEAN_ABSOLUTE
    alpha, beta = epsilon * np.sqrt(points.squared + noise**2), points.norm
    inside = (alpha**2 - 2 * c * alpha * beta + beta**2) / (1 - c**2)
    four_conjugate = np.where(beta < c * alpha, alpha**2, np.where(alpha < c * beta, beta**2, inside))
    value = (epsilon * np.maximum(points.gain + noise**2, 0.0)) ** 2
    return np.asarray(np.divide(value, four_conjugate, out=np.zeros_like(value), where=four_conjugate > 0))
