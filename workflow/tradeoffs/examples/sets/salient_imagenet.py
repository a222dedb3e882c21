"""Salient ImageNet: the image, its core region, and noise outside and inside of that."""

from pathlib import Path

import numpy as np
import torch

from tradeoffs.benchmarks.noise import corrupt, draw
from tradeoffs.benchmarks.salient_imagenet import Settings, dilate
from tradeoffs.benchmarks.within_image import METRICS, Answering
from tradeoffs.data import images, salient_imagenet, salient_masks
from tradeoffs.data.images import Geometry
from tradeoffs.examples.collection import (
    Array,
    Collection,
    Evaluated,
    Example,
    Outcomes,
    Pair,
    check_labels,
    read_images,
)
from tradeoffs.examples.pixels import of_mask, picture, seen
from tradeoffs.models.answers import answers
from tradeoffs.models.networks import Network

IMAGE, OUTSIDE, INSIDE = "image", "noise outside the core region", "noise in the core region"


def collection(settings: Settings, roots: dict[str, Path], evaluated: Evaluated) -> Collection:
    """Return the images; of several draws of noise the first is shown."""
    geometry = Geometry(resize=settings.resize, crop=settings.crop)
    root = roots["salient_imagenet"]
    index = salient_imagenet.read(root, root / "train", root / "mturk_results" / "discover_spurious_features.csv")
    masks = list(zip(index.core_masks, index.spurious_masks, strict=True))
    files = [[path, *core, *spurious] for path, (core, spurious) in zip(index.paths, masks, strict=True)]
    at = read_images(files, roots, evaluated)
    labels = index.labels[at]
    check_labels(labels, evaluated.outcomes["label"], evaluated, [root])

    def right(outcomes: Outcomes) -> dict[str, Array]:
        # Where the core region is everything or nothing, noise says nothing.
        parted = ~np.isnan(outcomes[METRICS["share"]])
        noisy = {OUTSIDE: "outside_core", INSIDE: "core_region"}
        return {IMAGE: outcomes["clean"].astype(float)} | {
            what: np.where(parted, outcomes[name][0], np.nan) for what, name in noisy.items()
        }

    def show(place: int) -> Example:
        i = int(at[place])
        x = seen(images.image(index.paths[i], geometry))
        if not index.core_masks[i]:
            return Example([picture(IMAGE, x)])
        core = salient_masks.mask(index.core_masks[i], index.paths[i], geometry)
        region = dilate(seen(core), settings.dilation)
        noise = torch.from_numpy(draw(settings.seed, i, settings.trials, *x.shape[2:])[:1]).permute(0, 3, 1, 2)
        found = [picture(IMAGE, x), of_mask("core region", region)]
        for what, where in ((OUTSIDE, 1 - region), (INSIDE, region)):
            found.append(picture(what, corrupt(x, where, noise, kind="linf", level=settings.sigma)))
        return Example(found, region[0])

    def answering(network: Network, _: Outcomes) -> Answering:
        numbers = torch.arange(settings.classes)
        return Answering(network, answers, lambda of: of[:, None] == numbers)

    return Collection(
        [index.paths[i].relative_to(root).as_posix() for i in at],
        labels,
        [f"class {number}" for number in range(settings.classes)],
        [f"class {label}" for label in labels],
        "class",
        IMAGE,
        Pair(IMAGE, OUTSIDE, "right on the image, wrong with noise outside its core region"),
        right,
        show,
        answering,
        METRICS["share"],
        "Backgrounds are not swapped: a map of where features are is no outline to cut an object out by.",
    )
