"""Studies made by hand: models, and measurements of which every number is known."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from results.synthetic_study import benchmarks_told
from tradeoffs.claims.row import Claim
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model, Study

DRAWS = 200
BUDGETS = {"linf": (1.0, 2.0, 4.0, 8.0), "l2": (0.25, 0.5, 1.0, 2.0)}
COPIES = ("", "_copy2", "_copy3")


def study(models: Sequence[Model], **said: Any) -> Study:
    """A study of these models and of every benchmark."""
    return Study("study", list(models), list(benchmarks_told().values()), **said)


def model(name: str, role: str = "main", **fields: object) -> Model:
    """A model of the table; what is not said is as in the main grid."""
    said = {"architecture": "basic", "norm": "none", "epsilon": 0.0, "seed": 0, "world": "default", "benchmarks": ()}
    known = dict.fromkeys(Model._fields) | {"id": name, "role": role, "replicate": 1} | said | fields
    return Model(**known)  # type: ignore[arg-type]


def grid(
    architectures: Sequence[str] = ("basic",),
    replicates: int = 1,
    *,
    budgets: dict[str, tuple[float, ...]] | None = None,
    copies: Sequence[str] = COPIES,
    one_world: bool = False,
) -> list[Model]:
    """The main models: standard ones, which differ by their seeds, and one for each norm and budget."""
    trained = [(norm, each) for norm, listed in (BUDGETS if budgets is None else budgets).items() for each in listed]
    found = []
    for number in range(1, replicates + 1):
        suffix = f"_rep{number}" if number > 1 else ""
        about = {"replicate": number, "world": "default" if one_world else f"default{suffix}"}
        for name in architectures:
            own = about | {"architecture": name}
            found += [model(f"{name}_standard{copy}{suffix}", **own) for copy in copies]
            found += [
                model(f"{name}_{norm}_eps{epsilon:g}{suffix}", norm=norm, epsilon=epsilon, **own)
                for norm, epsilon in trained
            ]
    return found


def measured(
    models: Sequence[Model],
    benchmark: str,
    metric: str,
    value: Callable[[Model], float],
    *,
    images: float = 1e-3,
    trainings: float = 0.0,
    df: float = 9.0,
    seed: int = 0,
) -> Measurements:
    """Values with noise of ``trainings``, and draws around them: of ``images``, and of each model's own."""
    found: Measurements = {}
    for each in models:
        world = np.random.default_rng([seed, each.replicate]).normal(0, images, DRAWS)
        rng = np.random.default_rng([seed, *each.id.encode()])
        known = value(each) + rng.normal(0, trainings)
        of_standard = each.norm == "none"
        draws = known + (0 if of_standard else 1) * world + rng.normal(0, images / 10, DRAWS)
        found[each.id, benchmark, metric] = Measured(known, draws, 500, df)
    return found


def strength(each: Model) -> float:
    """How far along its budgets a model is, from 0 to 1, on the scale of their logarithm."""
    if each.norm == "none":
        return 0.0
    listed = BUDGETS[each.norm]
    return (1 + float(np.log2(each.epsilon / listed[0]))) / len(listed)


def by_name(rows: Sequence[Claim]) -> dict[str, Claim]:
    found = {row.claim: row for row in rows}
    assert len(found) == len(rows)
    return found
