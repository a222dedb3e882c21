"""Rows of the theory's claims, and the families of models they speak about."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.claims.row import CONCLUSION, CONTRADICTED, LINEAR_MODEL, SUPPORTED, UNDECIDED, Claim
from tradeoffs.theory.model import GaussianModel, gaussian_model
from tradeoffs.theory.risk import collapse_budget
from tradeoffs.theory.turning import turning_scale

Array = NDArray[np.float64]

ROUNDING = 1e-9
"""Excesses of risk no larger than this, as shares of the risk, count as zero."""

NOTHING = 1e-12
"""Shares of a prediction, and of what of a risk is not noise, no larger than this are rounding."""


ANTICAUSAL, WHERE = ", anticausal", "Where the response causes both features, "
"""How claims and statements begin or end that are about the family in which the response causes the features."""

SHIFTS = {"removed": 0.0, "reversed": -1.0}
"""Test domains: what the spurious correlation is multiplied by."""


class Case(NamedTuple):
    """A model of the grid, its scale a and its correlation; ``core_noise``: sigma_c where the response is the cause."""

    model: GaussianModel
    scale: float
    correlation: float
    core_noise: float | None = None

    @property
    def above(self) -> bool:
        """Whether a rho exceeds the core feature's scale, which is 1."""
        return self.scale * abs(self.correlation) > 1

    def raised_by(self, p: float) -> bool:
        """Whether training with p = 1, 2 or inf raises the spurious feature's share, by the closed forms."""
        if self.core_noise is None:
            return self.above or not math.isinf(p)
        return self.scale > turning_scale(p, self.correlation, self.core_noise) * (1 + NOTHING)


def exact(claim: str, statement: str, statistic: str, value: float, holds: bool, evidence: str) -> Claim:
    """A claim about exact quantities; a value that is not finite (no model to look at) leaves it undecided."""
    if not math.isfinite(value):
        return _row(claim, statement, statistic, None, UNDECIDED, evidence)
    return _row(claim, statement, statistic, value, SUPPORTED if holds else CONTRADICTED, evidence)


def _row(claim: str, statement: str, statistic: str, value: float | None, verdict: str, evidence: str) -> Claim:
    numbers = (value, None, None, None)
    return Claim(
        claim, statement, statistic, *numbers, verdict, subject=LINEAR_MODEL, scope=CONCLUSION, evidence=evidence
    )


def fractions(count: int) -> Array:
    """``count`` fractions of the budget of collapse between 0.001 and 0.999, denser at the small end."""
    return np.asarray(np.linspace(np.sqrt(0.001), np.sqrt(0.999), count) ** 2)


def budget_grid(model: GaussianModel, p: float, count: int) -> Array:
    """Budgets of the model at these fractions."""
    return collapse_budget(model.covariance, model.theta, model.noise, p) * fractions(count)


def random_models(count: int, noise: float, rng: np.random.Generator) -> list[GaussianModel]:
    """Models with one to four core and one to four spurious features, generic covariances, theta*_S = 0."""
    models = []
    for _ in range(count):
        core, spurious = rng.integers(1, 5, size=2)
        factor = rng.standard_normal((core + spurious, core + spurious + 1))
        theta = np.concatenate([rng.standard_normal(core), np.zeros(spurious)])
        models.append(gaussian_model(factor @ factor.T, theta, noise, np.repeat([False, True], [core, spurious])))
    return models


def family(cases: Sequence[Case]) -> str:
    """Describe the cases for the evidence column."""
    if not cases:
        return "no model"
    scales, rhos = sorted({case.scale for case in cases}), sorted({case.correlation for case in cases})
    noises = sorted({case.core_noise for case in cases if case.core_noise is not None})
    core = f", core noise {noises[0]:g} to {noises[-1]:g}" if noises else ""
    return f"{len(cases)} models, scale {scales[0]:g} to {scales[-1]:g}, correlation {rhos[0]:g} to {rhos[-1]:g}{core}"
