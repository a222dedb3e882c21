"""What lies in a folder: sorted image files, class folders, pairs of images and masks. Nothing is decoded here."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.errors import InputError
from tradeoffs.files import read_json

_IMAGE_SUFFIXES = (".jpeg", ".jpg", ".png")


class ClassFolders(NamedTuple):
    """Images in one folder a class: ``paths`` [n], ``labels`` int64 [n] (index of the sorted name), ``names`` [k]."""

    paths: list[Path]
    labels: NDArray[np.int64]
    names: list[str]


def files(folder: Path, suffixes: tuple[str, ...] = _IMAGE_SUFFIXES) -> list[Path]:
    """Return the files of ``folder`` with one of ``suffixes`` (any case), sorted by name; hidden ones are left out.

    Raises InputError for a missing folder.
    """
    names = sorted(
        entry.name
        for entry in _scan(folder)
        if entry.name.lower().endswith(suffixes) and not entry.name.startswith(".")
    )
    return [folder / name for name in names]


def folders(folder: Path) -> list[Path]:
    """Return the folders in ``folder``, sorted by name; hidden ones are left out. InputError where there is none."""
    names = sorted(entry.name for entry in _scan(folder) if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        raise InputError(f"{folder}: holds no class folders; unpack the data set there, or correct the path")
    return [folder / name for name in names]


def class_folders(root: Path) -> ClassFolders:
    """Return the images of ``root/<class>/``, classes in sorted order; InputError for a class without images."""
    found = folders(root)
    paths: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(found):
        images = files(folder)
        if not images:
            raise InputError(f"{folder}: holds no images; unpack the data set again")
        paths += images
        labels += [label] * len(images)
    return ClassFolders(paths, np.array(labels, dtype=np.int64), [folder.name for folder in found])


def spread(size: int, count: int) -> NDArray[np.int64]:
    """Return ``count`` of ``size`` positions in even steps, or all: of images sorted by class a like share of each."""
    return np.linspace(0, size - 1, min(size, count)).astype(np.int64)


def check_pairs(images: Mapping[str, Path], masks: Mapping[str, Path], image_folder: Path, mask_folder: Path) -> None:
    """Check that images and masks, both by name, belong together; InputError names the first without the other."""
    for name in sorted(images.keys() - masks.keys()):
        raise InputError(f"{images[name]}: image without a mask in {mask_folder}; unpack the data set again")
    for name in sorted(masks.keys() - images.keys()):
        raise InputError(f"{masks[name]}: mask without an image in {image_folder}; unpack the data set again")


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a JSON object; InputError for a missing or broken file, or for anything but an object."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}, expected an object; unpack the data set again")
    return content


def read_texts(path: Path) -> dict[str, str]:
    """Read a JSON object whose values are strings; InputError as :func:`read_mapping`, naming the first other value."""
    content = read_mapping(path)
    for key, value in content.items():
        if not isinstance(value, str):
            raise InputError(f"{path}: {key!r} maps to {value!r}, expected a string; unpack the data set again")
    return content


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        raise InputError(f"{folder}: folder not found; make or unpack the data set, or correct its path") from None
    except NotADirectoryError:
        raise InputError(f"{folder}: is not a folder; correct the path of the data set") from None
