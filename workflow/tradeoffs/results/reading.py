"""Read the CSV tables of a study."""

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tradeoffs.step.cards import check
from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import read_text, shown

# Columns of names and words, of any table: a model may be called 1, and an empty column is none of numbers.
TEXT = (
    *("study", "model", "role", "architecture", "norm", "objective", "benchmark", "metric", "reference"),
    *("claim", "statement", "statistic", "evidence", "verdict", "scope", "subject", "benchmarks", "models"),
    *("warning", "missing", "within_tolerance", "remark"),
)


def read_table(path: Path, columns: Sequence[str], may_be_empty: bool = False) -> pd.DataFrame:
    """Read a CSV table; InputError for a missing or broken one, one without the columns, and one without rows."""
    check(path)
    try:
        text = io.StringIO(read_text(path, "make it with the summary or claims step"))
        table = pd.read_csv(text, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(TEXT, str))
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path}: not a readable table ({error}); make it again".replace("\n", " ")) from None
    if missing := [column for column in columns if column not in table.columns]:
        raise InputError(
            f"{path}: columns {', '.join(missing)} are missing among {shown(list(map(str, table.columns)))}; "
            "make it again"
        )
    if table.empty and not may_be_empty:
        raise InputError(f"{path}: has no rows; expected one per model and metric; make it again")
    return table
