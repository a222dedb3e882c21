"""Adversarial accuracy of standard models against the strength of the spurious correlation they were trained under."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tradeoffs.figures.adversarial import attacks
from tradeoffs.figures.curves import drawn
from tradeoffs.figures.drawing import over_seeds
from tradeoffs.figures.style import NORM_LABELS, LineStyle
from tradeoffs.results.reading import read_table
from tradeoffs.results.table import SWEEP_COLUMNS
from tradeoffs.step.errors import InputError

DOMAINS = {"preserved": LineStyle("#0072b2", "-", "o"), "broken": LineStyle("#d55e00", "--", "s")}
OTHERS = (LineStyle("#009e73", "-.", "^"), LineStyle("#000000", ":", "D"))  # domains of other names, in turn
UNITS = {"linf": "/255", "l2": ""}
MARGIN = "clean_margin_"  # and the domain: a metric of the benchmark


def draw(*, sweeps: Annotated[Path, "sweeps.csv of the summary step"]) -> Figure:
    """Draw one row per attack norm: a panel without attack, one per budget, and the share of accuracy retained.

    Without attack the first row shows accuracy and the second the distance to the decision boundary, where it was
    measured. Without attacks there is clean accuracy alone.
    """
    read = read_table(sweeps, SWEEP_COLUMNS)
    read = read[read["sweep"] == "correlation"]
    table = attacks(read)
    if table.empty:
        raise InputError(f"{sweeps}: has no rows of the correlation sweep; make it again")
    norms = [norm for norm in ("linf", "l2") if (table["attack"] == norm).any()] or ["none"]
    budgets = {norm: sorted(table.loc[table["attack"] == norm, "attacked"].unique()) for norm in norms}
    budgets |= {"none": []} if norms == ["none"] else {}
    columns = 1 + max(len(listed) + bool(listed) for listed in budgets.values())
    figure = Figure(figsize=(max(0.6 + 1.95 * columns, 5.2), 0.9 + 2.0 * len(norms)))
    domains = styles(list(dict.fromkeys(table["domain"])))
    grid = figure.subplots(len(norms), columns, sharex=True, squeeze=False)
    for number, (row, norm) in enumerate(zip(grid, norms, strict=True)):
        without_attack(row[0], read, table, domains, first=number == 0)
        for axes, budget in zip(row[1:], budgets[norm], strict=False):
            panel(axes, table[(table["attack"] == norm) & (table["attacked"] == budget)], domains)
            axes.set_title(f"{NORM_LABELS[norm]} attack, {budget:g}{UNITS[norm]}")
        if budgets[norm]:
            panel(row[1 + len(budgets[norm])], retained(table, norm), domains)
            row[1 + len(budgets[norm])].set_title(f"share retained, {NORM_LABELS[norm]}")
        for axes in row[1 + len(budgets[norm]) + bool(budgets[norm]) :]:
            axes.set_axis_off()
    for axes in grid[-1]:
        axes.set_xlabel("spurious correlation\nin training")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    title = "Accuracy under attack of standard models, by spurious correlation in training"
    figure.suptitle(title, fontsize=10.5)
    return figure


def without_attack(
    axes: Axes,
    read: pd.DataFrame,
    table: pd.DataFrame,
    domains: dict[str, tuple[str, LineStyle]],
    *,
    first: bool,
) -> None:
    """Draw clean accuracy in the first row; in others the distance to the boundary, or nothing."""
    if first:
        panel(axes, table[table["attack"] == "none"], domains)
        axes.set_title("clean")
        axes.set_ylabel("accuracy (fraction)")
        return
    margins = read[read["metric"].str.startswith(MARGIN)]
    if margins.empty:
        axes.set_axis_off()
        return
    panel(axes, margins.assign(domain=margins["metric"].str.removeprefix(MARGIN)), domains)
    axes.set_ylim(bottom=min(0.0, margins["ci_low"].min()), top=margins["ci_high"].max())
    axes.set_title("clean margin")
    axes.set_ylabel("distance to the\nboundary (l2)")


def retained(table: pd.DataFrame, norm: str) -> pd.DataFrame:
    """Return the share of clean accuracy that is left under attacks of a norm, mean over budgets, without intervals."""
    keys = ["domain", "correlation", "model"]
    attacked = table[table["attack"] == norm].groupby(keys)["value"].mean()
    clean = table[table["attack"] == "none"].groupby(keys)["value"].mean()
    share = (attacked / clean.where(clean > 0)).rename("value").reset_index()
    found: pd.DataFrame = share.assign(ci_low=share["value"], ci_high=share["value"])
    return found


def styles(domains: Sequence[str]) -> dict[str, tuple[str, LineStyle]]:
    """Return label and look of each domain, those that the claims are about first."""
    found = {name: (f"correlation {name} at test", style) for name, style in DOMAINS.items() if name in domains}
    others = [name for name in domains if name not in DOMAINS]
    return found | {name: (f"domain {name}", OTHERS[i % len(OTHERS)]) for i, name in enumerate(others)}


def panel(axes: Axes, table: pd.DataFrame, domains: dict[str, tuple[str, LineStyle]]) -> None:
    """Draw the accuracy of one attack in each domain, with intervals."""
    for domain, (label, style) in domains.items():
        own = over_seeds(table[table["domain"] == domain], ["correlation"])
        x = own["correlation"]
        axes.fill_between(x, own["ci_low"], own["ci_high"], color=style.colour, alpha=0.15, linewidth=0)
        axes.plot(x, own["value"], label=label, **drawn(style))
    axes.set_ylim(0, 1.02)
    axes.set_xlim(-0.05, 1.05)
