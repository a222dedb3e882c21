"""The miniature study: two small ResNets in the main grid, and the models of the sweeps, all trained here."""

import re
from typing import Any, NamedTuple

from tradeoffs.models.ids import PLAIN, in_replicate, model_id, pixel_epsilon, training_seed
from tradeoffs.step.declared_data import data
from tradeoffs.step.errors import InputError
from tradeoffs.study import replicates
from tradeoffs.study.model import ATTACKED, DEFAULT_WORLD, Config, Model, grid, overridden, with_effect

CLASSES = 10
# A point of a sweep: architecture, norm and budget of a model, and where it differs from the main grid's.
Point = tuple[tuple[str, str, float], Config]
SHIFTED = "shifted_correlation"  # a benchmark that the sweep of the correlation goes through beside the attacks
OBJECTIVES = "objective_sweep"  # role of models that are trained otherwise
KNOBS = ("correlation", "background_scale")  # of a world; sweeps turn one of them


class World(NamedTuple):
    """What worlds differ in; the name is that of their folder. ``images``: of training, no more than its models see.

    From the ``seed`` follow the photograph of each class, the digits and where they stand: a replicate has its own.
    """

    name: str
    seed: int
    correlation: float
    background_scale: float
    images: int


def data_sets() -> list[str]:
    """Return the data sets that the miniature has: ImageNet, and those whose declarations say so."""
    return [name for name, declared in data().items() if name == "imagenet" or declared.miniature]


def models(study: Config, benchmarks: tuple[str, ...]) -> list[Model]:
    """All models of all replicates that there may be; the first one's main grid goes through all ``benchmarks``.

    A sweep whose first benchmark is not among them has no models.
    """
    return [
        model
        for replicate in range(1, replicates.most(study) + 1)
        for model in _models_of_replicate(study, replicate, benchmarks)
    ]


def _models_of_replicate(study: Config, replicate: int, everything: tuple[str, ...]) -> list[Model]:
    training = {key: value for key, value in study["training"].items() if key != "overrides"}

    def model(
        role: str,
        architecture: str,
        norm: str,
        epsilon: float,
        *,
        benchmarks: tuple[str, ...],
        world: str = DEFAULT_WORLD,
        label: str = "",
        training_called: str | None = None,
        **changed: Any,
    ) -> Model:
        name = model_id(architecture, norm, epsilon, label)
        seed = training_seed(name, replicate)
        spec = training | {
            "architecture": architecture,
            "norm": norm,
            "epsilon": pixel_epsilon(norm, epsilon),
            "seed": seed,
            "images": study["training"]["images"] or study["data"]["images"]["train"],
        }
        begins = changed.pop("start", "scratch")
        spec |= changed | overridden(study["training"], name, replicate)
        identity = (in_replicate(name, replicate), role, architecture, norm, epsilon, seed)
        where = (in_replicate(world, replicate), with_effect(spec), benchmarks, "train", architecture, None)
        start = in_replicate(model_id(architecture, "none", 0.0), replicate) if begins == "standard" else None
        return Model(*identity, *where, replicate=replicate, objective=training_called, start=start)

    # Attacks say how robust models are; no claim about the grid rests on them, and they cost a tenth of a replicate.
    unattacked = tuple(name for name in everything if name != ATTACKED)
    result = [
        model(
            "main",
            architecture,
            norm,
            epsilon,
            benchmarks=unattacked if replicate > 1 or label else everything,
            label=label,
        )
        for architecture in study["architectures"]
        for norm, epsilon in grid(study["budgets"])
        for label in (_copies(study) if norm == "none" else [""])
    ]
    if unattacked:
        result += [
            model("control", architecture, "none", 0.0, benchmarks=unattacked, label=f"{key}{value}", **{key: value})
            for architecture in study["architectures"]
            for key, value in _controls(study, replicate)
        ]
    for role, named, points in _sweeps(study):
        if named[0] in everything:
            listed = tuple(name for name in named if name in everything)
            result += [model(role, *point, benchmarks=listed, **beside) for point, beside in points]
    if unattacked:
        result += [model(OBJECTIVES, *point, benchmarks=unattacked, **beside) for point, beside in _objectives(study)]
    return result


def _copies(study: Config) -> list[str]:
    """Return what tells the standard models of an architecture apart; nothing but their seeds differs."""
    return ["", *(f"copy{number}" for number in range(2, study["standard_models"] + 1))]


def _controls(study: Config, replicate: int) -> list[tuple[str, Any]]:
    """Return what sets each control apart, images or epochs, and how many.

    After the first replicate of each the ends alone: the slope of a line rests on them, and a control in between costs
    as much of a replicate (docs/explanation/cost.md).
    """
    found = {key: study["controls"][key] for key in ("images", "epochs")}
    if replicate > 1:
        found = {
            key: [value for value in values if value in (min(values), max(values))] for key, values in found.items()
        }
    return [(key, value) for key, values in found.items() for value in values]


