"""Lists of a data set's images: by class folder, spread evenly, in pairs with masks. Nothing is decoded here."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import files


class ClassFolders(NamedTuple):
    """Images in one folder a class: ``paths`` [n], ``labels`` int64 [n], ``names`` [k] by label."""

    paths: list[Path]
    labels: NDArray[np.int64]
    names: list[str]


def class_folders(classes: Sequence[Path]) -> ClassFolders:
    """Return the images of the folders ``classes``, the n-th being class n; InputError for a class without images.

    Which folder is which class is for :mod:`tradeoffs.data.names` to say: a position is no identity.
    """
    paths: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(classes):
        images = files(folder)
        if not images:
            raise InputError(f"{folder}: holds no images; unpack the data set again")
        paths += images
        labels += [label] * len(images)
    return ClassFolders(paths, np.array(labels, dtype=np.int64), [folder.name for folder in classes])


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Return files by their names without suffix; InputError for two of one name: which is meant nobody can say."""
    found: dict[str, Path] = {}
    for path in paths:
        if (other := found.setdefault(path.stem, path)) != path:
            raise InputError(f"{path}: there is {other.name} too; leave one of the two in the folder")
    return found


def spread(size: int, count: int) -> NDArray[np.int64]:
    """Return ``count`` of ``size`` positions in even steps, or all: of images sorted by class a like share of each."""
    return np.linspace(0, size - 1, min(size, count)).astype(np.int64)


def check_pairs(images: Mapping[str, Path], masks: Mapping[str, Path], image_folder: Path, mask_folder: Path) -> None:
    """Check that images and masks, both by name, belong together; InputError names the first without the other."""
    for name in sorted(images.keys() - masks.keys()):
        raise InputError(f"{images[name]}: image without a mask in {mask_folder}; unpack the data set again")
    for name in sorted(masks.keys() - images.keys()):
        raise InputError(f"{masks[name]}: mask without an image in {image_folder}; unpack the data set again")
