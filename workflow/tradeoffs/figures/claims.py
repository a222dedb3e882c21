"""The claims as a picture: effect, interval, margin, verdict and the chance that a rerun says the same.

Headlines first, raw and at equal accuracy, then the other conclusions; exploratory measures stand apart and lighter.
Rows of one architecture and norm, of single models, and exploratory ones at equal accuracy are in the table only.
"""

import textwrap
from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tradeoffs.claims.row import (
    CONCLUSION,
    CONTRADICTED,
    EQUIVALENT,
    EXPLORATORY,
    HEADLINE,
    NETWORKS,
    SUPPORTED,
    UNDECIDED,
    Claim,
)
from tradeoffs.figures.drawing import note
from tradeoffs.results.reading import read_table
from tradeoffs.results.study import LEVEL

TITLE = "Claims about the trained models, and what was found"
NOTHING = "none: no adversarially trained model was measured on a benchmark that a claim is about"
# Told apart by shape and by word, not only by shade.
MARKS = {
    SUPPORTED: ("^", "#0072b2"),
    CONTRADICTED: ("v", "#d55e00"),
    EQUIVALENT: ("s", "#009e73"),
    UNDECIDED: ("o", "#777777"),
}
LINE, GAP = 0.15, 0.1  # inches of a line of text, and between rows
COLUMNS = {"p": 0.0, "verdict": 0.17, "rerun": 0.52, "replicates": 0.72}


class Row(NamedTuple):
    """A row of the picture: the lines of its text, and the claim; a heading has none. ``light``: exploratory."""

    lines: list[str]
    claim: pd.Series | None = None
    light: bool = False

    @property
    def height(self) -> float:
        """In inches."""
        return LINE * len(self.lines) + GAP


def draw(*, claims: Annotated[Path, "claims.csv"]) -> Figure:
    """Draw the claims about the study's models on which conclusions rest, and exploratory measures below them."""
    table = read_table(claims, Claim._fields)
    networks = table[table["subject"] == NETWORKS]
    rows = rows_of(networks)
    if not rows:
        return note(TITLE, NOTHING)
    if all(row.claim is None or pd.isna(row.claim["value"]) for row in rows):
        return note(TITLE, untested(networks))
    heights = [row.height for row in rows]
    figure = Figure(figsize=(11, 1.1 + sum(heights)))
    words, effects, numbers = figure.subplots(1, 3, sharey=True, width_ratios=[5.2, 3.4, 3.6])
    words.set_ylim(sum(heights), 0)
    for axes in (words, numbers):
        axes.set_axis_off()
        axes.set_xlim(0, 1)
    effects.tick_params(left=False, labelleft=False)
    effects.spines["left"].set_visible(False)
    effects.grid(axis="y", visible=False)
    effects.axvline(0, color="#333333", linewidth=0.9)
    effects.set_xlabel("effect, 95 % interval; positive: the claim holds")
    for name, x in COLUMNS.items():
        numbers.text(x, 0, name, weight="bold", va="bottom", fontsize=8)
    top = 0.0
    for row in rows:
        draw_row(words, effects, numbers, row, top + row.height / 2)
        top += row.height
    figure.suptitle(TITLE + at_level(networks), fontsize=11)
    return figure


def at_level(table: pd.DataFrame) -> str:
    """Say in a line of its own which level verdicts are at, where it is that of a look; "" where it is the usual."""
    looked = sorted(set(table["level"].dropna()) - {LEVEL})
    return f"\n(verdicts at level {looked[0]:.3g}, that of the last look)" if looked else ""


def untested(table: pd.DataFrame) -> str:
    """Say that none of the claims can be tested, and why: what is missing for most of them."""
    why = table.loc[table["scope"].isin([HEADLINE, CONCLUSION]), "missing"].dropna().tolist()
    said = max(why, key=why.count) if why else "claims.csv says what is missing"
    return f"none of the {len(table)} claims can be tested, and claims.csv says of each what is missing: {said}"


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Return the rows of the picture under their headings; headings without rows are left out."""
    headline, conclusion = table["scope"] == HEADLINE, table["scope"] == CONCLUSION
    beyond = table["at_equal_accuracy"].astype(str) == "True"
    whole = (table["scope"] == EXPLORATORY) & table["norm"].isna() & table["background_scale"].isna()
    groups = {
        "Headlines: against standard models": table[headline & ~beyond],
        "Headlines: against standard models of equal accuracy": table[headline & beyond],
        "Other conclusions": table[conclusion],
        "Exploratory: one of many looks": table[whole & ~beyond],
    }
    rows = []
    for heading, members in groups.items():
        light = heading.startswith("Exploratory")
        if not members.empty:
            rows.append(Row([heading]))
        rows += [Row(textwrap.wrap(str(claim["statement"]), 84), claim, light) for _, claim in members.iterrows()]
    return rows


def draw_row(words: Axes, effects: Axes, numbers: Axes, row: Row, middle: float) -> None:
    """Draw a heading, or a claim: its text, its effect with interval and margins, its numbers."""
    if row.claim is None:
        words.text(0, middle, row.lines[0], va="center", fontsize=9, weight="bold")
        return
    shade = "#888888" if row.light else "#000000"
    words.text(0.02, middle, "\n".join(row.lines), va="center", fontsize=7, color=shade)
    claim = row.claim
    marker, colour = MARKS[claim["verdict"]]
    alpha = 0.5 if row.light else 1.0
    if pd.notna(claim["ci_low"]):
        if pd.notna(claim["margin"]):
            reach, half = claim["margin"], row.height / 2
            effects.fill_betweenx([middle - half, middle + half], -reach, reach, color="#e8e8e8", linewidth=0)
        effects.hlines(middle, claim["ci_low"], claim["ci_high"], color=colour, linewidth=1.6, alpha=alpha)
        effects.plot(claim["value"], middle, marker=marker, color=colour, markersize=5, alpha=alpha)
    elif pd.notna(claim["value"]):
        effects.text(
            0.02,
            middle,
            f"{claim['value']:.0%} of parts",
            transform=effects.get_yaxis_transform(),
            va="center",
            fontsize=7,
            bbox={"facecolor": "white", "linewidth": 0, "pad": 1},  # the line of no effect does not strike it through
        )
    p_value = claim["p_adjusted"] if pd.notna(claim["p_adjusted"]) else claim["p_value"]
    texts = {
        "p": "" if pd.isna(p_value) else "< 0.001" if p_value < 0.001 else f"{p_value:.3f}",
        "verdict": claim["verdict"] + (" (warning)" if pd.notna(claim["warning"]) else ""),
        "rerun": "" if pd.isna(claim["rerun"]) else f"{claim['rerun']:.0%}",
        "replicates": "" if pd.isna(claim["replicates"]) else f"{claim['replicates']:.0f}",
    }
    for name, text in texts.items():
        numbers.text(COLUMNS[name], middle, text, va="center", fontsize=7.5, color=shade)