def _sweeps(study: Config) -> list[tuple[str, tuple[str, ...], list[Point]]]:
    """Return each sweep: the role of its models, their benchmarks (without the first, none), and its points."""
    sweeps = study["sweeps"]
    standard = [("none", 0.0)]
    scales = sweeps["background_scale"]
    return [
        ("correlation_sweep", (ATTACKED, SHIFTED), _over_worlds("correlation", sweeps["correlation"], standard)),
        ("background_scale_sweep", ("imagenet9",), _over_worlds("background_scale", scales, grid(scales["budgets"]))),
    ]


def _objectives(study: Config) -> list[Point]:
    """Return the trainings of the sweep at each of its budgets, and where the main grid has none, one as the grid's.

    InputError for a training that is not described, and for an architecture without standard models to compare with.
    """
    sweep = study["sweeps"]["objectives"]
    where = "config: miniature.sweeps.objectives"
    if unknown := [name for name in sweep["values"] if name not in sweep["trainings"]]:
        raise InputError(
            f"{where}.values: {unknown[0]!r} is no training; expected of {', '.join(sweep['trainings']) or 'none'}, or "
            "say under trainings how it differs"
        )
    if taken := [name for name in sweep["values"] if re.fullmatch(r"(rep|copy)\d+", name)]:
        raise InputError(
            f"{where}.values: {taken[0]!r} is how ids say which replicate or copy a model is; give the training "
            "another name"
        )
    if PLAIN in sweep["values"]:
        raise InputError(
            f"{where}.values: {PLAIN!r} is what claims call the main grid's training; give it another name"
        )
    if sweep["values"] and sweep["architecture"] not in study["architectures"]:
        raise InputError(
            f"{where}.architecture = {sweep['architecture']!r}; expected of miniature.architectures, "
            f"{', '.join(study['architectures'])}: the models are compared with its standard ones"
        )
    architecture, budgets = sweep["architecture"], grid(sweep["budgets"])[1:] if sweep["values"] else []
    if sweep["values"] and not budgets:
        raise InputError(f"{where}.budgets: none, so that nothing is trained with {sweep['values'][0]}; give one")
    for name in sweep["values"]:
        if not any(_differs(study["training"], sweep["trainings"][name], norm) for norm, _ in budgets):
            raise InputError(f"{where}.trainings.{name}: changes nothing in the grid's training; say what differs")
    there = grid(study["budgets"]) if architecture in study["architectures"] else []
    points: list[Point] = [((architecture, *point), {}) for point in budgets if point not in there]
    for name in sweep["values"]:
        beside = {"label": name, "training_called": name} | sweep["trainings"][name]
        points += [((architecture, *point), beside) for point in budgets]
    return points


def _differs(training: Config, named: Config, norm: str) -> bool:
    """Whether a training of a name is another one than the grid's."""
    plain = {key: value for key, value in training.items() if key != "overrides"} | {"norm": norm}
    own = {key: value for key, value in named.items() if (key, value) != ("start", "scratch")}
    return with_effect(plain | own) != with_effect(plain)


def _over_worlds(knob: str, sweep: Config, trainings: list[tuple[str, float]]) -> list[Point]:
    """Return the points of a sweep over a knob of the world: each value with each norm and budget."""
    return [
        ((sweep["architecture"], norm, epsilon), {"world": name, "images": sweep["images"], "label": name})
        for name in (_world_name(knob, value) for value in sweep["values"])
        for norm, epsilon in trainings
    ]


def worlds(study: Config) -> dict[str, World]:
    """Return the study's worlds by name: in each replicate the main grid's, and one for each value of a sweep."""
    said = study["data"]
    main = World(DEFAULT_WORLD, said["seed"], said["correlation"], said["background_scale"], said["images"]["train"])
    swept = [
        World(**main._asdict() | _fixed(sweep) | {"name": _world_name(knob, value), knob: float(value)})
        for knob, sweep in ((knob, study["sweeps"][knob]) for knob in KNOBS)
        for value in sweep["values"]
    ]
    found = [
        world._replace(name=in_replicate(world.name, replicate), seed=world.seed + replicate - 1)
        for replicate in range(1, replicates.most(study) + 1)
        for world in (main, *swept)
    ]
    return {world.name: world for world in found}


def _fixed(sweep: Config) -> Config:
    """Return what all worlds of a sweep have in place of the main grid's."""
    return {"images": sweep["images"]} | {knob: float(sweep[knob]) for knob in KNOBS if knob in sweep}


def _world_name(knob: str, value: float) -> str:
    return f"{knob}{value:g}"


def world_spec(config: Config, name: str, dataset: str) -> Config:
    """Settings of a miniature data set in a world: the study's own, with what is the world's. KeyError for no world."""
    said = config["miniature"]["data"]
    world = worlds(config["miniature"])[name]
    sizes = said["images"]
    spec = {key: value for key, value in said.items() if key != "images"}
    spec |= {key: getattr(world, key) for key in ("seed", *KNOBS)}
    if dataset == "imagenet":
        return spec | {"images": world.images, "test_images": sizes["val"]}
    return spec | {"images": sizes[dataset]}
