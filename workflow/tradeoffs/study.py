"""What the config means: which models are trained in which world, and what is evaluated on what.

Plain functions of the validated config; nothing here imports more than the standard library, because the Snakefile
calls it at every start.
"""

import json
from typing import Any, NamedTuple

from tradeoffs.errors import InputError
from tradeoffs.models.ids import model_id, pixel_epsilon

DEFAULT_WORLD = "default"
# The data sets each benchmark reads; the first names its own.
BENCHMARK_DATA: dict[str, tuple[str, ...]] = {
    "rival10": ("rival10",),
    "salient_imagenet": ("salient_imagenet",),
    "imagenet9": ("imagenet9",),
    "waterbirds": ("waterbirds",),
    "objectnet": ("objectnet", "imagenet"),
    "adversarial": ("imagenet",),
}
CLASSES = {"miniature": 10, "imagenet": 1000}
# What a job asks of a scheduler at its first attempt: MB of memory and minutes; each further attempt asks for as much
# again. Generous: a job that is too small is lost, one that is too large only waits a little longer.
NEEDS = {
    "miniature": {"train": (4000, 60), "evaluate": (4000, 30)},
    "imagenet": {"train": (48_000, 2880), "evaluate": (16_000, 480)},
}

Config = dict[str, Any]


class Model(NamedTuple):
    """One model of the study: where it is trained, how, and which benchmarks it is put through."""

    id: str
    role: str  # main, correlation_sweep, background_scale_sweep or reference
    architecture: str
    norm: str  # none, l2 or linf
    epsilon: float  # as in the id: l2 in pixel units, linf in 1/255
    seed: int
    world: str
    spec: Config  # of tradeoffs.train
    benchmarks: tuple[str, ...]


def canonical(value: Any) -> str:
    """One string for one meaning: JSON with sorted keys, and whole floats as integers (0.0 and 0 are one setting)."""

    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {str(key): plain(inner) for key, inner in item.items()}
        if isinstance(item, list | tuple):
            return [plain(inner) for inner in item]
        if isinstance(item, float) and item.is_integer():
            return int(item)
        return item

    return json.dumps(plain(value), sort_keys=True)


def models(config: Config) -> dict[str, Model]:
    """All models of the study by id, main ones first. Raises InputError for duplicate ids and unknown overrides."""
    study = config[config["study"]]
    listed = [model for seed in study["seeds"] for model in _models_of_seed(study, seed)]
    found: dict[str, Model] = {}
    for model in listed:
        if model.id in found:
            raise InputError(
                f"config: model {model.id} is listed twice; remove one of the equal budgets, values or seeds"
            )
        found[model.id] = model
    if unknown := study["training"]["overrides"].keys() - found.keys():
        raise InputError(
            f"config: training.overrides names {', '.join(sorted(unknown))}, which this study does not train; "
            f"ids look like {next(iter(found))}"
        )
    return found


def _models_of_seed(study: Config, seed: int) -> list[Model]:
    suffix = f"seed{seed}" if len(study["seeds"]) > 1 else ""
    training = {key: value for key, value in study["training"].items() if key != "overrides"}

    def model(
        role: str,
        architecture: str,
        norm: str,
        epsilon: float,
        *,
        benchmarks: tuple[str, ...],
        world: str = DEFAULT_WORLD,
        images: int | None = None,
        label: str = "",
    ) -> Model:
        name = model_id(architecture, norm, epsilon, label, suffix)
        spec = training | {
            "architecture": architecture,
            "norm": norm,
            "epsilon": pixel_epsilon(norm, epsilon),
            "seed": seed,
            "images": images or study["data"]["images"]["train"],
        }
        spec |= study["training"]["overrides"].get(name, {})
        return Model(name, role, architecture, norm, epsilon, seed, world, spec, benchmarks)

    everything = tuple(study["benchmarks"])
    grid = [("none", 0.0)] + [(norm, budget) for norm, budgets in study["budgets"].items() for budget in budgets]
    result = [
        model("main", architecture, norm, epsilon, benchmarks=everything)
        for architecture in study["architectures"]
        for norm, epsilon in grid
    ]
    sweeps = study["sweeps"]
    sweep = sweeps["correlation"]
    result += [
        model(
            "correlation_sweep",
            sweep["architecture"],
            "none",
            0.0,
            benchmarks=("adversarial",),
            world=f"correlation{value:g}",
            images=sweep["images"],
            label=f"correlation{value:g}",
        )
        for value in sweep["values"]
    ]
    sweep = sweeps["background_scale"]
    result += [
        model(
            "background_scale_sweep",
            sweep["architecture"],
            norm,
            epsilon,
            benchmarks=("imagenet9",),
            world=f"background_scale{value:g}",
            images=sweep["images"],
            label=f"background_scale{value:g}",
        )
        for value in sweep["values"]
        for norm, epsilon in [("none", 0.0), *((norm, e) for norm, listed in sweep["budgets"].items() for e in listed)]
    ]
    sweep = sweeps["reference"]
    result += [
        model(
            "reference",
            architecture,
            "none",
            0.0,
            benchmarks=("objectnet",),
            images=value,
            label=f"images{value}",
        )
        for architecture in study["architectures"]
        for value in sweep["images"]
    ]
    return result


def world_spec(config: Config, world: str, dataset: str) -> Config:
    """Settings of a miniature data set in a world: the study's own, with one of its knobs at a sweep's value."""
    data = config["miniature"]["data"]
    spec = {key: value for key, value in data.items() if key != "images"}
    sizes = data["images"]
    train = sizes["train"]
    for knob in ("correlation", "background_scale"):
        if world.startswith(knob):
            spec[knob] = float(world.removeprefix(knob))
            train = config["miniature"]["sweeps"][knob]["images"]  # no more than its models are trained on
    if dataset == "imagenet":
        return spec | {"images": train, "test_images": sizes["val"]}
    return spec | {"images": sizes[dataset]}


def evaluation_spec(config: Config, model: Model, benchmark: str) -> Config:
    """Settings of one benchmark for one model."""
    study = config[config["study"]]
    settings: Config = study["benchmarks"][benchmark]
    return settings | {
        "model": model.id,
        "architecture": model.architecture,
        "classes": CLASSES[config["study"]],
        "seed": 0,  # the same noise and bootstrap draws for every model: comparisons are paired
        "bootstrap": study["bootstrap"],
    }


def model_table(config: Config) -> list[Config]:
    """One row per model: what summary, claims and figures need to know about it."""
    keys = ("id", "role", "architecture", "norm", "epsilon", "seed", "world", "benchmarks")
    return [{key: getattr(model, key) for key in keys} for model in models(config).values()]
