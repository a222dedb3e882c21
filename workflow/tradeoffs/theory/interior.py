"""The minimiser at one budget, for covariances on which the paths break down: slower, and not thrown by conditioning.

p = 1 and inf: minimise R(theta, n) = s^2 + 2 epsilon c s n + (epsilon n)^2 under |theta_j| <= t_j, n = t_1 + ... + t_d
(p = inf) or |theta_j| <= n (p = 1), by a primal-dual interior-point method: Nocedal and Wright, "Numerical
optimization" (2006), ch. 19. p = 2: the ridge, by Cholesky factors, which unlike eigenvectors do not mind badly scaled
features.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import brentq

from tradeoffs.theory.certificate import TOLERANCE, evaluate
from tradeoffs.theory.model import GaussianModel
from tradeoffs.theory.risk import MEAN_ABSOLUTE, balance, dual_exponent, vector_norm

Array = NDArray[np.float64]

_STEPS = 100
_CENTRING = 0.1  # each step aims at this share of the complementarity
_REACH = 0.99  # of the way to the nearest bound
_NOTHING = 1e-10  # weights below this share of the largest are the interior's distance from zero


class _Point(NamedTuple):
    """Weights [d], their bounds t [d] (all n for p = 1), n, and multipliers of t - theta >= 0 and t + theta >= 0."""

    theta: Array
    bound: Array
    norm: float
    upper: Array
    lower: Array


def robust_weights(model: GaussianModel, p: float, epsilon: float) -> Array:
    """Minimiser [d] for p = 1, 2 or inf at a budget >= 0, as far as it gets; whoever calls looks at its gap.

    At budget 0 the true weights, which need not have the least norm.
    """
    if epsilon == 0:
        return model.theta.copy()
    with np.errstate(all="ignore"):
        return _ridge(model, epsilon) if p == 2 else _interior(model, p, epsilon)


def _ridge(model: GaussianModel, epsilon: float) -> Array:
    """Weights (Sigma + mu I)^-1 Sigma theta*, with mu where the balance of the risk is zero."""
    largest, d = float(np.abs(model.covariance).max()), len(model.theta)
    cross = model.covariance @ model.theta

    def solved(log_mu: float) -> Array:
        """Weights, and theta* less them [d, 2]: each from its own right-hand side, so that neither is a difference."""
        mu = largest * math.exp(log_mu)
        factor = cho_factor(model.covariance + mu * np.eye(d))
        return np.asarray(cho_solve(factor, np.column_stack([cross, mu * model.theta])))

    def slope(log_mu: float) -> float:
        theta, rest = solved(log_mu).T
        s = math.sqrt(model.noise**2 + float(rest @ model.covariance @ rest))
        n = float(np.linalg.norm(theta))
        return float(balance(*np.array([epsilon, s, n, largest * math.exp(log_mu) * n / s])))

    try:
        return solved(float(brentq(slope, -34.0, 34.0, xtol=1e-14)))[:, 0]
    except (LinAlgError, ValueError):  # no root in between, or a covariance that is singular for Cholesky
        return np.zeros(d)


def _interior(model: GaussianModel, p: float, epsilon: float) -> Array:
    """Follow the central path from theta = 0; the point of the least certified gap."""
    d = len(model.theta)
    start = float(vector_norm(model.theta, dual_exponent(p))) / 2
    bound = np.full(d, start / d if math.isinf(p) else start)
    centre = np.full(d, (model.noise**2 + model.theta @ model.covariance @ model.theta) / d) / bound
    point = _Point(np.zeros(d), bound, start, centre, centre)
    best, least = point.theta, math.inf
    for _ in range(_STEPS):
        try:
            moved = _step(model, p, epsilon, point)
        except (LinAlgError, ValueError):
            break
        if moved is None:
            break
        point = moved
        size = np.abs(point.theta)
        theta = np.where(size > _NOTHING * size.max(), point.theta, 0.0)
        gap = float(evaluate(model, theta[None], p, np.array([epsilon])).gap[0])
        if gap < least:
            best, least = theta, gap
        if least <= TOLERANCE / 100:
            break
    return best


def _step(model: GaussianModel, p: float, epsilon: float, at: _Point) -> _Point | None:
    """One Newton step of the interior-point method; None where it leads nowhere."""
    c, d = MEAN_ABSOLUTE, len(at.theta)
    rest = at.theta - model.theta
    pull = model.covariance @ rest
    s = math.sqrt(model.noise**2 + max(float(rest @ pull), 0.0))
    n = at.norm
    slope = 2 * pull * (1 + c * epsilon * n / s)
    slope_n = 2 * epsilon * (c * s + epsilon * n)
    mixed = 2 * c * epsilon * pull / s
    hessian = 2 * (1 + c * epsilon * n / s) * model.covariance - (2 * c * epsilon * n / s**3) * np.outer(pull, pull)

    over, under = at.bound - at.theta, at.bound + at.theta
    aim = _CENTRING * float(over @ at.upper + under @ at.lower) / (2 * d)
    a, b = aim / over, aim / under
    stiff_a, stiff_b = at.upper / over, at.lower / under
    both, difference = stiff_a + stiff_b, stiff_a - stiff_b
    if math.isinf(p):
        # t is eliminated; what remains are d + 2 unknowns: theta, n, and the multiplier of n's definition.
        share = difference / both
        matrix = hessian + np.diag(4 * stiff_a * stiff_b / both)
        border = np.stack([mixed, share], axis=1)
        corner = np.array([[2 * epsilon**2, -1.0], [-1.0, -float((1 / both).sum())]])
        right = -slope - a + b + share * (a + b)
        rest_of_right = np.array([-slope_n, -float(((a + b) / both).sum())])
    else:
        matrix = hessian + np.diag(both)
        border = (mixed - difference)[:, None]
        corner = np.array([[2 * epsilon**2 + float(both.sum())]])
        right = -slope - a + b
        rest_of_right = np.array([-slope_n + float((a + b).sum())])
    factor = cho_factor(matrix)
    solved = cho_solve(factor, np.column_stack([right, border]))
    outer = np.linalg.solve(corner - border.T @ solved[:, 1:], rest_of_right - border.T @ solved[:, 0])
    move = solved[:, 0] - solved[:, 1:] @ outer
    grow = (a + b - outer[1] + difference * move) / both if math.isinf(p) else np.full(d, outer[0])
    upper = a - stiff_a * (grow - move) - at.upper
    lower = b - stiff_b * (grow + move) - at.lower
    values = np.concatenate([over, under, at.upper, at.lower])
    changes = np.concatenate([grow - move, grow + move, upper, lower])
    if not np.isfinite(changes).all():
        return None
    shrink = float(np.max(-changes / values, initial=0.0))
    length = min(1.0, _REACH / shrink) if shrink > 0 else 1.0
    bound = at.bound + length * grow
    norm = float(bound.sum()) if math.isinf(p) else float(bound[0])
    return _Point(at.theta + length * move, bound, norm, at.upper + length * upper, at.lower + length * lower)
