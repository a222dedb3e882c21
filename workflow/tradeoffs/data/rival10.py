"""Read RIVAL10 (Moayeri et al., CVPR 2022): images with soft object masks, ten classes.

    RIVAL10/{train,test}/ordinary/<wnid>_<file>.JPEG              beside each: _attr_labels.npy, _attr_dict.pkl, and
                                                                  _merged_mask.JPEG: no image, nor the object
    RIVAL10/{train,test}/entire_object_masks/<wnid>_<file>.JPEG
    RIVAL10/meta/{wnid_to_class,label_mappings}.json              wnid -> ImageNet name -> [class name, label]

The folder an image lies in is its split. Pickled attribute masks are never opened.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.listing import check_pairs
from tradeoffs.data.mappings import read_mapping, read_texts
from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import files

_MERGED_MASK = "_merged_mask.JPEG"


class Rival10(NamedTuple):
    """``paths`` and object ``masks`` [n], ``labels`` int64 [n] in 0..9, ``class_names`` [10] by label."""

    paths: list[Path]
    masks: list[Path]
    labels: NDArray[np.int64]
    class_names: list[str]


def read(root: Path, split: str) -> Rival10:
    """Index ``train`` or ``test``; ``root`` holds the folder RIVAL10.

    Raises InputError for a missing folder, an image without mask or the reverse, a wnid without class, a broken map.
    """
    base = root / "RIVAL10"
    ordinary, object_masks = base / split / "ordinary", base / split / "entire_object_masks"
    images = {path.name: path for path in files(ordinary) if not path.name.endswith(_MERGED_MASK)}
    if not images:
        raise InputError(f"{ordinary}: holds no images; unpack the data set again")
    masks = {path.name: path for path in files(object_masks)}
    check_pairs(images, masks, ordinary, object_masks)
    by_wnid, class_names = _labels(base / "meta")
    labels = [_label(path, by_wnid, base) for path in images.values()]
    ordered = [masks[name] for name in images]
    return Rival10(list(images.values()), ordered, np.array(labels, dtype=np.int64), class_names)


def check_classes(labels: NDArray[np.int64], class_names: Sequence[str], folder: Path) -> None:
    """Raise InputError for a class without images: a head would unlearn it, and a mean over classes leave it out."""
    for label in np.flatnonzero(np.bincount(labels, minlength=len(class_names)) == 0):
        raise InputError(
            f"{folder}: no image of class {class_names[int(label)]} can be read; unpack the data set again"
        )


def _labels(meta: Path) -> tuple[dict[str, int], list[str]]:
    """Return the label of each wnid that has one, and the class names by label."""
    mappings = meta / "label_mappings.json"
    names: dict[int, str] = {}
    by_imagenet_name: dict[str, int] = {}
    for imagenet_name, entry in read_mapping(mappings).items():
        match entry:
            case [str(name), int(label)] if names.get(label, name) == name:
                names[label] = name
                by_imagenet_name[imagenet_name] = label
            case _:
                raise InputError(f"{mappings}: {imagenet_name!r} maps to {entry!r}; expected [class name, label]")
    if sorted(names) != list(range(len(names))):
        raise InputError(f"{mappings}: labels {sorted(names)} are not 0 to {len(names) - 1}; unpack the data set again")
    by_wnid = read_texts(meta / "wnid_to_class.json")
    labels = {wnid: by_imagenet_name[name] for wnid, name in by_wnid.items() if name in by_imagenet_name}
    return labels, [names[label] for label in range(len(names))]


def _label(path: Path, by_wnid: dict[str, int], base: Path) -> int:
    wnid = path.name.split("_")[0]
    if wnid not in by_wnid:
        raise InputError(f"{path}: no class for wnid {wnid!r} in {base / 'meta'}; remove the file or unpack again")
    return by_wnid[wnid]
