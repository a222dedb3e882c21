"""The tables of a study that a page shows, where there are any, and numbers in their cells."""

import math
from collections.abc import Sequence
from pathlib import Path

from tradeoffs.results import rows as tables
from tradeoffs.results.rows import Row
from tradeoffs.step.cards import check


def rows(path: Path | None, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a table, none where there is no table; DamagedError for one that is not as it was written.

    Other errors as :func:`tradeoffs.results.rows.rows`.
    """
    if path is None:
        return []
    check(path)
    return tables.rows(path, columns)


def number(text: str) -> float | None:
    """Return the number of a cell; None for an empty one, and for what is no finite number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
