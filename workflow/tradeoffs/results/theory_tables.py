"""Small CSV tables by column."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tradeoffs.step.cards import check
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import write_atomically
from tradeoffs.step.inputs import read_csv


def write_table(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns of equal length; floats with 12 significant digits, None as an empty cell."""
    rows = list(zip(*columns.values(), strict=True))

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_cell(value) for value in row] for row in rows)

    write_atomically(path, write)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


class Row(dict[str, Any]):
    """A row by column; a column that the table does not have is an InputError."""

    def __init__(self, path: Path, cells: Mapping[str, Any]) -> None:
        super().__init__(cells)
        self.path = path

    def __missing__(self, column: str) -> Any:
        raise InputError(f"{self.path}: no column {column} among {', '.join(self)}; make it with its theory step")


def read_table(path: Path) -> list[dict[str, Any]]:
    """Read a table as one :class:`Row` per row, numbers as floats; InputError that names a missing or empty file."""
    check(path)
    header, rows = read_csv(path, "make it with its theory step")
    if not rows or any(len(row) != len(header) for _, row in rows):
        raise InputError(f"{path}: no rows, or rows of unequal length; delete it and make it again")
    return [Row(path, {key: _value(text) for key, text in zip(header, row, strict=True)}) for _, row in rows]


def _value(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def stack(tables: Sequence[Mapping[str, Sequence[Any]]]) -> dict[str, list[Any]]:
    """Concatenate tables with the same columns."""
    return {name: [value for table in tables for value in table[name]] for name in tables[0]}
