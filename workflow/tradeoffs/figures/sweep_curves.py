"""A quantity over what is swept: the curves of both sweeps, hollow where a criterion of the regime fails."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from tradeoffs.figures.curves import drawn
from tradeoffs.figures.style import LineStyle

# How a subject of regime.csv begins that is about one place of a sweep: tradeoffs.claims.regime.
PLACES = {"correlation": "correlation", "background_scale": "scale"}


def failing(checks: pd.DataFrame, table: pd.DataFrame, swept: str) -> set[float]:
    """Return the places of a sweep where a criterion fails: for the place, or for a model that was trained there.

    ``table``: rows of sweeps.csv; ``swept``: its column, correlation or background_scale.
    """
    subjects = set(checks.loc[checks["passed"].astype(str) == "False", "subject"].astype(str))
    places = {float(place): table.loc[table[swept] == place, "model"] for place in table[swept].dropna().unique()}
    return {
        place
        for place, models in places.items()
        if subjects & set(models) or any(said.startswith(f"{PLACES[swept]} {place:g},") for said in subjects)
    }


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
