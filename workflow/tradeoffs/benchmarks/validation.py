"""Images in ImageNet's layout, read for a network whose classes are theirs."""

from pathlib import Path

from tradeoffs.data import imagenet
from tradeoffs.data.imagenet import ImageNet


def read_validation(root: Path, split: str, classes: int) -> ImageNet:
    """Index a split; InputError, naming them, where its class folders are not those of the network's ``classes``.

    A class index is the place of a folder among all, so that a part of the folders would give wrong labels.
    """
    return imagenet.read(root, split, classes)
