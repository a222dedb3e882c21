"""Weights and risks against the budget where the response causes both features.

    tradeoffs theory anticausal_curves --spec '{"core_noise": 0.5, "correlation": 0.7, "scales": [0.5, 1.0],
        "norms": ["1", "2", "inf"], "budgets": 101, "test_correlations": [0.0, -0.7]}' \
        --out anticausal_curves.csv --risks anticausal_risks.csv --card anticausal_curves.json

y ~ N(0, 1), x_C = y + sigma_c z, x_S = a (r y + sqrt(1 - r^2) z'). Tables as those of ``tradeoffs theory curves``, with
columns more: ``core_noise`` (sigma_c), ``turning_scale`` (the scale from which the norm's training raises reliance) and
``budget_fraction`` (of the budget at which all weights become zero, where each curve ends).
"""

import math
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np

from tradeoffs.results.theory_tables import stack, write_table
from tradeoffs.step.command import Written
from tradeoffs.theory.curves import curve, parse_norm
from tradeoffs.theory.model import anticausal_model
from tradeoffs.theory.risk import collapse_budget
from tradeoffs.theory.turning import turning_scale


class Settings(NamedTuple):
    """sigma_c, r, and the grid."""

    core_noise: float
    correlation: float
    scales: list[float]  # of the spurious feature
    norms: list[str]  # numbers >= 1, or inf
    budgets: int  # from 0 to that at which all weights become zero
    test_correlations: list[float]


def run(
    settings: Settings,
    *,
    out: Annotated[Path, "CSV to write: weights against the budget"],
    risks: Annotated[Path, "CSV to write: risks per test domain"],
) -> Written:
    """Write both tables for every scale and norm. InputError for a norm below 1, or sigma_c or r out of range."""
    norms = [parse_norm(name) for name in settings.norms]
    fractions = np.linspace(0, 1, settings.budgets)
    found = []
    for scale in settings.scales:
        model = anticausal_model(scale, settings.correlation, settings.core_noise)
        domains = {
            f"correlation {rho:g}": anticausal_model(scale, rho, settings.core_noise)
            for rho in settings.test_correlations
        }
        for p in norms:
            budgets = collapse_budget(model.covariance, model.theta, model.noise, p) * fractions
            turning = None
            if (p in (1, 2) or math.isinf(p)) and 0 < settings.correlation < 1:
                turning = turning_scale(p, settings.correlation, settings.core_noise)
            labels = {"scale": scale, "correlation": settings.correlation, "core_noise": settings.core_noise}
            one = curve(model, p, budgets, domains, **labels, turning_scale=turning)
            one.weights["budget_fraction"] = fractions.tolist()
            found.append(one)
    write_table(out, stack([each.weights for each in found]))
    write_table(risks, stack([each.risks for each in found]))
    return Written("theory", [out, risks])
