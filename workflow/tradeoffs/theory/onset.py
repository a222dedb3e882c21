"""The budget at which adversarial training starts to hurt in a shifted test domain."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import GaussianModel
from tradeoffs.theory.risk import adversarial_risk, residual_scale

Array = NDArray[np.float64]


def clean_excess(model: GaussianModel, p: float, test: GaussianModel, budgets: Array) -> Array:
    """Clean risk in the domain ``test`` over that in the training domain, minus 1, for minimisers at ``budgets`` [m].

    Zero at budget 0 where theta*_S = 0.
    """
    return excess_of(minimise(model, p, budgets).theta, model, test)


def excess_of(theta: Array, model: GaussianModel, test: GaussianModel) -> Array:
    """Return the same excess of any weights [m, d].

    Without noise the training domain's risk can be zero, up to rounding: it is taken as at least 1e-20 of the variance
    of the signal.
    """
    shifted = residual_scale(theta, test.covariance, test.theta, test.noise)
    training = residual_scale(theta, model.covariance, model.theta, model.noise)
    least = 1e-20 * float(model.theta @ model.covariance @ model.theta)
    return np.asarray((shifted**2 - training**2) / np.maximum(training**2, least))


def signal_excess(theta: Array, model: GaussianModel, test: GaussianModel) -> Array:
    """As :func:`excess_of`, as a share of what of the training domain's risk is not noise: its sign at any noise."""
    return excess_of(theta, *(each._replace(noise=0.0) for each in (model, test)))


def added_excess(model: GaussianModel, p: float, test: GaussianModel, budgets: Array) -> Array:
    """Clean excess [m] of adversarial training less that of standard training (budget 0)."""
    return clean_excess(model, p, test, budgets) - clean_excess(model, p, test, np.zeros(1))


def adversarial_excess(model: GaussianModel, p: float, test: GaussianModel, budgets: Array) -> Array:
    """Adversarial risk in the domain ``test``, at each budget, of adversarial over that of standard training, minus 1.

    Positive where adversarial training is worse than standard training even under the attack it was trained for.
    """
    found, standard = minimise(model, p, budgets), minimise(model, p, [0.0])
    trained = residual_scale(found.theta, test.covariance, test.theta, test.noise)
    plain = residual_scale(standard.theta, test.covariance, test.theta, test.noise)
    risk = adversarial_risk(trained, found.dual_norm, budgets)
    return np.asarray(risk / adversarial_risk(plain, standard.dual_norm, budgets) - 1)


def onset(excess: Callable[[Array], Array], budgets: Array, level: float) -> float:
    """Smallest budget from which ``excess`` is above ``level``, to 1e-10; inf if it never is on the grid ``budgets``.

    ``budgets`` ascend. A crossing between two neighbours is refined by root search; one that begins and ends between
    two neighbours is not seen.
    """
    above = np.flatnonzero(excess(budgets) > level)
    if not len(above):
        return math.inf
    first = int(above[0])
    if first == 0:
        return float(budgets[0])
    low, high = float(budgets[first - 1]), float(budgets[first])

    def above_level(budget: float) -> float:
        return float(excess(np.array([budget]))[0]) - level

    found = brentq(above_level, low, high, xtol=1e-10)
    return float(found)
