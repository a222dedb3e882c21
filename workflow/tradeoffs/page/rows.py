"""The tables of a study as they are written: a dictionary of text per row, so that no number changes on the way."""

import math
from collections.abc import Sequence
from pathlib import Path

from tradeoffs.step.cards import check
from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import read_csv, shown

Row = dict[str, str]


def rows(path: Path | None, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a table, none where there is no table; InputError for missing columns and uneven rows."""
    if path is None:
        return []
    check(path)
    header, lines = read_csv(path, "make it with its step")
    if missing := [column for column in columns if column not in header]:
        raise InputError(f"{path}: columns {', '.join(missing)} are missing among {shown(header)}; make it again")
    for number, line in lines:
        if len(line) != len(header):
            raise InputError(f"{path}: line {number} has {len(line)} cells; expected {len(header)}; make it again")
    return [dict(zip(header, line, strict=True)) for _, line in lines]


def number(text: str) -> float | None:
    """Return the number of a cell; None for an empty one, and for what is no finite number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
