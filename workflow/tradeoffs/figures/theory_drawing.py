"""What the theory's figures share: labels, line styles, picking rows of a table."""

from typing import Any

import numpy as np

from tradeoffs.figures.style import NORM_STYLES, LineStyle

Rows = list[dict[str, Any]]
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73")
MARKERS = ("D", "o", "s", "^")
BUDGET_AXIS = "budget $\\epsilon$ (core standard deviations)"


def norm_label(p: float) -> str:
    """Return a norm as text for a title."""
    return "$p = \\infty$" if np.isinf(p) else f"$p = {p:g}$"


def norm_style(p: float) -> LineStyle:
    """Return the style of a norm; norms other than 1 and 2 share that of inf."""
    return NORM_STYLES[{1.0: "l1", 2.0: "l2"}.get(p, "linf")]


def values(rows: Rows, name: str) -> list[Any]:
    """Return the different values of a column, ascending."""
    return sorted({row[name] for row in rows})


def select(rows: Rows, **wanted: Any) -> Rows:
    """Return the rows with these values."""
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def column(rows: Rows, name: str) -> list[Any]:
    """Return one column of the rows."""
    return [row[name] for row in rows]
