"""Rows of the theory's claims, and the families of models they speak about."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.claims.row import CONCLUSION, CONTRADICTED, LINEAR_MODEL, SUPPORTED, UNDECIDED, Claim
from tradeoffs.theory.model import GaussianModel, gaussian_model
from tradeoffs.theory.risk import collapse_budget

Array = NDArray[np.float64]

ROUNDING = 1e-9
"""Shares, and excesses of risk, no larger than this count as zero: rounding of weights of order one."""


class Case(NamedTuple):
    """A model of the grid, its scale a and its correlation rho."""

    model: GaussianModel
    scale: float
    correlation: float

    @property
    def above(self) -> bool:
        """Whether a rho exceeds the core feature's scale, which is 1."""
        return self.scale * abs(self.correlation) > 1


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


def budget_grid(model: GaussianModel, p: float, count: int) -> Array:
    """``count`` budgets between 0.001 and 0.999 of the budget of collapse, denser at the small end."""
    collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
    return collapse * np.linspace(np.sqrt(0.001), np.sqrt(0.999), count) ** 2


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
    scales, rhos = sorted({case.scale for case in cases}), sorted({case.correlation for case in cases})
    if not cases:
        return "no model"
    return f"{len(cases)} models, scale {scales[0]:g} to {scales[-1]:g}, correlation {rhos[0]:g} to {rhos[-1]:g}"
