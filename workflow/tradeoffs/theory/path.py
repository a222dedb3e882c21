"""The piecewise-linear solution paths behind p = inf (the lasso) and p = 1 (a growing box), followed exactly.

Both families are one parametric complementarity problem. With b = Sigma theta*, correlations g = b - Sigma theta and
a scalar tau,

    lasso  minimise (theta - theta*)' Sigma (theta - theta*) / 2 + tau ||theta||_1:    u = g,     v = theta;
    box    minimise (theta - theta*)' Sigma (theta - theta*) / 2, ||theta||_inf <= tau: u = theta, v = g,

and in each, |u_j| <= tau, while v_j is zero unless u_j = +-tau, where it has the sign of u_j. A coordinate is *free*
(v_j = 0) or *bound* (u_j = sign_j tau). As tau falls from ||b||_inf to 0 (lasso) or rises from 0 (box), everything is
linear in tau until one coordinate changes state, which is one principal pivot of a tableau that starts as Sigma.
For the lasso this is the homotopy of Osborne, Presnell and Turlach, "A new approach to variable selection in least
squares problems", IMA J. Numer. Anal. 20 (2000); the pivots are those of Cottle, Pang and Stone, "The linear
complementarity problem" (1992), ch. 4. Of several changes at one tau the least index goes first, so it cannot cycle.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs

Array = NDArray[np.float64]

_rank_one_update = get_blas_funcs("ger", dtype=np.float64)
_DEPENDENT = 1e-11  # a pivot below this share of its variance marks a feature as a combination of those in use
_TIED = 1e-13


class Path(NamedTuple):
    """Breakpoints k = 0..K of a path, from theta = 0 to a least-squares solution; between them theta is linear.

    ``theta`` [K+1, d]; ``norm`` [K+1], the dual norm n, increasing; ``multiplier`` [K+1], lambda = -d(s^2 / 2)/dn,
    decreasing to 0 and linear in n between breakpoints.
    """

    theta: Array
    norm: Array
    multiplier: Array


def lasso_path(covariance: Array, cross: Array) -> Path:
    """Path of the l1-penalised problem (p = inf). ``covariance`` [d, d] PSD; ``cross`` [d] = covariance @ theta*."""
    tau, theta = _follow(covariance, cross, rising=False)
    return Path(theta, np.abs(theta).sum(axis=1), tau)


def box_path(covariance: Array, cross: Array) -> Path:
    """Path of the box-constrained problem (p = 1). ``covariance`` [d, d] PSD; ``cross`` [d] = covariance @ theta*."""
    tau, theta = _follow(covariance, cross, rising=True)
    multiplier = np.abs(cross - theta @ covariance).sum(axis=1)
    multiplier[-1] = 0.0
    return Path(theta, tau, multiplier)


def _follow(covariance: Array, cross: Array, *, rising: bool) -> tuple[Array, Array]:
    """Return tau [K+1] and theta [K+1, d] at the breakpoints of the box path (rising) or of the lasso path."""
    d = len(cross)
    direction = 1.0 if rising else -1.0
    variance = np.diagonal(covariance)
    # Nonbasic z = (u of the bound, v of the free); basic w = level - tableau @ z. The level is kept as one more column
    # of the tableau, which pivots like the others; d(w)/d(tau) is slope.
    table = np.empty((d, d + 1), order="F")
    table[:, :d], table[:, d] = covariance, cross
    tableau, level = table[:, :d], table[:, d]
    sign = np.zeros(d)
    if rising:  # everything starts at the bound, but a feature without variance, which keeps weight zero
        sign[variance > 0] = np.where(cross >= 0, 1.0, -1.0)[variance > 0]
    # Slack to the next change of state, at the upper and at the lower bound of u, or (first column) v leaving zero:
    # slack = side * w + tau * free, and it closes as tau moves.
    free = np.repeat((sign == 0)[:, None], 2, axis=1).astype(float)
    side = np.where(free > 0, [-1.0, 1.0], np.stack([sign, np.zeros(d)], axis=1))
    tau = 0.0 if rising else float(np.abs(cross).max())
    taus, values, signs = [], [], []
    ended = False
    for _ in range(50 * d + 100):
        slope = -(tableau @ sign)
        value = level + tau * slope
        taus.append(tau)
        values.append(value)
        signs.append(sign.copy())
        if ended:
            break
        slack = (side * value[:, None] + tau * free).ravel()
        closing = ((side * slope[:, None] + free) * -direction).ravel()
        step = np.full(2 * d, np.inf)
        np.divide(np.maximum(slack, 0.0, out=slack), closing, out=step, where=closing > _TIED)
        last = _step_to_zero(float(sign @ value), float(sign @ slope)) if rising else tau
        event = _first_event(step, last, tableau, variance, sign, rising)
        if event is None:
            tau, ended = (tau + last if rising else 0.0), True
            continue
        tau += direction * float(step[event])
        j, lower = divmod(event, 2)
        if sign[j]:
            sign[j], free[j], side[j] = 0.0, 1.0, (-1.0, 1.0)
        else:
            sign[j] = -1.0 if lower else 1.0
            free[j], side[j] = 0.0, (sign[j], 0.0)
        _pivot(table, j)
    else:
        raise ArithmeticError("the path does not end; the covariance is too ill-conditioned")
    all_tau, value, sign = np.array(taus), np.array(values), np.array(signs)
    theta = np.where(sign != 0, all_tau[:, None] * sign, value) if rising else np.where(sign != 0, value, 0.0)
    return all_tau, theta


def _step_to_zero(value: float, slope: float) -> float:
    """How far tau must rise until ``value`` >= 0 is zero (0 if it never falls)."""
    return max(value, 0.0) / -slope if slope < 0 else 0.0


def _first_event(step: Array, last: float, tableau: Array, variance: Array, sign: Array, rising: bool) -> int | None:
    """Index into ``step`` [2 d] of the next event, the least of those tied; None where the path ends before it.

    A feature that is a combination of those in use is passed over: its condition holds as long as theirs do.
    """
    while True:
        nearest = step[step.argmin()]
        if nearest >= last * (1 - _TIED):
            return None
        event = int((step <= nearest + _TIED * last).argmax())
        j = event // 2
        if (sign[j] != 0) == rising and tableau[j, j] <= _DEPENDENT * variance[j]:
            step[event] = np.inf
            continue
        return event


def _pivot(table: Array, j: int) -> None:
    """Exchange basic and nonbasic variable ``j`` of w = level - tableau @ z, in ``table`` = [tableau, level]."""
    pivot = table[j, j]
    column = table[:, j].copy()
    column[j] -= 1.0  # so that the rank-one update leaves row j divided by the pivot
    _rank_one_update(-1.0, column, table[j] / pivot, a=table, overwrite_a=1)
    column[j] = -1.0
    np.multiply(column, -1 / pivot, out=table[:, j])
