"""Images in ImageNet's layout, read for a network whose classes are theirs."""

from pathlib import Path

from tradeoffs.data import imagenet
from tradeoffs.data.imagenet import ImageNet
from tradeoffs.errors import InputError


def read_validation(root: Path, split: str, classes: int) -> ImageNet:
    """Index a split; InputError where its class folders are not as many as the network's ``classes``.

    A class index is the place of a folder among all, so that a part of the folders would give wrong labels.
    """
    index = imagenet.read(root, split)
    if len(index.wnids) != classes:
        raise InputError(
            f"{root / split}: {len(index.wnids)} class folders; the network has {classes} classes, expected one each"
        )
    return index
