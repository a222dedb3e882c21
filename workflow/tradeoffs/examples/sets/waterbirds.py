"""Waterbirds: the image, and the group of bird and place that it belongs to."""

from pathlib import Path

import torch

from tradeoffs.benchmarks.headed import headed
from tradeoffs.benchmarks.waterbirds import GROUPS, Settings
from tradeoffs.benchmarks.within_image import Answering
from tradeoffs.data import images, waterbirds
from tradeoffs.data.images import Geometry
from tradeoffs.examples.collection import (
    Array,
    Collection,
    Evaluated,
    Example,
    Outcomes,
    check_labels,
    read_images,
)
from tradeoffs.examples.pixels import picture, seen
from tradeoffs.models.answers import answers
from tradeoffs.models.linear_probe import from_arrays
from tradeoffs.models.networks import Network

IMAGE = "image"


def collection(settings: Settings, roots: dict[str, Path], evaluated: Evaluated) -> Collection:
    """Return the test images."""
    root = roots["waterbirds"]
    geometry = Geometry(resize=settings.resize, square=True, crop=settings.crop)
    index = waterbirds.read(root, "test")
    at = read_images([[path] for path in index.paths], roots, evaluated)
    check_labels(index.group[at], evaluated.outcomes["group"], evaluated, [root])

    def right(outcomes: Outcomes) -> dict[str, Array]:
        return {IMAGE: outcomes["correct"].astype(float)}

    def show(place: int) -> Example:
        return Example([picture(IMAGE, seen(images.image(index.paths[at[place]], geometry)))])

    def answering(network: Network, outcomes: Outcomes) -> Answering:
        logits = headed(network, from_arrays(outcomes), torch.device("cpu"))
        return Answering(logits, answers, lambda of: of[:, None] == torch.arange(2))

    return Collection(
        [index.paths[i].relative_to(root).as_posix() for i in at],
        index.y[at],
        ["landbird", "waterbird"],
        [GROUPS[group].replace("_", " ") for group in index.group[at]],
        "group",
        IMAGE,
        None,
        right,
        show,
        answering,
        remark="The set has no masks and no second picture of a bird: none is shown on another background, and no "
        "share of a gradient on the object can be said.",
    )
