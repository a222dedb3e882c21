"""A quantity over what is swept: the curves of both sweeps, hollow where a criterion of the regime fails."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from tradeoffs.figures.curves import drawn
from tradeoffs.figures.style import LineStyle


def failing(checks: pd.DataFrame, claims: str) -> set[float]:
    """Return the places of a sweep where a criterion fails; ``claims``: how the names of those begin that rest on it.

    ``checks``: rows of regime.csv.
    """
    failed = checks[(checks["passed"].astype(str) == "False") & (checks["concerns"] == claims)]
    return set(failed["place"].dropna().astype(float))


def curve(axes: Axes, x: pd.Series, rows: pd.DataFrame, style: LineStyle, label: str, hollow: pd.Series) -> None:
    """Draw values with intervals; ``hollow``: where a criterion fails."""
    axes.vlines(x, rows["ci_low"], rows["ci_high"], color=style.colour, linewidth=1)
    axes.plot(x, rows["value"], label=label, **drawn(style))
    axes.plot(
        x[hollow],
        rows.loc[hollow, "value"],
        **drawn(style) | {"linestyle": "none", "markerfacecolor": "white", "zorder": 3},
    )


def hollow_note(failed: Iterable[float]) -> str:
    """Say what hollow marks are, where there are any."""
    return "\nHollow: a criterion of the regime fails" if list(failed) else ""
