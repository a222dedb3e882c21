"""Read ImageNet-9, the Backgrounds Challenge (Xiao et al., arXiv 2006.09994).

bg_challenge/<variant>/val/<NN_name>/*.JPEG    NN, from 00, is the label; names hold spaces
bg_challenge/fg_mask/val/<NN_name>/<file>.npy  foregrounds of the images of ``original``
in_to_in9.json                                 ImageNet class index -> label, -1 where there is none

A mixed image is named fg_<image>_bg_<image>.JPEG, and only its foreground can be trusted: mixed_rand bears the names of
mixed_next (issue 8 of MadryLab/backgrounds_challenge). All other images have the name of the original.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.listing import by_stem, check_pairs, class_folders
from tradeoffs.data.mappings import read_mapping
from tradeoffs.data.names import IMAGENET9_VARIANTS, check_imagenet9_mapping, imagenet9_classes
from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import files

VARIANTS = IMAGENET9_VARIANTS
MIXED = ("mixed_same", "mixed_rand", "mixed_next")  # which show another image's background


class ImageNet9(NamedTuple):
    """``paths`` [n], ``labels`` int64 [n], ``class_names`` [classes] (folder names such as '02_wheeled vehicle')."""

    paths: list[Path]
    labels: NDArray[np.int64]
    class_names: list[str]


class Foregrounds(NamedTuple):
    """Images of ``original`` with their foreground masks (.npy): ``paths`` and ``masks`` [n], ``labels`` int64 [n]."""

    paths: list[Path]
    masks: list[Path]
    labels: NDArray[np.int64]


def read(root: Path, variant: str) -> ImageNet9:
    """Index one variant; ``root`` holds the folder bg_challenge. InputError, naming it, for a missing folder and for a
    class folder whose number is missing, or that another variant, or the mapping beside them, has alone.

    The images of a class are in the order of their foregrounds, so that those of two variants correspond.
    """
    classes = imagenet9_classes(root, (variant,))
    check_imagenet9_mapping(root / "in_to_in9.json", classes)
    paths, labels, names = class_folders([root / "bg_challenge" / variant / "val" / name for name in classes])
    order = sorted(range(len(paths)), key=lambda i: (labels[i], foreground(paths[i])))
    return ImageNet9([paths[i] for i in order], labels[order], names)


def foreground(path: Path) -> str:
    """Return the name, without suffix, of the image of ``original`` whose foreground an image of any variant shows."""
    return path.stem.removeprefix("fg_").split("_bg_")[0]


def class_mapping(path: Path, n_classes: int) -> NDArray[np.int64]:
    """Return int64 [n_classes]: the label of each class of a classifier, -1 where it has none.

    Raises InputError unless the keys are the strings 0 to n_classes - 1 and the values whole numbers from -1.
    """
    content = read_mapping(path)
    if sorted(content) != sorted(str(label) for label in range(n_classes)):
        raise InputError(f"{path}: {len(content)} keys; expected the class indices 0 to {n_classes - 1}")
    for key, value in content.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < -1:
            raise InputError(f"{path}: class {key} maps to {value!r}; expected a whole number from -1")
    return np.array([content[str(label)] for label in range(n_classes)], dtype=np.int64)


def foregrounds(root: Path) -> Foregrounds:
    """Index the foreground masks and their images; InputError for one without the other."""
    images = read(root, "original")
    mask_root = root / "bg_challenge" / "fg_mask" / "val"
    masks: list[Path] = []
    for label, name in enumerate(images.class_names):
        own = by_stem(path for path, number in zip(images.paths, images.labels, strict=True) if number == label)
        found = by_stem(files(mask_root / name, (".npy",)))
        check_pairs(own, found, root / "bg_challenge" / "original" / "val" / name, mask_root / name)
        masks += [found[stem] for stem in own]
    return Foregrounds(images.paths, masks, images.labels)
