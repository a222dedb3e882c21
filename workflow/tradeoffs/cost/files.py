"""Bytes to download and to keep, as far as they are known."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tradeoffs.cost.jobs import Job
from tradeoffs.step.declarations import data
from tradeoffs.study.model import Config, Model

# Of the archives whose size is known. Of ObjectNet's 190 GB a third is fetched where the server answers to ranges.
ARCHIVES = {"waterbirds": 0.5e9, "objectnet": 65e9}
CHECKPOINTS = {"resnet18": 93.6e6, "resnet50": 204.8e6}  # of the released models: weights, and the optimiser's state
_DRAW = 4  # bytes of a metric in one draw of the bootstrap


class Bytes(NamedTuple):
    """Bytes to ``download``; to ``keep``: archives, what is in them, weights, results; and what is not in the sum."""

    download: float
    keep: float
    unknown: list[str]


def needed(config: Config, models: Iterable[Model], jobs: Iterable[Job], weights: Mapping[str, float]) -> Bytes:
    """Return the bytes of a study; ``weights``: of the weights of a network, by architecture, where they are known."""
    download = keep = 0.0
    unknown: list[str] = []
    listed = list(models)
    if config["study"] == "imagenet":
        for name in _fetched(config, listed):
            if (size := ARCHIVES.get(name)) is None:
                unknown.append(f"{name}: the size of its archive, and of what is in it, is nowhere published")
            else:
                download, keep = download + size, keep + 2 * size
    absent: dict[str, int] = {}
    for model in listed:
        size = weights.get(model.loads_as)
        if size is None:
            absent[model.loads_as] = absent.get(model.loads_as, 0) + 1
        keep += size or 0.0
        if model.source == "released":
            fetched = CHECKPOINTS[model.architecture]
            download, keep = download + fetched, keep + fetched
        elif model.source != "train" and (model.file is None or model.downloaded):
            download += size or 0.0
    unknown += [f"{name}: bytes of the weights of {count} model(s)" for name, count in absent.items()]
    keep += sum(results(job, config) for job in jobs)
    return Bytes(download, keep, unknown)


def results(job: Job, config: Config) -> float:
    """Return the bytes that the results of a job take: draws of each metric, and about one for an image and metric."""
    draws: int = config[config["study"]]["bootstrap"]
    return job.estimate.metrics * (draws * _DRAW + job.estimate.units)


def _fetched(config: Config, models: list[Model]) -> list[str]:
    """Return the data sets that the study's benchmarks read and that are downloaded, in the order of their names."""
    from tradeoffs.study.plan import read_by

    read = {name for model in models for benchmark in model.benchmarks for name in read_by(benchmark)}
    entries = config["imagenet"]["data"]
    return [n for n in sorted(read) if data()[n].archive is not None and entries[n]["path"] is None]
