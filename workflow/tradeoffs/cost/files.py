"""Bytes to download and to keep, as far as they are known."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tradeoffs.cost.jobs import Job
from tradeoffs.step.declared_data import data
from tradeoffs.study.miniature import world_spec
from tradeoffs.study.model import Config, Model
from tradeoffs.study.plan import read_by

# Of the archives whose size is known. Of ObjectNet's 190 GB a third is fetched where the server answers to ranges.
ARCHIVES = {"waterbirds": 0.5e9, "objectnet": 65e9}
CHECKPOINTS = {"resnet18": 93.6e6, "resnet50": 204.8e6}  # of the released models: weights, and the optimiser's state
# Of the miniature's data sets: how many files there are for each image that the config asks for, masks and variants
# included, and their mean bytes at 32 px, which pixels multiply. Counted in a default run, of 27 November 2026.
MINIATURE = {
    "imagenet": (1.0, 1590),
    "imagenet9": (9.0, 1459),
    "objectnet": (1.0, 2618),
    "rival10": (10.0, 1069),
    "salient_imagenet": (3.9, 978),
    "waterbirds": (5.35, 1698),
}
_BLOCK = 4096  # bytes that a file takes at least, on most file systems, and whole ones of which it takes
_DRAW = 4  # bytes of a metric in one draw of the bootstrap


class Bytes(NamedTuple):
    """Bytes to ``download``; to ``keep``: archives, what is in them, images made here, weights, results.

    ``unknown``: what is not in the sum.
    """

    download: float
    keep: float
    unknown: list[str]


def needed(config: Config, models: Iterable[Model], jobs: Iterable[Job], weights: Mapping[str, float]) -> Bytes:
    """Return the bytes of a study; ``weights``: of the weights of a network, by architecture, where they are known."""
    download = keep = 0.0
    unknown: list[str] = []
    listed = list(models)
    if config["study"] == "imagenet":
        for name in fetched(config, listed):
            if (size := ARCHIVES.get(name)) is None:
                unknown.append(f"{name}: the size of its archive, and of what is in it, is nowhere published")
            else:
                download, keep = download + size, keep + 2 * size
    else:
        made, unknown = _made(config, listed)
        keep += made
    absent: dict[str, int] = {}
    for model in listed:
        size = weights.get(model.loads_as)
        if size is None:
            absent[model.loads_as] = absent.get(model.loads_as, 0) + 1
        keep += size or 0.0
        if model.source == "released":
            checkpoint = CHECKPOINTS[model.architecture]
            download, keep = download + checkpoint, keep + checkpoint
        elif model.source != "train" and (model.file is None or model.downloaded):
            download += size or 0.0
    if absent:
        unknown.append(f"bytes of the weights of {sum(absent.values())} model(s): {', '.join(absent)}")
    keep += sum(results(job, config) for job in jobs)
    return Bytes(download, keep, unknown)


def results(job: Job, config: Config) -> float:
    """Return the bytes that the results of a job take: draws of each metric, and about one for an image and metric."""
    draws: int = config[config["study"]]["bootstrap"]
    return job.estimate.metrics * (draws * _DRAW + job.estimate.units)


def _made(config: Config, models: list[Model]) -> tuple[float, list[str]]:
    """Return the bytes of the images that the miniature makes, in all its worlds, and a line for what is not known."""
    folders = {(model.world, "imagenet") for model in models}
    folders |= {(m.world, name) for m in models for benchmark in m.benchmarks for name in read_by(benchmark)}
    absent = sorted({name for _, name in folders} - MINIATURE.keys())
    size = sum(made(name, world_spec(config, world, name)) for world, name in folders if name in MINIATURE)
    return size, [f"{name}: the bytes of the images that are made of it" for name in absent]


def made(name: str, settings: Config) -> float:
    """Return the bytes of a data set of the miniature, made with ``settings``."""
    files, each = MINIATURE[name]
    images = settings["images"] + 3 * settings.get("test_images", 0)  # ImageNet's, beside train, in three domains
    return float(images * files * _BLOCK * math.ceil(each * (settings["image_size"] / 32) ** 2 / _BLOCK))


def fetched(config: Config, models: Iterable[Model]) -> list[str]:
    """Return the data sets that the study's benchmarks read and that are downloaded, in the order of their names."""
    if config["study"] != "imagenet":
        return []
    read = {name for model in models for benchmark in model.benchmarks for name in read_by(benchmark)}
    entries = config["imagenet"]["data"]
    return [n for n in sorted(read) if data()[n].archive is not None and entries[n]["path"] is None]
