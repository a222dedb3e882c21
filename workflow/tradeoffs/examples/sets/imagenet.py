"""ImageNet: the validation image."""

from pathlib import Path

import torch

from tradeoffs.benchmarks.imagenet import Settings
from tradeoffs.benchmarks.validation import read_validation
from tradeoffs.benchmarks.within_image import Answering
from tradeoffs.data import images
from tradeoffs.data.images import Geometry
from tradeoffs.examples.classes import class_names
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
from tradeoffs.models.networks import Network

IMAGE = "image"


def collection(settings: Settings, roots: dict[str, Path], evaluated: Evaluated) -> Collection:
    """Return the validation images."""
    root = roots["imagenet"]
    geometry = Geometry(resize=settings.resize, crop=settings.crop)
    index = read_validation(root, "val", settings.classes)
    at = read_images([[path] for path in index.paths], roots, evaluated)
    labels = index.labels[at]
    check_labels(labels, evaluated.outcomes["label"], evaluated, [root])

    def right(outcomes: Outcomes) -> dict[str, Array]:
        return {IMAGE: outcomes["correct"].astype(float)}

    def show(place: int) -> Example:
        return Example([picture(IMAGE, seen(images.image(index.paths[at[place]], geometry)))])

    def answering(network: Network, _: Outcomes) -> Answering:
        return Answering(network, answers, lambda of: of[:, None] == torch.arange(settings.classes))

    names = class_names(root, "val", settings.classes)
    return Collection(
        [index.paths[i].relative_to(root).as_posix() for i in at],
        labels,
        names,
        [names[label] for label in labels],
        "class",
        IMAGE,
        None,
        right,
        show,
        answering,
        remark="The set has no masks and no second picture of an object: none is shown on another background, and no "
        "share of a gradient on the object can be said.",
    )
