"""Budgets at which p = 1 or p = 2 training gives no spurious feature any weight, counted exactly.

Where core features pull a spurious one in opposite directions its weight changes its sign between two budgets, and is
zero at one. For p = 2 a weight is a rational function of the ridge's mu, for p = 1 piecewise linear on a finite path,
so it is zero either on an interval of budgets or at finitely many. Every multiplier belongs to one budget.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvals

from tradeoffs.theory.model import GaussianModel
from tradeoffs.theory.one_thread import on_one_thread
from tradeoffs.theory.path import box_path

Array = NDArray[np.float64]

_ZERO = 1e-10  # weights up to this share of the largest are rounding


@on_one_thread()
def crossings(model: GaussianModel, p: float) -> float:
    """Count budgets above 0 and below collapse at which all spurious weights are zero; inf for an interval of them.

    p = 1 or 2. Without noise small budgets leave the weights of budget 0: an interval, where theta*_S is 0.
    """
    found = _on_path(model) if p == 1 else _on_ridge(model)
    if model.noise == 0 and not (np.abs(model.theta[model.spurious]) > 0).any():
        return math.inf
    return found


def _on_path(model: GaussianModel) -> float:
    """Count along the growing box: inner zeros of its segments, and breakpoints but for the two ends."""
    path = box_path(model.covariance, model.covariance @ model.theta)
    weights = path.theta[:, model.spurious]
    level = _ZERO * np.abs(path.theta).max()
    zero = np.abs(weights).max(axis=1) <= level
    if (zero[1:] & zero[:-1]).any():
        return math.inf
    start, change = weights[:-1], np.diff(weights, axis=0)
    place = -np.einsum("kj,kj->k", start, change) / np.einsum("kj,kj->k", change, change).clip(1e-300)
    nearest = np.abs(start + place[:, None] * change).max(axis=1)
    inside = (place > 0) & (place < 1) & ~zero[1:] & ~zero[:-1] & (nearest <= level)
    return float(inside.sum() + zero[1:-1].sum())


def _on_ridge(model: GaussianModel) -> float:
    """Count roots mu > 0 of (Sigma + mu I)^-1 Sigma theta* in all spurious coordinates.

    Roots in one coordinate j are eigenvalues of the pencil [[Sigma + mu I, b], [e_j', 0]]. Where theta*_j = 0 the
    weight is -mu times that coordinate of (Sigma + mu I)^-1 theta*, which is free of the root at mu = 0.
    """
    d, j = len(model.theta), int(np.flatnonzero(model.spurious)[0])
    right = model.covariance @ model.theta if model.theta[j] else model.theta
    pencil, unit = np.zeros((d + 1, d + 1)), np.zeros((d + 1, d + 1))
    pencil[:d, :d], pencil[:d, d], pencil[d, j] = model.covariance, right, 1.0
    unit[:d, :d] = -np.eye(d)

    def vanishes(mu: float) -> bool:
        theta = np.linalg.solve(model.covariance + mu * np.eye(d), model.covariance @ model.theta)
        return bool(np.abs(theta[model.spurious]).max() <= _ZERO * np.abs(theta).max())

    largest = float(np.linalg.eigvalsh(model.covariance)[-1])
    if all(vanishes(largest * share) for share in (0.013, 0.17, 1.9)):
        return math.inf
    numerator, denominator = eigvals(pencil, unit, homogeneous_eigvals=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = numerator / denominator
    real = np.isfinite(roots) & (np.abs(roots.imag) <= 1e-9 * np.abs(roots)) & (roots.real > 0)
    return float(sum(vanishes(mu) for mu in roots[real].real if mu < largest / _ZERO))
