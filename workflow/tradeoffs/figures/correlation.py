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


def draw(*, sweeps: Annotated[Path, "sweeps.csv of the summary step"]) -> Figure:
    """Draw one row per attack norm and one panel per budget, clean accuracy first; without attacks that alone."""
    table = read_table(sweeps, SWEEP_COLUMNS)
    table = attacks(table[table["sweep"] == "correlation"])
    if table.empty:
        raise InputError(f"{sweeps}: has no rows of the correlation sweep; make it again")
    norms = [norm for norm in ("linf", "l2") if (table["attack"] == norm).any()] or ["none"]
    budgets = {norm: [0.0, *sorted(table.loc[table["attack"] == norm, "attacked"].unique())] for norm in norms}
    budgets |= {"none": [0.0]} if norms == ["none"] else {}
    columns = max(len(listed) for listed in budgets.values())
    figure = Figure(figsize=(max(0.6 + 1.95 * columns, 5.2), 0.9 + 2.0 * len(norms)))
    domains = styles(list(dict.fromkeys(table["domain"])))
    grid = figure.subplots(len(norms), columns, sharex=True, sharey=True, squeeze=False)
    for row, norm in zip(grid, norms, strict=True):
        for axes in row[len(budgets[norm]) :]:
            axes.set_axis_off()
        for axes, budget in zip(row, budgets[norm], strict=False):
            shown = table[(table["attack"] == (norm if budget else "none")) & (table["attacked"] == budget)]
            panel(axes, shown, domains)
            axes.set_title(f"{NORM_LABELS[norm]} attack, {budget:g}{UNITS[norm]}" if budget else "clean")
        row[0].set_ylabel("accuracy (fraction)")
    for axes in grid[-1]:
        axes.set_xlabel("spurious correlation\nin training")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    title = "Accuracy under attack of standard models, by spurious correlation in training"
    figure.suptitle(title, fontsize=10.5)
    return figure


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
