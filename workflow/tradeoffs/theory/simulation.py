"""Finite samples against the exact curves: adversarial training on n draws converges to them as n grows.

    python -m tradeoffs.theory.simulation --spec '{"noise": 0.5, "correlation": 0.7, "scale": 2.0, "features": [2],
        "samples": [100, 1000], "budgets": [0.1, 0.3], "seeds": 20, "seed": 0}' \
        --out simulation.csv --card simulation.json

For every number of features, norm, sample size and budget, ``seeds`` independent data sets are drawn and the exact
pointwise worst case is minimised on each. Two quantities are compared with their exact values, the mean weight of the
core and of the spurious features: their error is of order 1/sqrt(n). Columns: see :class:`Comparison`.
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from tradeoffs.results.theory_tables import write_table
from tradeoffs.step.cards import digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import exit_code
from tradeoffs.step.specs import parse_spec
from tradeoffs.theory.curves import norm_name
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import GaussianModel, block_model
from tradeoffs.theory.samples import draw, sample_minimiser

Array = NDArray[np.float64]
NORMS = (1.0, 2.0, math.inf)
LEVEL = 0.95
_KEYS: dict[str, type | tuple[type, ...]] = {
    "noise": float,
    "correlation": float,
    "scale": float,
    "features": list,
    "samples": list,
    "budgets": list,
    "seeds": int,
    "seed": int,
}


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


def simulate(spec: dict[str, Any]) -> list[Comparison]:
    """Run all points; the data set of a seed is shared by norms and budgets."""
    budgets: Sequence[float] = spec["budgets"]
    looks = len(spec["features"]) * len(NORMS) * len(budgets) * 2
    rows = []
    for features in spec["features"]:
        model = block_model(features, spec["scale"], spec["correlation"], spec["noise"])
        exact = {p: block_means(minimise(model, p, budgets).theta, model) for p in NORMS}
        for samples in spec["samples"]:
            found: dict[float, list[Array]] = {p: [] for p in NORMS}
            for seed in range(spec["seed"], spec["seed"] + spec["seeds"]):
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


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.theory.simulation", description="Theory by simulation")
    parser.add_argument("--spec", required=True, help="JSON settings: " + ", ".join(_KEYS))
    parser.add_argument("--out", type=Path, required=True, help="CSV to write")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    spec = parse_spec(arguments.spec, _KEYS)
    rows = simulate(spec)
    write_table(arguments.out, {name: [getattr(row, name) for row in rows] for name in Comparison._fields})
    code = code_id("tradeoffs.theory.simulation")
    files = digests(arguments.out)
    write_card(arguments.card, spec=spec, code=code, data={}, started=started, files=files, agreement=agreement(rows))


if __name__ == "__main__":
    sys.exit(exit_code(main))
