"""Sweeps made by hand: models, and values with bootstrap draws of which each has its own."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from results.synthetic_study import benchmarks_told
from tradeoffs.claims.row import Claim
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model, Study

DRAWS = 200
CRITERIA = {"chance_margin": 0.05, "standard_errors": 2, "ceiling": 0.98, "convergence": 0.05}
CHANCE = 0.1


def study(models: Sequence[Model], criteria: Mapping[str, float] | None = None) -> Study:
    """A study of these models and of every benchmark; without criteria nothing is checked."""
    told = [
        each._replace(chance=CHANCE) if each.name in ("adversarial", "imagenet9") else each
        for each in benchmarks_told().values()
    ]
    return Study("study", list(models), told, {"other": 0.02}, criteria or {})


def model(name: str, role: str = "main", **fields: object) -> Model:
    """A model of the table; what is not said is as in the main grid."""
    said = {"architecture": "basic", "norm": "none", "epsilon": 0.0, "seed": 0, "world": "default", "benchmarks": ()}
    known = dict.fromkeys(Model._fields) | {"id": name, "role": role, "replicate": 1} | said | fields
    return Model(**known)  # type: ignore[arg-type]


def measured(
    models: Sequence[Model], benchmark: str, metric: str, value: Callable[[Model], float], noise: float = 1e-3
) -> Measurements:
    """Values, and draws around them."""
    found: Measurements = {}
    for number, each in enumerate(models):
        error = np.random.default_rng(number).normal(0, noise, DRAWS)
        found[each.id, benchmark, metric] = Measured(value(each), value(each) + error, 100 + number)
    return found


def by_name(rows: Sequence[Claim]) -> dict[str, Claim]:
    found = {row.claim: row for row in rows}
    assert len(found) == len(rows)
    return found


def fitted_change(x: Sequence[float], y: Sequence[float]) -> float:
    """The change from one end to the other of the line through all points, by polyfit."""
    return float(np.polyfit(x, y, 1)[0] * np.ptp(x))
