"""Exact adversarial minimisers for p = 1, 2 and inf, a whole grid of budgets at once.

For a given p the minimiser of every budget lies on one Pareto frontier: the least residual scale s for each dual norm
n, which does not depend on the budget. The frontier is computed once (p = 2 in the eigenbasis; p = 1 and inf as a
piecewise-linear path), and each budget is then one scalar root on it, all of them found together.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.theory.path import Path
from tradeoffs.theory.risk import balance
from tradeoffs.theory.roots import roots_in_unit_interval

Array = NDArray[np.float64]

_LOG_MU = np.linspace(80.0, -80.0, 81)  # grid of the ridge search; e^-80 is far below the rounding of any weight


class _Points(NamedTuple):
    """Points of a frontier: residual scale s, dual norm n, and lambda / s (a limit where s = 0)."""

    residual: Array
    norm: Array
    ratio: Array


def ridge_weights(covariance: Array, theta_star: Array, noise: float, epsilon: Array) -> Array:
    """Minimisers [m, d] for p = 2: theta = (Sigma + mu I)^-1 Sigma theta*, with mu from one scalar root per budget.

    Features are rotated into the eigenbasis of ``covariance`` [d, d] (PSD; directions without variance get weight 0,
    the least norm). ``epsilon`` [m] >= 0.
    """
    eigenvalues, basis = np.linalg.eigh(covariance)
    kept = eigenvalues > len(eigenvalues) * np.finfo(float).eps * max(eigenvalues[-1], 0.0)
    eigenvalues, basis = eigenvalues[kept], basis[:, kept]
    target = theta_star @ basis
    cross = eigenvalues * target
    if not cross.any():
        return np.zeros((len(epsilon), len(theta_star)))
    moments = np.stack([eigenvalues * target**2, cross**2], axis=1)

    def shares(log_mu: Array) -> tuple[Array, Array]:
        """Split Sigma + mu I, divided by 1 + mu / largest eigenvalue, into multiples of Sigma and I."""
        return 1 / (1 + np.exp(log_mu)), eigenvalues[-1] / (1 + np.exp(-log_mu))

    def frontier(log_mu: Array) -> _Points:
        on_sigma, on_identity = shares(log_mu)
        inverse = 1 / (np.multiply.outer(on_sigma, eigenvalues) + on_identity[:, None])
        unit_residual, unit_norm = np.sqrt(np.square(inverse, out=inverse) @ moments).T
        residual = np.hypot(noise, on_identity * unit_residual)
        # lambda = mu n = on_identity * unit_norm; without noise on_identity cancels, which keeps the limit at mu = 0.
        ratio = on_identity * unit_norm / residual if noise > 0 else unit_norm / unit_residual
        return _Points(residual, on_sigma * unit_norm, ratio)

    def between(segment: Array) -> Callable[[Array], _Points]:
        return lambda place: frontier(_LOG_MU[segment] + place * (_LOG_MU[segment + 1] - _LOG_MU[segment]))

    segment, place = _budgets_on_frontier(epsilon, frontier(_LOG_MU), between)
    on_sigma, on_identity = shares(_LOG_MU[segment] + place * (_LOG_MU[segment + 1] - _LOG_MU[segment]))
    weights = np.multiply.outer(on_sigma, cross) / (np.multiply.outer(on_sigma, eigenvalues) + on_identity[:, None])
    return np.asarray(weights @ basis.T)


def path_weights(
    covariance: Array, theta_star: Array, noise: float, epsilon: Array, follow: Callable[[Array, Array], Path]
) -> Array:
    """Minimisers [m, d] for p = inf (``follow`` = lasso_path) and p = 1 (box_path).

    Where ``covariance`` is singular the minimiser need not be unique; one of them is returned.
    """
    cross = covariance @ theta_star
    if not cross.any():
        return np.zeros((len(epsilon), len(theta_star)))
    path = follow(covariance, cross)
    length, drop = np.diff(path.norm), -np.diff(path.multiplier)
    # s^2 summed from the far end: every term is positive, so nothing cancels where s is small.
    gain = length * (path.multiplier[1:] + path.multiplier[:-1])
    squared = noise**2 + np.append(np.cumsum(gain[::-1])[::-1], 0.0)
    last = np.flatnonzero(length > 0)[-1]
    ratio_at_end = 0.0 if noise > 0 else np.sqrt(drop[last] / length[last])

    def points(squared: Array, norm: Array, multiplier: Array) -> _Points:
        residual = np.sqrt(squared)
        limit = np.full_like(residual, ratio_at_end)
        return _Points(residual, norm, np.divide(multiplier, residual, out=limit, where=residual > 0))

    def between(segment: Array) -> Callable[[Array], _Points]:
        norm, multiplier, rest = path.norm[segment], path.multiplier[segment], squared[segment + 1]
        step, fall, multiplier_after = length[segment], drop[segment], path.multiplier[segment + 1]

        def at(place: Array) -> _Points:
            here = multiplier - place * fall
            return points(rest + (1 - place) * step * (here + multiplier_after), norm + place * step, here)

        return at

    segment, place = _budgets_on_frontier(epsilon, points(squared, path.norm, path.multiplier), between)
    return np.asarray((1 - place[:, None]) * path.theta[segment] + place[:, None] * path.theta[segment + 1])


def _budgets_on_frontier(
    epsilon: Array, grid: _Points, between: Callable[[Array], Callable[[Array], _Points]]
) -> tuple[Array, Array]:
    """Locate each budget's minimiser: segment index [m] and place in [0, 1] on it.

    ``grid`` holds K + 1 points with n increasing; ``between(segment)`` maps places on those segments to points. The
    derivative of the risk along the frontier changes sign once, so its signs on the grid give the segment.
    """
    signs = balance(epsilon[:, None], *grid)
    segment = np.clip((signs <= 0).sum(axis=1) - 1, 0, len(grid.norm) - 2)
    points = between(segment)
    largest_terms = epsilon * (grid.residual[segment] + epsilon * grid.norm[segment + 1])
    largest_terms += grid.ratio[segment] * (grid.residual[segment] + epsilon * grid.norm[segment + 1])
    rounding = 4 * np.finfo(float).eps * largest_terms
    return segment, roots_in_unit_interval(lambda place: balance(epsilon, *points(place)), rounding)
