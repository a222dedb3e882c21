"""What the config means: which models there are, where they come from, and what is evaluated on what.

Plain functions of the validated config and the declarations; nothing here imports torch, because the Snakefile
calls it at every start.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tradeoffs.step.declared_benchmarks import benchmarks as declared_benchmarks
from tradeoffs.step.errors import InputError
from tradeoffs.study import coherence, imagenet, miniature, published_data, replicates, zoo_models
from tradeoffs.study.model import (
    ATTACKED,
    ATTACKED_WORLD,
    TRAINING_WORLD,
    Config,
    Model,
    by_id,
    check_overrides,
)

CLASSES = {"miniature": miniature.CLASSES, "imagenet": imagenet.CLASSES}


class Needs(NamedTuple):
    """What a job asks for: cores; at its first attempt MB of memory and minutes, at each further one as much again."""

    cores: int
    memory: int
    minutes: int


# Generous: a job that is too small is lost, one that is too large only waits a little longer. The cores of the imagenet
# study decode images while the GPU computes.
NEEDS = {
    "miniature": {"train": Needs(1, 4000, 60), "evaluate": Needs(1, 4000, 30), "examples": Needs(1, 4000, 30)},
    "imagenet": {
        "train": Needs(16, 48_000, 2880),
        "evaluate": Needs(8, 16_000, 480),
        "unpack": Needs(1, 2000, 1440),
        "examples": Needs(1, 8000, 120),
    },
}


def models(config: Config) -> dict[str, Model]:
    """All models of the study by id, main ones first in each replicate, of as many replicates as there may be.

    Raises InputError for duplicate ids, unknown overrides, a path without data, a model that needs what is missing, and
    settings that do not go together (:mod:`tradeoffs.study.coherence`).
    """
    study = config[config["study"]]
    benchmarks = tuple(available_benchmarks(config))
    if config["study"] == "miniature":
        found = by_id(miniature.models(study, benchmarks))
    else:
        if not benchmarks:
            raise InputError(
                "config: no data set is at hand, so nothing can be evaluated; "
                + "; ".join(f"{name}: {reason}" for name, reason in missing(config).items())
            )
        found = by_id(imagenet.models(study, benchmarks))
    check_together(config, found, benchmarks)
    return found


def check_together(config: Config, found: dict[str, Model], benchmarks: tuple[str, ...]) -> None:
    """Raise InputError where the models of a study and its settings do not go together."""
    study = config[config["study"]]
    check_overrides(study["training"], [model for model in found.values() if model.source == "train"], config["study"])
    coherence.check(config)
    for model in found.values():
        if model.role == "extra" and not model.benchmarks:
            raise InputError(
                f"config: imagenet.extra, {model.id}: none of its benchmarks has its data at hand; expected one of "
                f"{', '.join(benchmarks)}, or the data of another"
            )
    replicates.check(study, config["study"], found, benchmarks)


def downloads(config: Config) -> dict[str, Config]:
    """Return the settings of :mod:`tradeoffs.acquisition.download` for every file the study needs, by file name."""
    if config["study"] == "miniature":
        return {}
    study = config["imagenet"]
    return published_data.downloads(study) | imagenet.checkpoints(study) | imagenet.weights(study)


def decoded_gigabytes(config: Config) -> float:
    """Return how much may be kept of decoded images: nothing of the miniature's, which are as soon decoded as read."""
    limit: float = config["imagenet"]["decoded_gigabytes"] if config["study"] == "imagenet" else 0.0
    return limit


def uses_gpu(config: Config) -> bool:
    """Whether a study computes on a GPU that is there, unless another number of them is asked for.

    Not the miniature, whose networks keep no GPU busy: a core trains one sooner (docs/explanation/gpu.md).
    """
    return bool(config["study"] != "miniature")


def missing(config: Config) -> dict[str, str]:
    """Return the data sets that cannot be had, each with the reason and what to do; none in the miniature."""
    return published_data.missing(config["imagenet"]) if config["study"] == "imagenet" else {}


def left_out(config: Config) -> dict[str, str]:
    """Return the published models that a group of the zoo names and that are not at hand, each with what to do."""
    return zoo_models.left_out(config["imagenet"]) if config["study"] == "imagenet" else {}


def training_world(config: Config, model: Model) -> str:
    """Return the world whose images a model is trained on: of the published data a folder of their own."""
    return TRAINING_WORLD if config["study"] == "imagenet" else model.world


def evaluation_world(config: Config, model: Model, benchmark: str) -> str:
    """Return the world whose images a benchmark reads: those of further domains, which come and go, lie apart."""
    further = (
        config["study"] == "imagenet" and benchmark == ATTACKED and published_data.attacked_parts(config["imagenet"])
    )
    return ATTACKED_WORLD if further else model.world


def read_by(benchmark: str) -> tuple[str, ...]:
    """Return the data sets that a benchmark reads; the first is its own."""
    return tuple(declared_benchmarks()[benchmark].data)


def available_benchmarks(config: Config) -> list[str]:
    """Return the study's benchmarks, in the config's order, whose data are at hand; adversarial only with a domain."""
    absent = missing(config)
    listed = config[config["study"]]["benchmarks"]
    return [
        benchmark
        for benchmark, settings in listed.items()
        if not absent.keys() & set(read_by(benchmark)) and settings.get("domains") != {}
    ]


def missing_benchmarks(config: Config) -> list[Config]:
    """Return one row (benchmark, dataset, reason) per benchmark that is left out because of a data set."""
    absent = missing(config)
    return [
        {"benchmark": benchmark, "dataset": name, "reason": absent[name]}
        for benchmark in config[config["study"]]["benchmarks"]
        for name in read_by(benchmark)
        if name in absent
    ]


def evaluation_spec(config: Config, model: Model, benchmark: str) -> Config:
    """Settings of one benchmark for one model."""
    study = config[config["study"]]
    settings: Config = study["benchmarks"][benchmark]
    return settings | {
        "model": model.id,
        "architecture": model.loads_as,
        "classes": CLASSES[config["study"]],
        "seed": _seed_of_draws(config, model),
        "bootstrap": study["bootstrap"],
        "unreadable": study.get("unreadable", "fail"),  # the miniature's own images are made again instead
    }


def _seed_of_draws(config: Config, model: Model) -> int:
    """Return the seed of noise and bootstrap draws, the same for all that is measured in one world: paired comparisons.

    The published images are one world, whatever the replicate of a training.
    """
    return model.replicate - 1 if config["study"] == "miniature" else 0


def model_table(listed: Iterable[Model]) -> list[Config]:
    """One row per model of :func:`models`: what summary, claims and figures need to know about it."""
    identity = ("id", "role", "architecture", "norm", "epsilon", "seed")
    keys = (*identity, "world", "benchmarks", "reference", "replicate", "objective")
    return [{key: getattr(model, key) for key in keys} for model in listed]
