"""A model of a study, and how settings become one string."""

from typing import Any, NamedTuple

from tradeoffs.models.ids import in_replicate
from tradeoffs.step.errors import InputError

DEFAULT_WORLD = "default"
# In the imagenet study, of what trainings read, and of what is attacked on further domains: nothing else reads those.
TRAINING_WORLD, ATTACKED_WORLD = "training", "attacked"
ATTACKED = "adversarial"  # a benchmark that says nothing of reliance, and takes longest: not for controls

Config = dict[str, Any]


class Model(NamedTuple):
    """One model of the study: where it comes from, how it was trained, and which benchmarks it is put through."""

    id: str
    role: str  # main, control, correlation_sweep, background_scale_sweep, objective_sweep, or extra: the user's own
    architecture: str
    norm: str  # none, l1, l2 or linf
    epsilon: float  # as in the id: l1 and l2 in pixel units, linf in 1/255
    seed: int
    world: str
    spec: Config  # of the command that makes its weights
    benchmarks: tuple[str, ...]
    source: str  # train, released, or one of tradeoffs.models.sources
    loads_as: str  # its architecture's name for tradeoffs.models.networks
    file: str | None  # weights that it is made from; None where it is trained here, or a library or factory has them
    reference: str | None = None  # id of the standard model to compare with; None: that of its architecture
    replicate: int = 1
    downloaded: bool = False  # whether the file is one that this workflow downloads, else it is the user's
    objective: str | None = None  # the name of its training, where that is its own: of a sweep, or of an own model
    start: str | None = None  # id of the model whose weights its training begins with; None: random ones


def grid(budgets: dict[str, list[float]]) -> list[tuple[str, float]]:
    """Return norm and budget of every model of an architecture, the standard one first."""
    return [("none", 0.0)] + [(norm, budget) for norm, listed in budgets.items() for budget in listed]


def by_id(listed: list[Model]) -> dict[str, Model]:
    """Return models by id; InputError for one that is listed twice."""
    found: dict[str, Model] = {}
    for model in listed:
        if model.id in found:
            roles = " and ".join(sorted({found[model.id].role, model.role}))
            raise InputError(
                f"config: model {model.id} is listed twice, as {roles}; remove one of the equal budgets, values or ids"
            )
        found[model.id] = model
    return found


# What settings are said to be where they change nothing, so that changing them makes nothing stale.
_NO_ATTACK = {"attack_steps": 1, "attack_step_size": 1.25}
_NO_WARM_UP = {"attack_warm_up": 0.5}  # of standard training alone: noise grows with the budget
_NO_OBJECTIVE = {"objective": "pgd", "trades_beta": 6.0}


def with_effect(spec: Config) -> Config:
    """Return a training's settings with those at fixed values that change nothing in it.

    Standard training has no attack, and no objective; noise has no steps; the weight of a divergence is that of TRADES.
    """
    if spec["norm"] == "none":
        return spec | _NO_ATTACK | _NO_WARM_UP | _NO_OBJECTIVE
    if spec["objective"] == "trades":
        return spec
    without_steps = _NO_ATTACK if spec["objective"] == "noise" else {}
    return spec | without_steps | {"trades_beta": _NO_OBJECTIVE["trades_beta"]}


def overridden(training: Config, name: str, replicate: int) -> Config:
    """Return what ``training.overrides`` says of a model: by its bare name for all replicates, by its id for one."""
    overrides = training["overrides"]
    of_all: Config = overrides.get(name, {})
    of_one: Config = overrides.get(in_replicate(name, replicate), {})
    return of_all | of_one


def check_overrides(training: Config, trained: list[Model], study: str) -> None:
    """Raise InputError where ``training.overrides`` names a model that the study does not train, or changes nothing."""
    where, ids = f"config: {study}.training.overrides", [model.id for model in trained]
    if unknown := training["overrides"].keys() - set(ids):
        raise InputError(
            f"{where} names {', '.join(sorted(unknown))}, which this study does not train; "
            + (f"ids look like {ids[0]}" if ids else "it trains none: source is released")
        )
    for model in trained:
        for key, value in training["overrides"].get(model.id, {}).items():
            if model.norm == "none" and model.spec.get(key) != value:
                raise InputError(
                    f"{where}.{model.id}: {key} = {value} changes nothing in a training without an attack; leave it out"
                )
