"""The solver's front door: exact adversarial minimisers for any attack norm p >= 1 and any grid of budgets."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeoffs.step.errors import InputError
from tradeoffs.theory.frontier import path_weights, ridge_weights
from tradeoffs.theory.general_p import general_weights
from tradeoffs.theory.model import GaussianModel
from tradeoffs.theory.one_thread import on_one_thread
from tradeoffs.theory.path import box_path, lasso_path
from tradeoffs.theory.risk import Minimisers, collapse_budget, evaluate

Array = NDArray[np.float64]


@on_one_thread()
def minimise(model: GaussianModel, p: float, budgets: Any) -> Minimisers:
    """Minimise the adversarial risk under ||delta||_p <= epsilon for every epsilon in ``budgets`` [m], in any order.

    p = 1, 2 and inf use the exact frontier, any other p a Newton path over the budgets. Weights are exactly zero from
    the budget of collapse on (:func:`~tradeoffs.theory.risk.collapse_budget`); at epsilon = 0, and without noise also
    at small budgets, they are the least-norm solution of the noiseless problem. Raises InputError for p < 1, NaN, or a
    budget that is negative or not finite; also where the numerical method fails, seen only for singular covariances
    with p close to 1.
    """
    epsilon = check_budgets(budgets)
    check_norm(p)
    covariance, theta_star, noise = model.covariance, model.theta, model.noise
    try:
        if p == 2:
            theta = ridge_weights(covariance, theta_star, noise, epsilon)
        elif p == 1 or math.isinf(p):
            theta = path_weights(covariance, theta_star, noise, epsilon, box_path if p == 1 else lasso_path)
        else:
            theta = general_weights(covariance, theta_star, noise, p, epsilon)
    except ArithmeticError as error:
        raise InputError(f"no minimiser found for p = {p:g} and this covariance: {error}") from None
    theta[epsilon >= collapse_budget(covariance, theta_star, noise, p)] = 0.0
    return evaluate(theta, covariance, theta_star, noise, p, epsilon)


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
