"""ImageNet-9: the same foreground as published, on backgrounds of its own and of a random class, and alone."""

from pathlib import Path

import torch

from tradeoffs.benchmarks.imagenet9 import Settings
from tradeoffs.benchmarks.within_image import METRICS, Answering
from tradeoffs.data import imagenet9, images
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

WHAT = {
    "original": "image",
    "mixed_same": "background of its class",
    "mixed_rand": "background of a random class",
    "only_fg": "without background",
}


def collection(settings: Settings, roots: dict[str, Path], evaluated: Evaluated) -> Collection:
    """Return the foregrounds and four of the eight variants."""
    root = roots["imagenet9"]
    mapping = torch.from_numpy(imagenet9.class_mapping(root / "in_to_in9.json", settings.classes))
    index = imagenet9.foregrounds(root)
    variants = {variant: imagenet9.read(root, variant) for variant in imagenet9.VARIANTS}
    files = [[each.paths[i] for each in variants.values()] for i in range(len(index.paths))]
    at = read_images(files, roots, evaluated)
    labels = index.labels[at]
    check_labels(labels, evaluated.outcomes["label"], evaluated, [root])

    def right(outcomes: Outcomes) -> dict[str, Array]:
        return {what: outcomes[variant].astype(float) for variant, what in WHAT.items()}

    def show(place: int) -> Example:
        i = int(at[place])
        mask = seen(images.mask([index.masks[i]]))
        found = [picture(what, seen(images.image(variants[variant].paths[i]))) for variant, what in WHAT.items()]
        return Example([found[0], of_mask("object mask", mask), *found[1:]], mask[0])

    def answering(network: Network, _: Outcomes) -> Answering:
        return Answering(network, lambda logits: answers(logits, mapping), lambda of: of[:, None] == mapping[None])

    names = [name.partition("_")[2] or name for name in variants["original"].class_names]
    return Collection(
        [index.paths[i].relative_to(root).as_posix() for i in at],
        labels,
        names,
        [names[label] for label in labels],
        "class",
        WHAT["mixed_rand"],
        Pair(
            WHAT["mixed_same"],
            WHAT["mixed_rand"],
            "right on a background of its class, wrong on one of a random class",
        ),
        right,
        show,
        answering,
        METRICS["share"],
    )
