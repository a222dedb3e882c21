"""The claims about the linear model as a picture."""

import textwrap
from pathlib import Path
from typing import Annotated

import pandas as pd
from matplotlib.figure import Figure

from tradeoffs.claims.row import CONCLUSION, Claim
from tradeoffs.figures.claims import MARKS
from tradeoffs.figures.drawing import note
from tradeoffs.results.reading import read_table

TITLE = "Claims about the linear model, and what was found"


def draw(*, theory_claims: Annotated[Path, "claims.csv of the theory"]) -> Figure:
    """Draw one line per claim on which conclusions rest; where there is none, say why."""
    table = read_table(theory_claims, Claim._fields, may_be_empty=True)
    rows = table[table["scope"] == CONCLUSION]
    if rows.empty:
        return note(TITLE, "none: the theory's table has no claims")
    wrapped = [textwrap.wrap(str(text), 112) for text in rows["statement"]]
    heights = [0.18 * len(lines) + 0.12 for lines in wrapped]
    figure = Figure(figsize=(11, 0.9 + sum(heights)))
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(sum(heights), -0.4)
    for x, name in ((0, "claim"), (0.68, "value"), (0.84, "verdict")):
        axes.text(x, -0.2, name, weight="bold", va="center")
    top = 0.0
    for (_, row), lines, height in zip(rows.iterrows(), wrapped, heights, strict=True):
        middle = top + height / 2
        axes.axhline(top, color="#dddddd", linewidth=0.6)
        axes.text(0, middle, "\n".join(lines), va="center", fontsize=8)
        axes.text(0.68, middle, "" if pd.isna(row["value"]) else f"{row['value']:.3g}", va="center", fontsize=8)
        marker, colour = MARKS[row["verdict"]]
        axes.plot(0.85, middle, marker=marker, color=colour, markersize=7)
        axes.text(0.87, middle, row["verdict"], va="center", fontsize=8)
        top += height
    figure.suptitle(TITLE, fontsize=11)
    return figure
