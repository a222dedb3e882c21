"""The adversarial risk of a linear model on Gaussian data, in closed form.

Let x ~ N(0, Sigma), y = <theta*, x> + w with w ~ N(0, noise^2) independent of x, and let an adversary move x by delta
with ||delta||_p <= epsilon. With 1/p + 1/q = 1 the worst case at one point is
(|y - <theta, x>| + epsilon ||theta||_q)^2, and because the residual is N(0, s^2) its expectation is

    R(theta) = s^2 + 2 epsilon c s n + epsilon^2 n^2,     c = sqrt(2 / pi),
    s^2 = noise^2 + (theta - theta*)' Sigma (theta - theta*),     n = ||theta||_q.

The same form stands in Javanmard, Soltanolkotabi and Hassani, "Precise tradeoffs in adversarial training for linear
regression", COLT 2020 (there for p = 2).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.theory.one_thread import on_one_thread

Array = NDArray[np.float64]

MEAN_ABSOLUTE = math.sqrt(2 / math.pi)
"""c, the mean of |z| for z ~ N(0, 1)."""


NORMS = (1.0, 2.0, math.inf)
"""p of the adversary's norms that are compared with each other."""


class Minimisers(NamedTuple):
    """Adversarial minimisers over a grid of m budgets, for d features.

    ``theta`` [m, d]; ``residual_scale`` s [m]; ``dual_norm`` n [m]; ``risk`` R [m]; ``gap`` [m], by how much R is above
    the least risk at most, relative to R (:mod:`tradeoffs.theory.certificate`); in the order of the budgets.
    """

    theta: Array
    residual_scale: Array
    dual_norm: Array
    risk: Array
    gap: Array


def dual_exponent(p: float) -> float:
    """Return q with 1/p + 1/q = 1, for 1 <= p <= inf."""
    if p == 1:
        return math.inf
    return 1.0 if math.isinf(p) else p / (p - 1)


def vector_norm(vectors: Array, exponent: float) -> Array:
    """Norm of each row of ``vectors`` [..., d] with any exponent in [1, inf]; no overflow for large exponents."""
    if exponent == 2:  # without copies, which cost more than the sums
        with np.errstate(over="ignore"):
            squared = np.asarray(np.einsum("...i,...i->...", vectors, vectors))
        lost = ~((squared > 1e-280) & (squared < np.inf))
        length = np.asarray(np.sqrt(squared))
        length[lost] = _scaled_norm(vectors[lost], exponent)
        return length
    magnitude = np.abs(vectors)
    if exponent == 1:
        return np.asarray(magnitude.sum(axis=-1))
    if math.isinf(exponent):
        return np.asarray(magnitude.max(axis=-1, initial=0.0))
    return _scaled_norm(vectors, exponent)


def _scaled_norm(vectors: Array, exponent: float) -> Array:
    """Norms from vectors in units of their largest entries, whose powers neither overflow nor vanish."""
    magnitude = np.abs(vectors)
    largest = magnitude.max(axis=-1, initial=0.0)
    unit = magnitude / np.where(largest > 0, largest, 1.0)[..., None]
    return np.asarray(largest * (unit**exponent).sum(axis=-1) ** (1 / exponent))


@on_one_thread()
def residual_scale(theta: Array, covariance: Array, theta_star: Array, noise: float) -> Array:
    """Standard deviation s [...] of y - <theta, x> for each row of ``theta`` [..., d]; s^2 is the clean risk."""
    error = theta - theta_star
    if noise == 0:  # s may be zero: through a square root of the covariance it keeps its digits
        return np.asarray(np.linalg.norm(error @ covariance_root(covariance), axis=-1))
    squared = np.einsum("...i,...i->...", error @ covariance, error)
    return np.asarray(np.sqrt(noise**2 + np.maximum(squared, 0.0)))


def covariance_root(covariance: Array) -> Array:
    """Return A [d, r] with A A' = ``covariance`` [d, d] of rank r.

    From the eigenvectors of the correlations, so that a feature's digits do not depend on the scale of the others.
    """
    scale = np.sqrt(np.diagonal(covariance))
    units = np.where(scale > 0, scale, 1.0)
    eigenvalues, basis = np.linalg.eigh(covariance / np.outer(units, units))
    kept = eigenvalues > len(eigenvalues) * np.finfo(float).eps * max(eigenvalues[-1], 0.0)
    return np.asarray(units[:, None] * basis[:, kept] * np.sqrt(eigenvalues[kept]))


def adversarial_risk(residual: Array, norm: Array, epsilon: Array) -> Array:
    """R from the residual scale s, the dual norm n and the budget, elementwise."""
    return residual**2 + 2 * MEAN_ABSOLUTE * epsilon * residual * norm + (epsilon * norm) ** 2


def collapse_budget(covariance: Array, theta_star: Array, noise: float, p: float) -> float:
    """Smallest budget at which theta = 0 is a minimiser: ||Sigma theta*||_p / (c s(0)); 0 where Sigma theta* = 0.

    At theta = 0 the risk grows at rate 2 epsilon c s(0) per unit of dual norm, and falls at most at rate
    2 ||Sigma theta*||_p, the dual norm of the dual norm.
    """
    cross = covariance @ theta_star
    if not cross.any():
        return 0.0
    at_zero = residual_scale(np.zeros_like(theta_star), covariance, theta_star, noise)
    return float(vector_norm(cross, p) / (MEAN_ABSOLUTE * at_zero))


def balance(epsilon: Array, residual: Array, norm: Array, ratio: Array) -> Array:
    """Half the derivative of R in n along a Pareto frontier s(n): zero at the minimiser, increasing in n.

    On the frontier d(s^2 / 2)/dn = -lambda, where lambda is the multiplier of the constraint on the dual norm;
    ``ratio`` is lambda / s (its limit where s = 0). R is convex in theta, and its least value over ||theta||_q <= n
    is therefore convex in n, so one sign change locates the minimiser of every budget.
    """
    return epsilon * (MEAN_ABSOLUTE * residual + epsilon * norm) - ratio * (residual + MEAN_ABSOLUTE * epsilon * norm)
