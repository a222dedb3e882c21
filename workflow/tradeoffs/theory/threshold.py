"""From which scale on p = inf training relies on spurious features: exactly, and by search."""

import math

import numpy as np

from tradeoffs.step.errors import InputError
from tradeoffs.theory.bisection import bisected
from tradeoffs.theory.model import GaussianModel
from tradeoffs.theory.one_thread import on_one_thread
from tradeoffs.theory.path import lasso_path


@on_one_thread()
def scale_threshold(model: GaussianModel) -> float:
    """Factor by which the spurious features must be scaled, together, for p = inf to begin to rely on them.

    Below or at it no budget gives a spurious feature any weight; above it some budget does. While theta_S = 0, the
    minimisers are those of the core features alone; they stay optimal as long as no spurious feature has a larger
    correlation with the residual than the active core ones, |Sigma_SC (theta*_C - theta_C)| <= lambda. Along the
    core-only path the quotient of the two sides is monotone between breakpoints, so the largest one at a breakpoint
    is the reciprocal of the threshold. For one core feature of standard deviation sigma and one spurious feature of
    scale a and correlation rho it is sigma / (a |rho|): reliance begins at a |rho| = sigma. Near zero budget the
    condition is the irrepresentable condition of the lasso (Zhao and Yu, JMLR 7, 2006). Returns inf where no scale
    gives reliance. Requires theta*_S = 0 (InputError otherwise).
    """
    core, spurious = ~model.spurious, model.spurious
    if model.theta[spurious].any():
        raise InputError("threshold: theta* of a spurious feature is not 0; the threshold is defined for 0 only")
    inner = model.covariance[np.ix_(core, core)]
    theta = model.theta[core]
    cross = inner @ theta
    if not spurious.any() or not cross.any():
        return math.inf
    path = lasso_path(inner, cross)
    inside = path.multiplier > 0
    residual = np.abs((theta - path.theta[inside]) @ model.covariance[np.ix_(core, spurious)]).max(axis=1)
    largest = float((residual / path.multiplier[inside]).max())
    return 1 / largest if largest > 0 else math.inf


@on_one_thread()
def relies(model: GaussianModel) -> bool:
    """Whether any budget gives a spurious feature weight under p = inf, from the path over all features.

    Weights below 1e-12 of the largest, in units of the features' standard deviations, are rounding: just below the
    threshold a spurious feature may seem to enter in the last instant of the path, where all correlations vanish
    together.
    """
    path = lasso_path(model.covariance, model.covariance @ model.theta)
    weights = np.abs(path.theta) * np.sqrt(np.diag(model.covariance))
    return bool((weights[:, model.spurious] > 1e-12 * weights.max()).any())


def scaled(model: GaussianModel, factor: float) -> GaussianModel:
    """Return the model with its spurious features multiplied by ``factor`` > 0."""
    units = np.where(model.spurious, factor, 1.0)
    theta = np.where(model.spurious, model.theta / factor, model.theta)
    return model._replace(covariance=model.covariance * np.outer(units, units), theta=theta)


@on_one_thread()
def searched_threshold(model: GaussianModel, tolerance: float = 1e-8) -> float:
    """Find the same factor by bisection on :func:`relies`, to a relative ``tolerance``; inf if there is none."""
    return bisected(lambda factor: relies(scaled(model, factor)), tolerance)
