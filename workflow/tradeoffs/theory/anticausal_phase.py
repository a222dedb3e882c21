"""Change of reliance over scale and correlation, where the response causes both features.

    tradeoffs theory anticausal_phase --spec '{"core_noise": 0.5, "largest_scale": 3.0, "cells": 41,
        "budget_fractions": [0.1, 0.5, 0.9]}' --out anticausal_phase.csv --card anticausal_phase.json

y ~ N(0, 1), x_C = y + sigma_c z, x_S = a (r y + sqrt(1 - r^2) z'). Budgets are fractions of the budget at which all
weights become zero. Columns: p, scale, correlation, budget_fraction, epsilon, reliance, standard_reliance (of least
squares), threshold (the exact scale from which training raises reliance).
"""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from tradeoffs.results.theory_tables import write_table
from tradeoffs.step.command import Written
from tradeoffs.theory.curves import norm_name, reliance
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import anticausal_model
from tradeoffs.theory.one_thread import on_one_thread
from tradeoffs.theory.risk import NORMS, collapse_budget
from tradeoffs.theory.turning import turning_scale


class Settings(NamedTuple):
    """sigma_c, and the grid."""

    core_noise: float
    largest_scale: float
    cells: int  # along each side
    budget_fractions: list[float]  # of the budget at which all weights become zero


@on_one_thread()
def phase_table(
    core_noise: float, largest_scale: float, cells: int, budget_fractions: list[float]
) -> dict[str, list[Any]]:
    """Reliance at every grid point: ``cells`` scales up to ``largest_scale``, as many correlations between 0 and 1."""
    rows = []
    for scale in np.linspace(0, largest_scale, cells + 1)[1:]:
        for r in np.linspace(0, 1, cells + 2)[1:-1]:
            model = anticausal_model(float(scale), float(r), core_noise)
            for p in NORMS:
                collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
                budgets = collapse * np.array([0.0, *budget_fractions])
                standard, *shares = reliance(model, minimise(model, p, budgets).theta).tolist()
                turning = turning_scale(p, float(r), core_noise)
                for fraction, epsilon, share in zip(budget_fractions, budgets[1:].tolist(), shares, strict=True):
                    rows.append((norm_name(p), float(scale), float(r), fraction, epsilon, share, standard, turning))
    names = (
        *("p", "scale", "correlation", "budget_fraction", "epsilon", "reliance"),
        *("standard_reliance", "threshold"),
    )
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def run(settings: Settings, *, out: Annotated[Path, "CSV to write"]) -> Written:
    """Write the table of :func:`phase_table`. InputError for sigma_c out of range."""
    write_table(out, phase_table(**settings._asdict()))
    return Written("theory", [out])
