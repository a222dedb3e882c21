"""Reliance on the spurious feature over its scale and correlation, for p = 1, 2 and inf.

    tradeoffs theory phase --spec '{"noise": 0.5, "largest_scale": 3.0, "cells": 41,
        "budget_fractions": [0.1, 0.5, 0.9]}' --out phase.csv --card phase.json

One core feature of scale 1 and one spurious feature. Budgets are fractions of the budget at which all weights become
zero, so that cells are compared at equally strong training. Columns: p, scale, correlation, budget_fraction, epsilon,
reliance, threshold (the exact scale from which p = inf relies on the feature).
"""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from tradeoffs.results.theory_tables import write_table
from tradeoffs.step.command import Written
from tradeoffs.theory.curves import norm_name, reliance
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import two_feature_model
from tradeoffs.theory.one_thread import on_one_thread
from tradeoffs.theory.risk import NORMS, collapse_budget
from tradeoffs.theory.threshold import scale_threshold


class Settings(NamedTuple):
    """Standard deviation of the noise, and the grid."""

    noise: float
    largest_scale: float
    cells: int  # along each side
    budget_fractions: list[float]  # of the budget at which all weights become zero


@on_one_thread()
def phase_table(noise: float, largest_scale: float, cells: int, budget_fractions: list[float]) -> dict[str, list[Any]]:
    """Reliance at every grid point: ``cells`` scales up to ``largest_scale``, ``cells`` correlations below 1."""
    rows = []
    for scale in np.linspace(0, largest_scale, cells + 1)[1:]:
        for rho in np.linspace(0, 1, cells + 1)[:-1]:
            model = two_feature_model(float(scale), float(rho), noise)
            threshold = float(scale) * scale_threshold(model)
            for p in NORMS:
                collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
                budgets = collapse * np.array(budget_fractions)
                shares = reliance(model, minimise(model, p, budgets).theta)
                for fraction, epsilon, share in zip(budget_fractions, budgets, shares, strict=True):
                    point = (norm_name(p), float(scale), float(rho), fraction)
                    rows.append((*point, float(epsilon), float(share), threshold))
    names = ("p", "scale", "correlation", "budget_fraction", "epsilon", "reliance", "threshold")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def run(settings: Settings, *, out: Annotated[Path, "CSV to write"]) -> Written:
    """Write the table of :func:`phase_table`."""
    write_table(out, phase_table(**settings._asdict()))
    return Written("theory", [out])
