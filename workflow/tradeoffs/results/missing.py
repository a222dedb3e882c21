"""The benchmarks that a study leaves out because a data set is not at hand, with the reason and what to do."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tradeoffs.results.table import write_csv
from tradeoffs.step.command import Written
from tradeoffs.step.errors import InputError

COLUMNS = ("benchmark", "dataset", "reason")


class Settings(NamedTuple):
    """One row per benchmark that is left out."""

    missing: list[dict[str, Any]]  # of COLUMNS


def run(settings: Settings, *, out: Annotated[Path, "CSV to write"]) -> Written:
    """Write the table. InputError for a row with other keys."""
    for row in settings.missing:
        if not isinstance(row, dict) or row.keys() != set(COLUMNS):
            raise InputError(f"--spec: missing holds {row!r}; expected the keys {', '.join(COLUMNS)}")
    write_csv(out, COLUMNS, [[row[column] for column in COLUMNS] for row in settings.missing])
    return Written("missing", [out])
