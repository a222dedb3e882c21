"""Read Salient ImageNet (Singla and Feizi, ICLR 2022): soft masks of core and spurious features of ImageNet images.

    salient_imagenet_dataset/wordnet_dict.py                    {class index: wnid}, a dict literal, parsed as a literal
    salient_imagenet_dataset/<wnid>/image_names_map.csv         a column per feature index, rows are image names
    salient_imagenet_dataset/<wnid>/feature_<idx>/<image>.JPEG  soft mask 0..255
    <images_root>/<wnid>/<image>.JPEG                           the images, from ImageNet's training set
    the workers' answers                                        discover_spurious_features.csv

A feature of a class is spurious where at least three of the five workers say separate_object or background, else core.
"""

import ast
from collections import Counter, defaultdict
from collections.abc import Collection
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.listing import by_stem, check_pairs
from tradeoffs.data.mappings import UNPACK
from tradeoffs.data.wnids import MINIATURE, PUBLISHED
from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import files
from tradeoffs.step.inputs import read_csv, read_text, shown
from tradeoffs.step.ranges import is_number

_SPURIOUS_ANSWERS = ("separate_object", "background")
_ANSWERS = ("main_object", *_SPURIOUS_ANSWERS)
_WORKERS, _VOTES = 5, 3
_COLUMNS = ("Input.class_index", "Input.feature_index", "Answer.main")


class SalientImageNet(NamedTuple):
    """Image ``paths`` [n], class index ``labels`` int64 [n], and for each image its core and its spurious masks.

    ``classes``: how many there are, with those of which no image is marked.
    """

    paths: list[Path]
    labels: NDArray[np.int64]
    core_masks: list[list[Path]]
    spurious_masks: list[list[Path]]
    classes: int


def read(root: Path, images_root: Path, answers_csv: Path) -> SalientImageNet:
    """Index every image that has a mask; an image can have masks of several features, of either kind or of both.

    ``root`` holds the folder salient_imagenet_dataset. Raises InputError for a missing folder or file, a listed image
    without image file or mask, a mask that is not listed, a broken dictionary, map or row of answers.
    """
    base = root / "salient_imagenet_dataset"
    wnids = _wnids(base / "wordnet_dict.py")
    paths: list[Path] = []
    labels: list[int] = []
    core_masks: list[list[Path]] = []
    spurious_masks: list[list[Path]] = []
    for label, features in sorted(spurious_features(answers_csv).items()):
        if label not in wnids:
            raise InputError(f"{base / 'wordnet_dict.py'}: no wnid for class {label} of {answers_csv}; unpack again")
        images, folder = images_root / wnids[label], base / wnids[label]
        listed = _listed(folder / "image_names_map.csv")
        core: dict[str, list[Path]] = defaultdict(list)
        spurious: dict[str, list[Path]] = defaultdict(list)
        for feature, is_spurious in features.items():
            for name, mask in _masks(folder, feature, listed).items():
                (spurious if is_spurious else core)[name].append(mask)
        present = by_stem(files(images))
        for name in sorted(core.keys() | spurious.keys()):
            if name not in present:
                raise InputError(f"{images / name}.JPEG: image not found, but it has masks; correct the images' path")
            paths.append(present[name])
            labels.append(label)
            core_masks.append(core.get(name, []))
            spurious_masks.append(spurious.get(name, []))
    classes = len(_list_of(wnids.values()))
    return SalientImageNet(paths, np.array(labels, dtype=np.int64), core_masks, spurious_masks, classes)


def spurious_features(answers_csv: Path) -> dict[int, dict[int, bool]]:
    """Return, by class index and feature index, whether the workers' majority calls the feature spurious."""
    votes: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    asked: Counter[tuple[int, int]] = Counter()
    for number, row in _rows(answers_csv):
        label, feature, answer = (row.get(column) for column in _COLUMNS)
        if label is None or feature is None or answer is None:
            raise InputError(
                f"{answers_csv}: row {number} has too few cells or no {', '.join(_COLUMNS)} (its columns are "
                f"{shown([str(name) for name in row])}); fetch it again"
            )
        if not (is_number(label) and is_number(feature)) or answer not in _ANSWERS:
            raise InputError(
                f"{answers_csv}: row {number} has class {label!r}, feature {feature!r}, answer {answer!r}; expected "
                f"two whole numbers and one of {', '.join(_ANSWERS)}"
            )
        votes[int(label)][int(feature)] += answer in _SPURIOUS_ANSWERS
        asked[int(label), int(feature)] += 1
    if not votes:
        raise InputError(f"{answers_csv}: holds no answers; fetch it again")
    for (of_class, of_feature), count in asked.items():
        if count != _WORKERS:
            raise InputError(
                f"{answers_csv}: class {of_class}, feature {of_feature} has {count} answers, expected {_WORKERS}; the "
                "table was cut off or joined: fetch it again"
            )
    return {
        label: {feature: count >= _VOTES for feature, count in features.items()} for label, features in votes.items()
    }


def _masks(folder: Path, feature: int, listed: dict[str, list[str]]) -> dict[str, Path]:
    """Return the masks of one feature by image name."""
    names_file = folder / "image_names_map.csv"
    if str(feature) not in listed:
        raise InputError(
            f"{names_file}: no column for feature {feature} among {shown(list(listed))}; unpack the data set again"
        )
    mask_folder = folder / f"feature_{feature}"
    masks = by_stem(files(mask_folder))
    names = {name: folder / f"{name}.JPEG" for name in listed[str(feature)]}
    for name in names.keys() - masks.keys():
        raise InputError(f"{mask_folder / name}.JPEG: mask not found, but {names_file} lists it; unpack again")
    check_pairs(names, masks, names_file, mask_folder)
    return masks


def _listed(path: Path) -> dict[str, list[str]]:
    """Return the image names of each feature's column."""
    columns: dict[str, list[str]] = {}
    for number, row in _rows(path):
        for feature, name in row.items():
            if feature is None or name is None:
                raise InputError(f"{path}: row {number} has not as many cells as the header; unpack the data set again")
            if name:
                columns.setdefault(feature, []).append(name)
    return columns


def _rows(path: Path) -> list[tuple[int, dict[str | None, str | None]]]:
    """Return the rows by the header's names, each with its line; None is a cell that a row lacks, or has too many."""
    header, rows = read_csv(path, UNPACK)
    found: list[tuple[int, dict[str | None, str | None]]] = []
    for number, row in rows:
        if row:
            cells: dict[str | None, str | None] = dict(zip_longest(header, row[: len(header)]))
            found.append((number, cells if len(row) <= len(header) else cells | {None: row[-1]}))
    return found


def _wnids(path: Path) -> dict[int, str]:
    try:
        content = ast.literal_eval(read_text(path, UNPACK))
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{path}: not a dict literal of class index to wnid; unpack the data set again") from None
    if not isinstance(content, dict) or not all(isinstance(k, int) and isinstance(v, str) for k, v in content.items()):
        raise InputError(f"{path}: not a dict of class index to wnid; unpack the data set again")
    known = _list_of(content.values())
    for label, wnid in content.items():
        if not 0 <= label < len(known) or known[label] != wnid:
            right = f"its index is {known.index(wnid)}" if wnid in known else "no class of ImageNet"
            raise InputError(f"{path}: class {label} maps to {wnid!r}: {right}; unpack the data set again")
    return content


def _list_of(wnids: Collection[str]) -> tuple[str, ...]:
    """Return the classes that these are of: the miniature's, or the published ones."""
    return MINIATURE if set(wnids) <= set(MINIATURE) else PUBLISHED
