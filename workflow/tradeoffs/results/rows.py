"""The tables of a study as they are written: a dictionary of text per row, so that no number changes on the way."""

from collections.abc import Sequence
from pathlib import Path

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import read_csv, shown

Row = dict[str, str]


def rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a table. InputError for one that cannot be read, missing columns and uneven rows."""
    header, lines = read_csv(path, "make it with its step")
    if missing := [column for column in columns if column not in header]:
        raise InputError(f"{path}: columns {', '.join(missing)} are missing among {shown(header)}; make it again")
    for number, line in lines:
        if len(line) != len(header):
            raise InputError(f"{path}: line {number} has {len(line)} cells; expected {len(header)}; make it again")
    return [dict(zip(header, line, strict=True)) for _, line in lines]
