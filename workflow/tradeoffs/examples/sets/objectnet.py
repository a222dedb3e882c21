"""ObjectNet: the image with its red border, which is cut off before networks are shown it."""

from pathlib import Path

import numpy as np
import torch

from tradeoffs.benchmarks.objectnet import PROTOCOLS, Settings
from tradeoffs.benchmarks.within_image import Answering
from tradeoffs.data import images, objectnet
from tradeoffs.data.images import Geometry
from tradeoffs.examples.collection import (
    Array,
    Collection,
    Evaluated,
    Example,
    Outcomes,
    Picture,
    check_labels,
    read_images,
)
from tradeoffs.examples.encoding import reduced
from tradeoffs.examples.pixels import seen
from tradeoffs.models.answers import answers
from tradeoffs.models.networks import Network

IMAGE = "image"
OFFICIAL = PROTOCOLS[0]


def collection(settings: Settings, roots: dict[str, Path], evaluated: Evaluated) -> Collection:
    """Return the images of the classes that the network knows; right by the official protocol."""
    root = roots["objectnet"]
    geometry = Geometry(border=settings.border, resize=settings.resize, crop=settings.crop)
    index = objectnet.read(root)
    mapping = torch.from_numpy(index.imagenet_to_objectnet)
    shared = np.flatnonzero(np.isin(index.labels, index.imagenet_to_objectnet))
    at = shared[read_images([[index.paths[i]] for i in shared], roots, evaluated)]
    labels = index.labels[at]
    check_labels(labels, evaluated.outcomes["objectnet_label"], evaluated, [root])
    paths = [index.paths[i] for i in at]
    factors = objectnet.factors(root, paths)

    def right(outcomes: Outcomes) -> dict[str, Array]:
        return {IMAGE: outcomes[f"objectnet_{OFFICIAL}"].astype(float)}

    def show(place: int) -> Example:
        x = seen(images.image(paths[place], geometry))
        return Example([Picture(IMAGE, objectnet.framed(reduced(images.image(paths[place]))), x[0])])

    def answering(network: Network, _: Outcomes) -> Answering:
        return Answering(network, lambda logits: answers(logits, mapping), lambda of: of[:, None] == mapping[None])

    return Collection(
        [path.relative_to(root).as_posix() for path in paths],
        labels,
        index.class_names,
        factors or [index.class_names[label] for label in labels],
        "shift" if factors else "class",
        IMAGE,
        None,
        right,
        show,
        answering,
        remark="The set has no masks and no second picture of an object: none is shown on another background, and no "
        "share of a gradient on the object can be said.",
    )
