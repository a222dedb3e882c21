"""Waterbirds from parquet files, as the mirror grodino/waterbirds on Hugging Face has it, laid out as published.

    [data/]train-*.parquet, validation-*.parquet, test-*.parquet    columns image (bytes, path), label, place

``label`` and ``place`` are y and place of the published table, and the numbers of images in each split and group are
those published, which is checked: other mixtures of birds and places are published in the same columns. An image is
written as its bytes are. Whether these are the published files' nobody says, so the data set counts as one of its own.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tradeoffs.acquisition import parquet_files
from tradeoffs.data import waterbirds_layout
from tradeoffs.step.errors import InputError

SPLITS = ("train", "validation", "test")
COLUMNS = ("image", "label", "place")
IMAGES = dict(zip(SPLITS, waterbirds_layout.GROUPS, strict=True))


def write(folder: Path, out: Path) -> None:
    """Make ``out``, which holds the published folder, from the parquet files in ``folder`` or its ``data/``.

    It appears whole (:func:`tradeoffs.acquisition.parquet_files.make`). InputError for files that are missing, not
    readable or of another data set, and where pyarrow is not installed.
    """
    files = {split: parquet_files.files(folder, f"{split}-*.parquet") for split in SPLITS}
    sources = [path for listed in files.values() for path in listed]
    parquet_files.make(out, sources, lambda staging: _write(folder, files, staging / waterbirds_layout.FOLDER))


def _write(folder: Path, files: Mapping[str, Sequence[Path]], base: Path) -> None:
    for split in SPLITS:
        if not files[split]:
            raise InputError(f"{folder}: has no {split}-*.parquet; expected those of {', '.join(SPLITS)}")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(waterbirds_layout.COLUMNS)
    number = 0
    for index, split in enumerate(SPLITS):
        (base / split).mkdir(parents=True)
        groups: Counter[int] = Counter()
        for path in files[split]:
            for content, label, place in _rows(path):
                number += 1
                groups[2 * label + place] += 1
                name = f"{split}/{number:05d}.{_kind(path, number, content)}"
                (base / name).write_bytes(content)
                writer.writerow((number, name, label, index, place, ""))
        found = tuple(groups[group] for group in range(4))
        if found != IMAGES[split]:
            raise InputError(
                f"{folder}: {split} has {found} images of landbirds on land and water, waterbirds on land and water; "
                f"Waterbirds has {IMAGES[split]}: this is another mixture, or a part of it"
            )
    (base / "metadata.csv").write_text(table.getvalue())


def _rows(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Yield the bytes of each image, its label and place."""
    for row in parquet_files.rows(path, COLUMNS):
        yield _row(path, row)


def _row(path: Path, row: dict[str, Any]) -> tuple[bytes, int, int]:
    content = parquet_files.image_bytes(path, "image", row["image"])
    for key in ("label", "place"):
        if row[key] not in (0, 1):
            raise InputError(f"{path}: {key} {row[key]!r}; expected 0 or 1")
    return content, int(row["label"]), int(row["place"])


def _kind(path: Path, number: int, content: bytes) -> str:
    kind = parquet_files.kind(content)
    if kind not in ("jpg", "png"):  # as its reader takes them
        raise InputError(f"{path}: image {number} is neither JPEG nor PNG; get the file again")
    return kind
