"""Read Waterbirds (Sagawa et al., ICLR 2020).

    waterbird_complete95_forest2water2/metadata.csv   img_id (one-based), img_filename, y, split, place, place_filename
    waterbird_complete95_forest2water2/<NNN.Species>/<file>.jpg

y: 0 landbird, 1 waterbird; place: 0 land, 1 water; split: 0 train, 1 val, 2 test; group = 2 * y + place.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.mappings import UNPACK
from tradeoffs.data.waterbirds_layout import COLUMNS, FOLDER
from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import IMAGE_SUFFIXES, is_file, walk
from tradeoffs.step.inputs import read_csv, shown
from tradeoffs.step.ranges import is_number

SPLITS = ("train", "val", "test")

_ALLOWED = {"y": 2, "split": 3, "place": 2}  # whole numbers below


class Waterbirds(NamedTuple):
    """``paths`` [n] and, int64 [n]: ``y``, ``place`` (0 or 1) and ``group`` (0 to 3)."""

    paths: list[Path]
    y: NDArray[np.int64]
    place: NDArray[np.int64]
    group: NDArray[np.int64]


class _Row(NamedTuple):
    path: Path
    y: int
    split: int
    place: int


def read(root: Path, split: str) -> Waterbirds:
    """Index train, val or test; ``root`` holds the folder waterbird_complete95_forest2water2.

    The whole table is checked first. Raises InputError that names the row for a wrong number of cells, a value that is
    not one of those above, an img_id or a file used twice, a file outside the data set or, of the split, not on disk;
    for images that no row lists, as of a table that was cut off; and for an empty split.
    """
    if split not in SPLITS:
        raise InputError(f"{split!r}: no such split of Waterbirds; expected one of {', '.join(SPLITS)}")
    table = root / FOLDER / "metadata.csv"
    chosen: list[_Row] = []
    ids: set[int] = set()
    listed: set[str] = set()
    for number, cells in _rows(table):
        img_id, row = _parse(table, number, cells)
        if img_id in ids:
            raise InputError(f"{table}: row {number} repeats img_id {img_id}; unpack the data set again")
        ids.add(img_id)
        name = os.path.relpath(row.path, table.parent)
        if name in listed or Path(name).parts[0] == os.pardir:
            what = "again" if name in listed else "outside the data set"
            raise InputError(f"{table}: row {number} lists {name} {what}; unpack the data set again")
        listed.add(name)
        if row.split == SPLITS.index(split):
            if not is_file(row.path):
                raise InputError(f"{row.path}: file not found, but row {number} of {table} lists it; unpack again")
            chosen.append(row)
    _check_all_listed(table, listed)
    if not chosen:
        raise InputError(f"{table}: no rows of split {split}; unpack the data set again")
    y, place = (np.array([getattr(row, key) for row in chosen], dtype=np.int64) for key in ("y", "place"))
    return Waterbirds([row.path for row in chosen], y, place, 2 * y + place)


def _check_all_listed(table: Path, listed: set[str]) -> None:
    """Raise InputError for images below the table's folder that no row is of."""
    there = [
        f"{folder}/{entry.name}" if folder else entry.name
        for folder, found in walk(table.parent)
        for entry in found
        if entry.name.lower().endswith(IMAGE_SUFFIXES)
    ]
    if unlisted := [name for name in there if name not in listed]:
        raise InputError(
            f"{table}: no row lists {unlisted[0]} and {len(unlisted) - 1} more images beside it; if the table was cut "
            "off, unpack the data set again, else move them away"
        )


def _rows(table: Path) -> list[tuple[int, list[str]]]:
    """Return the rows below the header with their line numbers."""
    header, rows = read_csv(table, UNPACK)
    if header != list(COLUMNS):
        raise InputError(f"{table}: header is {shown(header)}; expected {','.join(COLUMNS)}")
    return rows


def _parse(table: Path, number: int, cells: list[str]) -> tuple[int, _Row]:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{table}: row {number} has {len(cells)} cells, expected {len(COLUMNS)}; unpack again")
    values = dict(zip(COLUMNS, cells, strict=True))
    if not is_number(values["img_id"]):
        raise InputError(f"{table}: row {number} has img_id {values['img_id']!r}; expected a whole number")
    for key, count in _ALLOWED.items():
        if values[key] not in {str(value) for value in range(count)}:
            raise InputError(
                f"{table}: row {number} has {key} {values[key]!r}; expected a number from 0 to {count - 1}"
            )
    path = table.parent / values["img_filename"]
    return int(values["img_id"]), _Row(path, int(values["y"]), int(values["split"]), int(values["place"]))
