"""The claims as a picture: effect, interval, p-value and verdict of the rows from which conclusions are drawn."""

import textwrap
from pathlib import Path
from typing import Annotated

import pandas as pd
from matplotlib.figure import Figure

from tradeoffs.claims.row import (
    CONCLUSION,
    CONTRADICTED,
    EQUIVALENT,
    HEADLINE,
    NETWORKS,
    SUPPORTED,
    UNDECIDED,
    Claim,
)
from tradeoffs.figures.drawing import note
from tradeoffs.results.reading import read_table

# Told apart by shape and by word, not only by shade.
MARKS = {
    SUPPORTED: ("^", "#0072b2"),
    CONTRADICTED: ("v", "#d55e00"),
    EQUIVALENT: ("s", "#009e73"),
    UNDECIDED: ("o", "#999999"),
}


def number(value: float) -> str:
    """Three significant digits, or nothing where there is no number."""
    return "" if pd.isna(value) else f"{value:.3g}"


def draw(*, claims: Annotated[Path, "claims.csv"]) -> Figure:
    """Draw the claims about the study's models on which conclusions rest."""
    rows = read_table(claims, Claim._fields)
    return listing(
        rows[(rows["subject"] == NETWORKS) & (rows["scope"].isin([HEADLINE, CONCLUSION]))],
        "Claims about the trained models, and what was found",
        "no adversarially trained model was measured on a benchmark that a claim is about",
    )


def listing(rows: pd.DataFrame, title: str, why_none: str) -> Figure:
    """Draw one line per claim; where there is none, say why."""
    if rows.empty:
        return note(title, f"none: {why_none}")
    wrapped = [textwrap.wrap(str(text), 112) for text in rows["statement"]]
    heights = [0.18 * len(lines) + 0.12 for lines in wrapped]
    figure = Figure(figsize=(11, 0.9 + sum(heights)))
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(sum(heights), -0.4)
    for x, name in ((0, "claim"), (0.62, "value [95 % interval]"), (0.81, "p, adjusted"), (0.88, "verdict")):
        axes.text(x, -0.2, name, weight="bold", va="center")
    top = 0.0
    for (_, row), lines, height in zip(rows.iterrows(), wrapped, heights, strict=True):
        middle = top + height / 2
        axes.axhline(top, color="#dddddd", linewidth=0.6)
        axes.text(0, middle, "\n".join(lines), va="center", fontsize=8)
        span = "" if pd.isna(row["ci_low"]) else f" [{number(row['ci_low'])}, {number(row['ci_high'])}]"
        share = str(row["statistic"]).startswith("share of its parts")
        value = f"{row['value']:.0%} of parts" if share else number(row["value"])
        axes.text(0.62, middle, value + span, va="center", fontsize=8)
        p = row["p_value"] if pd.isna(row["p_adjusted"]) else row["p_adjusted"]  # verdicts rest on the second
        axes.text(0.81, middle, "" if pd.isna(p) else f"{p:.2g}", va="center", fontsize=8)
        marker, colour = MARKS[row["verdict"]]
        axes.plot(0.89, middle, marker=marker, color=colour, markersize=7)
        axes.text(0.905, middle, row["verdict"], va="center", fontsize=8)
        top += height
    figure.suptitle(title, fontsize=11)
    return figure
