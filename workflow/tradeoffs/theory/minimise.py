"""The solver's front door: exact adversarial minimisers for any attack norm p >= 1 and any grid of budgets."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeoffs.step.errors import InputError
from tradeoffs.theory.certificate import TOLERANCE, evaluate, refined_gap
from tradeoffs.theory.frontier import path_weights, ridge_weights
from tradeoffs.theory.general_p import general_weights
from tradeoffs.theory.interior import robust_weights
from tradeoffs.theory.model import GaussianModel
from tradeoffs.theory.one_thread import on_one_thread
from tradeoffs.theory.path import box_path, lasso_path
from tradeoffs.theory.risk import Minimisers, collapse_budget

Array = NDArray[np.float64]


@on_one_thread()
def minimise(model: GaussianModel, p: float, budgets: Any) -> Minimisers:
    """Minimise the adversarial risk under ||delta||_p <= epsilon for every epsilon in ``budgets`` [m], in any order.

    p = 1, 2 and inf use the exact frontier, any other p a Newton path over the budgets. Every minimiser is certified:
    its duality gap is at most 1e-9 of its risk (without noise: of 1e-9 of the signal's variance at least, since weights
    are rounded). Where that fails, as on Hilbert's matrices, p = 1, 2 and inf are solved again, budget by budget, by a
    method that is slower and stands more. Weights are exactly zero from the budget of collapse on
    (:func:`~tradeoffs.theory.risk.collapse_budget`); at epsilon = 0, and without noise also at small budgets, they are
    the least-norm solution of the noiseless problem (the true weights where that is too ill-conditioned). Raises
    InputError for p < 1, NaN, or a budget that is negative or not finite; also where no minimiser can be certified:
    seen for p = 1 with a singular covariance and no noise, for scales ten orders apart, and for p close to 1.
    """
    epsilon = check_budgets(budgets)
    check_norm(p)
    theta = _first_weights(model, p, epsilon)
    theta[epsilon >= collapse_budget(model.covariance, model.theta, model.noise, p)] = 0.0
    found = evaluate(model, theta, p, epsilon)
    if (found.gap <= TOLERANCE).all():
        return found
    found = _refined(model, p, epsilon, found)
    if _has_frontier(p):
        weak = np.flatnonzero(~(found.gap <= TOLERANCE))
        for row in weak:
            found.theta[row] = robust_weights(model, p, epsilon[row])
        again = _refined(model, p, epsilon[weak], evaluate(model, found.theta[weak], p, epsilon[weak]))
        for column, new in zip(found, again, strict=True):
            column[weak] = new
    for gap, at in zip(found.gap, epsilon, strict=True):
        if not gap <= TOLERANCE:
            raise InputError(
                f"no minimiser certified for p = {p:g} and this covariance: at budget {at:g} the risk may be "
                f"{gap:.1g} of itself above the least one; expected at most {TOLERANCE:g}; the covariance is too "
                f"ill-conditioned: bring the features to one scale, or leave out those that follow from others"
            )
    return found


def _first_weights(model: GaussianModel, p: float, epsilon: Array) -> Array:
    """Weights [m, d] of the fast methods; NaN where they break down and another one can take over."""
    at = (model.covariance, model.theta, model.noise)
    try:
        with np.errstate(all="ignore"):
            if p == 2:
                return ridge_weights(*at, epsilon)
            if _has_frontier(p):
                return path_weights(*at, epsilon, box_path if p == 1 else lasso_path)
            return general_weights(*at, p, epsilon)
    except ArithmeticError as error:
        if _has_frontier(p):
            return np.full((len(epsilon), len(model.theta)), np.nan)
        raise InputError(f"no minimiser found for p = {p:g} and this covariance: {error}") from None


def _refined(model: GaussianModel, p: float, epsilon: Array, found: Minimisers) -> Minimisers:
    """Return ``found`` with better bounds where the first ones are not good enough."""
    weak = np.flatnonzero(~(found.gap <= TOLERANCE))
    gap = found.gap.copy()
    usable = weak[np.isfinite(found.risk[weak])]
    gap[usable] = refined_gap(model, Minimisers(*(column[usable] for column in found)), p, epsilon[usable])
    return found._replace(gap=gap)


def _has_frontier(p: float) -> bool:
    return p in (1, 2) or math.isinf(p)


def check_norm(p: float) -> None:
    """Raise InputError unless 1 <= p <= inf."""
    if not p >= 1:
        raise InputError(f"norm: p is {p}; expected a number >= 1, or inf")


def check_budgets(budgets: Any) -> Array:
    """Return the budgets as an array [m]; InputError unless they are finite, >= 0 and one-dimensional."""
    try:
        epsilon = np.asarray(budgets, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"budgets: {budgets!r}; expected a list of numbers >= 0") from None
    if epsilon.ndim != 1:
        raise InputError(f"budgets: an array of shape {epsilon.shape}; expected a list of numbers >= 0")
    bad = epsilon[~(np.isfinite(epsilon) & (epsilon >= 0))]
    if len(bad):
        raise InputError(f"budgets: {bad[0]:g} is not a budget; expected finite numbers >= 0")
    return epsilon
