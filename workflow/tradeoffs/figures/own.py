"""Models of the user's own beside those of the grid: one column or row of a figure, one place per model.

They may be of any architecture and budget, so they are named on the axis and not in a legend, and no line joins them.
"""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from tradeoffs.figures.style import NORM_LABELS
from tradeoffs.results.standard import marked

COLOUR = "#444444"
UNITS = {"none": "", "linf": "/255", "l2": ""}


def split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of the grid's models and those of the user's own."""
    owned = table["role"] == "extra"
    return table[~owned], table[owned]


def names(own: pd.DataFrame) -> dict[str, str]:
    """Return id -> label, which adds the training, in the order of the table."""
    rows = own[["model", "norm", "epsilon", "objective"]].drop_duplicates("model").itertuples(index=False, name=None)
    return {model: f"{model}\n{training(*how)}" for model, *how in rows}


def training(norm: str, epsilon: float, objective: Any = None) -> str:
    """Return how a model was trained: ``standard``, or the norm's symbol, the budget with its unit, the objective."""
    parts = [f"{NORM_LABELS[norm]} {epsilon:g}{UNITS[norm]}"] if norm != "none" else []
    parts += [str(objective)] if pd.notna(objective) else []
    return ", ".join(parts) or NORM_LABELS["none"]


def panel(axes: Axes, table: pd.DataFrame, labels: dict[str, str]) -> None:
    """Draw one metric's rows: a diamond with its interval per model, filled for standard training."""
    for place, model in enumerate(labels):
        rows = table[table["model"] == model]
        for standard, (_, row) in zip(marked(rows), rows.iterrows(), strict=True):
            face = COLOUR if standard else "white"
            axes.vlines(place, row["ci_low"], row["ci_high"], color=COLOUR, linewidth=1)
            axes.plot(place, row["value"], marker="D", color=COLOUR, markerfacecolor=face, linestyle="none")
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_xticks(range(len(labels)), list(labels.values()), rotation=90, fontsize=7.5, linespacing=1.15)


def width(labels: dict[str, str]) -> float:
    """Return the width of a panel, in inches."""
    return 0.35 * len(labels) + 0.3


def label_height(labels: dict[str, str]) -> float:
    """Return the room that the labels below a panel take, in inches."""
    return 0.07 * max((len(model) for model in labels), default=0)
