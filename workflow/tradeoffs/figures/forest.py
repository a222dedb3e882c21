"""Models of the user's own, a line each, and a panel for each measure: legible for one of them and for hundreds.

Where they stand beside a grid and are few, they have a column or row among its panels (:mod:`tradeoffs.figures.own`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import MaxNLocator

from tradeoffs.figures import own
from tradeoffs.results.standard import marked

BESIDE = 12  # as many stand among the panels of a grid
LINE = 0.19  # inches of a line
PANEL = 2.3  # inches of a panel's width
SAME, HALF = 1e-9, 0.05  # a spread of values that is none, and what is shown at each side of them then
EDGES = 1.1  # inches above and below the lines: headings, and the numbers of the axes


class Panel(NamedTuple):
    """A panel: its heading and below it what is measured, the rows of a table; ``crossed``: those that measure nothing.

    ``levels``: values of standard models of the grid, each with its interval and colour, drawn behind.
    """

    heading: str
    rows: pd.DataFrame
    crossed: pd.DataFrame | None = None
    levels: Sequence[tuple[float, float, float, str]] = ()


def labels(owned: pd.DataFrame) -> dict[str, str]:
    """Return id -> label on one line, which adds the training, in the order of the table."""
    return {model: label.replace("\n", ", ") for model, label in own.names(owned).items()}


def size(named: Mapping[str, str], panels: int, heading: str = "") -> tuple[float, float]:
    """Return the width and height that the models and panels take, below a heading of several lines, in inches."""
    longest = max(map(len, named.values()))
    high = EDGES + LINE * max(len(named), 2) + LINE * heading.count("\n")
    return max(0.4 + 0.07 * longest + PANEL * panels, 6.4), high


def draw_lines(
    figure: FigureBase,
    named: Mapping[str, str],
    panels: Sequence[Panel],
    *,
    zero: bool = False,
    cross: Mapping[str, Any] | None = None,
) -> None:
    """Draw the panels side by side into a figure or a part of one; ``zero``: a line at 0, which values differ from.

    ``cross``: how a value that measures nothing is marked, as keywords of ``Axes.plot``.
    """
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    places = {model: place for place, model in enumerate(named)}
    for axes, panel in zip(row, panels, strict=True):
        for value, low, high, colour in panel.levels:
            axes.axvspan(low, high, color=colour, alpha=0.08, linewidth=0)
            axes.axvline(value, color=colour, linewidth=0.9)
        _lines(axes, panel.rows, places)
        if cross and panel.crossed is not None and len(panel.crossed):
            axes.plot(panel.crossed["value"], panel.crossed["model"].map(places), zorder=5, **cross)
        if zero:
            axes.axvline(0, color="#333333", linewidth=0.9)
        axes.set_title(panel.heading, fontsize=8)
        _open(axes, panel)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.tick_params(axis="x", labelsize=7.5)
        axes.tick_params(axis="y", length=0)
    row[0].set_yticks(range(len(named)), list(named.values()), fontsize=7.5)
    row[0].set_ylim(len(named) - 0.4, -0.6)


def _open(axes: Axes, panel: Panel) -> None:
    """Give a panel whose values are all the same an axis that shows so, with these in its middle."""
    ends = [*panel.rows["ci_low"].dropna(), *panel.rows["ci_high"].dropna(), *panel.rows["value"]]
    if ends and not panel.levels and max(ends) - min(ends) < SAME:
        middle = (max(ends) + min(ends)) / 2
        axes.set_xlim(middle - HALF, middle + HALF)


def parts(grid: tuple[float, float], many: tuple[float, float]) -> tuple[Figure, FigureBase, FigureBase]:
    """Return a figure, its part for a grid's panels above and the one for own models below, of these sizes."""
    figure = Figure(figsize=(max(grid[0], many[0]), grid[1] + many[1]))
    found: Any = figure.subfigures(2, 1, height_ratios=[grid[1], many[1]])
    return figure, found[0], found[1]


def _lines(axes: Axes, rows: pd.DataFrame, places: Mapping[str, int]) -> None:
    """Draw one measure's rows: a diamond with its interval per model, filled for standard training."""
    for standard, (_, row) in zip(marked(rows), rows.iterrows(), strict=True):
        place = places[row["model"]]
        face = own.COLOUR if standard else "white"
        axes.hlines(place, row["ci_low"], row["ci_high"], color=own.COLOUR, linewidth=1)
        axes.plot(
            row["value"], place, marker="D", color=own.COLOUR, markerfacecolor=face, linestyle="none", markersize=4
        )
