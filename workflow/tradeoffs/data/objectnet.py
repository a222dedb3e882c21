"""Read ObjectNet (Barbu et al., NeurIPS 2019) and its mapping from ImageNet classes.

    objectnet-1.0/images/<folder>/<hex>.png                      with a red border: crop two pixels a side
    objectnet-1.0/mappings/folder_to_objectnet_label.json        folder -> ObjectNet label
    objectnet-1.0/mappings/objectnet_to_imagenet_1k.json         ObjectNet label -> ImageNet labels joined by '; '
    objectnet-1.0/mappings/pytorch_to_imagenet_2012_id.json      class index -> line (from 0) of the next file
    objectnet-1.0/mappings/imagenet_to_label_2012_v2             one ImageNet label a line
    factors.csv                                                  path, factor: what an image changes; not published
    objectnet-1.0/copy.json                                      of a copy whose pixels differ: what they are

An ObjectNet class index is the place of its label among all labels of the first mapping, sorted: the index that the
challenge's file imagenet_pytorch_id_to_objectnet_id.json uses (sorted folders would give another). Not all folders
need be on disk, but those of classes with an ImageNet counterpart must be.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.mappings import UNPACK, read_mapping, read_texts
from tradeoffs.data.names import objectnet_folders
from tradeoffs.data.per_image import column
from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import IMAGE_SUFFIXES, files, is_file
from tradeoffs.step.inputs import read_text

FOLDER, COPY = "objectnet-1.0", "copy.json"
MAPPINGS = (
    *("folder_to_objectnet_label.json", "objectnet_to_imagenet_1k.json"),
    *("pytorch_to_imagenet_2012_id.json", "imagenet_to_label_2012_v2"),
)
SUFFIXES = (*IMAGE_SUFFIXES, ".webp")
FACTORS, FACTOR = "factors.csv", "factor"
RED = (255, 0, 0)


class ObjectNet(NamedTuple):
    """``paths`` [n]; ``labels`` int64 [n], ObjectNet class indices; ``class_names`` [ObjectNet classes];
    ``imagenet_to_objectnet`` int64 [ImageNet classes], -1 where ObjectNet has no such class.
    """

    paths: list[Path]
    labels: NDArray[np.int64]
    class_names: list[str]
    imagenet_to_objectnet: NDArray[np.int64]


def read(root: Path) -> ObjectNet:
    """Index all images; ``root`` holds the folder objectnet-1.0.

    Images of classes without ImageNet counterpart are among them: their label does not occur in the mapping.
    Raises InputError for a missing folder, a folder without label, an empty folder, a mapping that is broken.
    """
    base = root / FOLDER
    names, mapping = classes(base)
    by_label = {label: index for index, label in enumerate(sorted(names.values()))}
    paths: list[Path] = []
    labels: list[int] = []
    for folder in objectnet_folders(base):
        images = files(folder, SUFFIXES)
        if not images:
            raise InputError(f"{folder}: holds no images; unpack the data set again")
        paths += images
        labels += [by_label[names[folder.name]]] * len(images)
    return ObjectNet(paths, np.array(labels, dtype=np.int64), sorted(names.values()), mapping)


def classes(base: Path) -> tuple[dict[str, str], NDArray[np.int64]]:
    """Return the label of each image folder, and the ObjectNet class index of each ImageNet class, -1 for none.

    ``base`` is the folder objectnet-1.0; InputError for a mapping that is missing or broken.
    """
    labels_file = base / "mappings" / "folder_to_objectnet_label.json"
    names = read_texts(labels_file)
    by_label = {label: index for index, label in enumerate(sorted(names.values()))}
    if len(by_label) < len(names):
        raise InputError(f"{labels_file}: two folders have the same label; unpack the data set again")
    return names, _imagenet_to_objectnet(base / "mappings", by_label)


def pixels(root: Path) -> list[str]:
    """Say in a line what pixels a copy has that differ from those published; nothing of the published set."""
    path = root / FOLDER / COPY
    if not is_file(path):
        return []
    said = read_mapping(path).get("pixels")
    if not isinstance(said, str):
        raise InputError(f"{path}: pixels is {said!r}, expected a text; make the data set again")
    return [said]


def factors(root: Path, paths: Sequence[Path]) -> list[str] | None:
    """Return the name of the one thing that each image changes; None where factors.csv is missing, as published.

    InputError for a table that is broken or lacks an image, and for a factor that is no word of small letters: it
    becomes part of the names of metrics.
    """
    found = column(root, FACTORS, FACTOR, paths, f"{UNPACK}, or remove the table")
    for path, factor in zip(paths, found or [], strict=False):
        if not re.fullmatch("[a-z]+", factor) or factor in ("official", "restricted"):
            raise InputError(
                f"{root / FACTORS}: {path.name} has factor {factor!r}; expected a word of small letters that is no "
                "protocol (official, restricted); correct it"
            )
    return found


def framed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image [h, w, 3] with the red border that its licence asks for, lost where a large image is reduced."""
    width = max(1, min(pixels.shape[:2]) // 64)  # so that it survives a page's own scale
    found = np.empty_like(pixels)
    found[:] = RED
    found[width:-width, width:-width] = pixels[width:-width, width:-width]
    return found


def _imagenet_to_objectnet(folder: Path, by_label: dict[str, int]) -> NDArray[np.int64]:
    """Return the ObjectNet class index of each ImageNet class, -1 where there is none."""
    counterparts = folder / "objectnet_to_imagenet_1k.json"
    labels = imagenet_labels(folder)
    mapping = np.full(len(labels), -1, dtype=np.int64)
    for label, told in read_texts(counterparts).items():
        if label not in by_label:
            raise InputError(f"{counterparts}: {label!r} is no ObjectNet label; unpack the data set again")
        for imagenet_label in (part.strip() for part in told.split(";")):
            if labels.count(imagenet_label) != 1:
                raise InputError(f"{counterparts}: {label!r} maps to {imagenet_label!r}, not the label of one class")
            index = labels.index(imagenet_label)
            if mapping[index] != -1:
                raise InputError(f"{counterparts}: {imagenet_label!r} belongs to two ObjectNet classes; unpack again")
            mapping[index] = by_label[label]
    if np.all(mapping == -1):
        raise InputError(f"{counterparts}: no class in common with ImageNet; unpack the data set again")
    return mapping


def imagenet_labels(folder: Path) -> list[str]:
    """Return the label of each ImageNet class; two classes can share one (crane, the bird and the machine)."""
    lines_file, ids_file = folder / "imagenet_to_label_2012_v2", folder / "pytorch_to_imagenet_2012_id.json"
    lines = [line.strip() for line in read_text(lines_file, UNPACK).splitlines()]
    ids = read_mapping(ids_file)
    if sorted(ids) != sorted(str(index) for index in range(len(ids))):
        raise InputError(f"{ids_file}: keys are not the class indices 0 to {len(ids) - 1}; unpack the data set again")
    for index, line in ids.items():
        if not isinstance(line, int) or isinstance(line, bool) or not 0 <= line < len(lines):
            raise InputError(f"{ids_file}: class {index} maps to {line!r}; expected a line of {lines_file}")
    return [lines[ids[str(index)]] for index in range(len(ids))]
