"""A metric against the training budget: the panel that several figures are made of."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from tradeoffs.figures.drawing import over_replicates
from tradeoffs.figures.style import ARCHITECTURE_COLOURS, ARCHITECTURE_LINES, ARCHITECTURE_MARKERS, LineStyle


def architecture_style(position: int) -> LineStyle:
    """Return the look of the architecture that a study lists at ``position``."""
    place = position % len(ARCHITECTURE_COLOURS)
    return LineStyle(ARCHITECTURE_COLOURS[place], ARCHITECTURE_LINES[place], ARCHITECTURE_MARKERS[place])


BUDGET_LABELS = {
    "linf": r"$\ell_\infty$ budget of training (1/255)",
    "l2": r"$\ell_2$ budget of training (pixel units of [0, 1])",
}


def drawn(style: LineStyle) -> dict[str, Any]:
    """Return the keyword arguments of ``Axes.plot``."""
    return {"color": style.colour, "linestyle": style.line, "marker": style.marker}


def budget_panel(
    axes: Axes, table: pd.DataFrame, norm: str, architectures: Sequence[str], standard: pd.DataFrame | None
) -> None:
    """Draw one metric's rows of one norm: a line with intervals per architecture, over a logarithmic budget.

    ``standard``: the rows of the standard models, drawn as a level line with its band.
    """
    budgets = sorted(table["epsilon"].unique())
    for position, architecture in enumerate(architectures):
        style = architecture_style(position)
        own = over_replicates(table[table["architecture"] == architecture], ["epsilon"])
        x = beside(own["epsilon"], position, len(architectures))
        axes.fill_between(x, own["ci_low"], own["ci_high"], color=style.colour, alpha=0.15, linewidth=0)
        axes.vlines(x, own["ci_low"], own["ci_high"], color=style.colour, linewidth=1)
        face = style.colour if position % 2 == 0 else "white"
        axes.plot(x, own["value"], markerfacecolor=face, label=architecture, **drawn(style))
        if standard is not None:
            level_line(axes, standard[standard["architecture"] == architecture], style)
    axes.set_xscale("log", base=2)
    if len(budgets) == 1:
        axes.set_xlim(budgets[0] / 2, budgets[0] * 2)
    axes.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
    axes.tick_params(axis="x", labelsize=7.5)
    axes.minorticks_off()


def beside(budgets: pd.Series, position: int, count: int) -> pd.Series:
    """Where one of ``count`` architectures is drawn: side by side, so that equal values of two stay visible."""
    return budgets * (1 + 0.05 * (position - (count - 1) / 2))


def level_line(axes: Axes, standard: pd.DataFrame, style: LineStyle) -> None:
    """Draw the standard model of an architecture as a level line with its band."""
    for _, row in over_replicates(standard, ["norm"]).iterrows():
        axes.axhspan(row["ci_low"], row["ci_high"], color=style.colour, alpha=0.08, linewidth=0)
        axes.axhline(row["value"], color=style.colour, linestyle=style.line, linewidth=0.9, alpha=0.9)
