"""Finite samples against the exact curves: adversarial training on n draws converges to them as n grows.

    tradeoffs theory simulation --spec '{"noise": 0.5, "correlation": 0.7, "scale": 2.0, "features": [2],
        "samples": [100, 1000], "budgets": [0.1, 0.3], "seeds": 20, "seed": 0}' \
        --out simulation.csv --card simulation.json

For every number of features, norm, sample size and budget, ``seeds`` independent data sets are drawn and the exact
pointwise worst case is minimised on each. Two quantities are compared with their exact values, the mean weight of the
core and of the spurious features: their error is of order 1/sqrt(n). Columns: see :class:`Comparison`.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from tradeoffs.results.theory_tables import write_table
from tradeoffs.step.command import Written
from tradeoffs.theory.curves import norm_name
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import GaussianModel, block_model
from tradeoffs.theory.risk import NORMS
from tradeoffs.theory.samples import draw, sample_minimiser

Array = NDArray[np.float64]
LEVEL = 0.95


class Settings(NamedTuple):
    """The model, and the points: every combination of features, samples and budgets."""

    noise: float
    correlation: float
    scale: float
    features: list[int]
    samples: list[int]
    budgets: list[float]
    seeds: int  # data sets drawn for each point
    seed: int  # of the first


class Comparison(NamedTuple):
    """One quantity at one point, over seeds.

    ``exact`` is its value in the infinite-sample limit; ``mean`` the average over seeds with its 95 % t-interval
    (``ci_low``, ``ci_high``); ``band_low`` and ``band_high`` the same, but holding with 95 % for all points of one
    sample size together (Bonferroni); ``rms_error`` the root mean square of single estimates minus exact.
    """

    features: int
    p: str
    samples: int
    epsilon: float
    quantity: str
    exact: float
    mean: float
    ci_low: float
    ci_high: float
    band_low: float
    band_high: float
    rms_error: float


def compare(estimates: Array, exact: float, looks: int) -> tuple[float, float, float, float, float, float]:
    """Mean, interval, simultaneous band over ``looks`` comparisons, and rms error of ``estimates`` [seeds]."""
    seeds = len(estimates)
    mean, error = float(estimates.mean()), float(estimates.std(ddof=1)) / math.sqrt(seeds)
    half = [float(stdtrit(seeds - 1, 1 - (1 - LEVEL) / (2 * many))) * error for many in (1, looks)]
    rms = float(np.sqrt(np.mean((estimates - exact) ** 2)))
    return mean, mean - half[0], mean + half[0], mean - half[1], mean + half[1], rms


def block_means(theta: Array, model: GaussianModel) -> Array:
    """Mean core and mean spurious weight, [..., 2], of weights [..., d]."""
    return np.stack([theta[..., ~model.spurious].mean(axis=-1), theta[..., model.spurious].mean(axis=-1)], axis=-1)


def simulate(settings: Settings) -> list[Comparison]:
    """Run all points; the data set of a seed is shared by norms and budgets."""
    budgets: Sequence[float] = settings.budgets
    looks = len(settings.features) * len(NORMS) * len(budgets) * 2
    rows = []
    for features in settings.features:
        model = block_model(features, settings.scale, settings.correlation, settings.noise)
        exact = {p: block_means(minimise(model, p, budgets).theta, model) for p in NORMS}
        for samples in settings.samples:
            found: dict[float, list[Array]] = {p: [] for p in NORMS}
            for seed in range(settings.seed, settings.seed + settings.seeds):
                x, y = draw(model, samples, np.random.default_rng([seed, features, samples]))
                for p in NORMS:
                    weights = np.array([sample_minimiser(x, y, p, epsilon) for epsilon in budgets])
                    found[p].append(block_means(weights, model))
            for p in NORMS:
                estimates = np.array(found[p])
                for i, epsilon in enumerate(budgets):
                    for j, quantity in enumerate(("core_weight", "spurious_weight")):
                        value = float(exact[p][i, j])
                        point = (features, norm_name(p), samples, epsilon, quantity, value)
                        rows.append(Comparison(*point, *compare(estimates[:, i, j], value, looks)))
    return rows


def agreement(rows: Sequence[Comparison]) -> dict[str, Any]:
    """At the largest sample size: share of 95 % intervals, and of simultaneous bands, that hold the exact value."""
    largest = max(row.samples for row in rows)
    last = [row for row in rows if row.samples == largest]
    return {
        "samples": largest,
        "comparisons": len(last),
        "inside_interval": float(np.mean([row.ci_low <= row.exact <= row.ci_high for row in last])),
        "inside_band": float(np.mean([row.band_low <= row.exact <= row.band_high for row in last])),
    }


def run(settings: Settings, *, out: Annotated[Path, "CSV to write"]) -> Written:
    """Write the comparisons; the card says how far they agree with the exact values."""
    rows = simulate(settings)
    write_table(out, {name: [getattr(row, name) for row in rows] for name in Comparison._fields})
    return Written("theory", [out], {"agreement": agreement(rows)})
