"""Finite samples against the exact curves where the response causes both features.

    tradeoffs theory anticausal_simulation --spec '{"core_noise": 0.5, "correlation": 0.7, "scales": [0.2, 2.0],
        "samples": [100, 1000], "budget_fractions": [0.0, 0.5], "seeds": 20, "seed": 0}' \
        --out anticausal_simulation.csv --card anticausal_simulation.json

The response is drawn first and the features from it; nothing but these draws enters, neither true weights nor a
covariance. On each data set the exact pointwise worst case is minimised (:func:`tradeoffs.theory.samples
.sample_minimiser`). Columns: scale and budget_fraction (of the budget of collapse), then those of ``tradeoffs theory
simulation``.
"""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.results.theory_tables import write_table
from tradeoffs.step.command import Written
from tradeoffs.theory.curves import norm_name
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import anticausal_model
from tradeoffs.theory.risk import NORMS, collapse_budget
from tradeoffs.theory.samples import sample_minimiser
from tradeoffs.theory.simulation import Comparison, agreement, compare

Array = NDArray[np.float64]
_ROUNDING = 1e-12  # weights below are zeros, which every data set may have exactly


class Settings(NamedTuple):
    """The family, and the points: every combination of scales, samples and budgets."""

    core_noise: float
    correlation: float
    scales: list[float]
    samples: list[int]
    budget_fractions: list[float]  # of the budget at which all weights become zero
    seeds: int  # data sets drawn for each point
    seed: int  # of the first


def draw(scale: float, correlation: float, core_noise: float, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw x [n, 2] and y [n]: the response, then each feature from it."""
    y, first, second = rng.standard_normal((3, n))
    core = y + core_noise * first
    spurious = scale * (correlation * y + np.sqrt(1 - correlation**2) * second)
    return np.stack([core, spurious], axis=1), y


def simulate(settings: Settings) -> tuple[list[tuple[float, float]], list[Comparison]]:
    """Run all points; returns (scale, budget fraction) beside each row. Norms and budgets share the data sets."""
    r, core_noise, fractions = settings.correlation, settings.core_noise, np.array(settings.budget_fractions)
    looks = len(settings.scales) * len(NORMS) * len(fractions) * 2
    points, rows = [], []
    for scale in settings.scales:
        model = anticausal_model(scale, r, core_noise)
        budgets = {p: collapse_budget(model.covariance, model.theta, model.noise, p) * fractions for p in NORMS}
        exact = {p: minimise(model, p, budgets[p]).theta for p in NORMS}
        exact = {p: np.where(np.abs(theta) > _ROUNDING, theta, 0.0) for p, theta in exact.items()}
        for samples in settings.samples:
            sets = [
                draw(scale, r, core_noise, samples, np.random.default_rng([seed, samples]))
                for seed in range(settings.seed, settings.seed + settings.seeds)
            ]
            for p in NORMS:
                for i, (fraction, epsilon) in enumerate(zip(fractions.tolist(), budgets[p].tolist(), strict=True)):
                    weights = np.array([sample_minimiser(x, y, p, epsilon) for x, y in sets])
                    for j, quantity in enumerate(("core_weight", "spurious_weight")):
                        value = float(exact[p][i, j])
                        point = (2, norm_name(p), samples, epsilon, quantity, value)
                        points.append((scale, fraction))
                        rows.append(Comparison(*point, *compare(weights[:, j], value, looks)))
    return points, rows


def run(settings: Settings, *, out: Annotated[Path, "CSV to write"]) -> Written:
    """Write the comparisons; the card says how far they agree. InputError for sigma_c or r out of range."""
    points, rows = simulate(settings)
    table: dict[str, list[Any]] = {"scale": [a for a, _ in points], "budget_fraction": [f for _, f in points]}
    write_table(out, table | {name: [getattr(row, name) for row in rows] for name in Comparison._fields})
    return Written("theory", [out], {"agreement": agreement(rows)})
