"""Reliance on the background against the background's scale, for standard, linf and l2 training."""

from pathlib import Path
from typing import Annotated

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tradeoffs.claims import scale_effects
from tradeoffs.claims.regime import Check
from tradeoffs.claims.row import Claim
from tradeoffs.figures.drawing import averaged, over_replicates
from tradeoffs.figures.style import NORM_LABELS, NORM_STYLES
from tradeoffs.figures.sweep_curves import curve, failing, hollow_note
from tradeoffs.results.reading import read_table
from tradeoffs.results.table import SWEEP_COLUMNS
from tradeoffs.step.errors import InputError

UNITS = {"none": "", "linf": "/255", "l2": ""}


def draw(
    *,
    sweeps: Annotated[Path, "sweeps.csv of the summary step"],
    claims: Annotated[Path, "claims.csv"],
    regime: Annotated[Path, "regime.csv of the claims step"],
) -> Figure:
    """Draw the gap of each training on the left, its paired effect on the right; hollow where a criterion fails."""
    table = read_table(sweeps, SWEEP_COLUMNS)
    table = table[(table["sweep"] == "background_scale") & (table["metric"] == "bg_gap")]
    if table.empty:
        raise InputError(f"{sweeps}: has no bg_gap in the background_scale sweep; make it again")
    effects = read_table(claims, Claim._fields)
    effects = effects[effects["background_scale"].notna()].rename(columns={"background_scale": "scale"})
    failed = failing(read_table(regime, Check._fields, may_be_empty=True), scale_effects.KEY)
    figure = Figure(figsize=(7.6, 3.6))
    left, right = figure.subplots(1, 2, sharex=True)
    trainings = list(dict.fromkeys(zip(table["norm"], table["epsilon"], strict=True)))
    for position, (norm, epsilon) in enumerate(trainings):
        own = over_replicates(table[(table["norm"] == norm) & (table["epsilon"] == epsilon)], ["background_scale"])
        name = NORM_LABELS[norm] + (f", budget {epsilon:g}{UNITS[norm]}" if norm != "none" else "")
        interval(left, own.rename(columns={"background_scale": "scale"}), norm, name, position, failed)
    for position, norm in enumerate(("linf", "l2"), start=1):
        own = effects[effects["norm"] == norm].sort_values("scale")
        interval(right, own, norm, f"{NORM_LABELS[norm]} - standard", position, failed)
    right.axhline(0, color="#333333", linewidth=0.9)
    left.set_ylabel("BG-gap\n(higher = more reliance)")
    right.set_ylabel("difference of BG-gap,\npaired by image")
    for axes in (left, right):
        axes.set_xlabel("background scale\n(1: photographs as they are)")
        axes.legend(loc="best", frameon=True, framealpha=0.9, edgecolor="none")  # a line behind it would cross the text
    right.set_title("adversarial training against standard")
    title = "Reliance on the background as its contrast shrinks against the digit's (ImageNet-9)"
    left.set_title(f"each training{averaged(table)}".replace("; ", ";\n"))
    figure.suptitle(f"{title}{hollow_note(failed)}", fontsize=10.5)
    return figure


def interval(axes: Axes, rows: pd.DataFrame, norm: str, name: str, position: int, failed: set[float]) -> None:
    """Draw values with intervals against the scale, curves slightly side by side."""
    x = rows["scale"] + 0.012 * (position - 1)
    curve(axes, x, rows, NORM_STYLES[norm], name, rows["scale"].isin(failed))
