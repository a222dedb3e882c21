"""Adversarial accuracy of standard models against the strength of the spurious correlation they were trained under."""

import sys
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tradeoffs.errors import InputError, exit_code
from tradeoffs.results.figures.adversarial import attacks
from tradeoffs.results.figures.command import note, over_seeds, run
from tradeoffs.results.figures.curves import drawn
from tradeoffs.results.reading import read_table
from tradeoffs.results.style import NORM_LABELS, LineStyle
from tradeoffs.results.table import SWEEP_COLUMNS

DOMAINS = {"preserved": LineStyle("#0072b2", "-", "o"), "broken": LineStyle("#d55e00", "--", "s")}
UNITS = {"linf": "/255", "l2": ""}


def draw(paths: dict[str, Path]) -> dict[str, Figure]:
    """Draw one row per attack norm and one panel per budget, clean accuracy first."""
    table = read_table(paths["sweeps"], SWEEP_COLUMNS)
    table = attacks(table[table["sweep"] == "correlation"])
    if table.empty:
        raise InputError(f"{paths['sweeps']}: has no rows of the correlation sweep; make it again")
    title = "Accuracy under attack of standard models, by spurious correlation in training"
    if (table["attack"] == "none").all():
        return {"correlation": note(title, "no attack has a budget (benchmarks.adversarial.budgets)")}
    if not table["domain"].isin(DOMAINS.keys()).any():
        return {
            "correlation": note(title, f"no domain is called {' or '.join(DOMAINS)} (benchmarks.adversarial.domains)")
        }
    norms = [norm for norm in ("linf", "l2") if (table["attack"] == norm).any()]
    budgets = {norm: [0.0, *sorted(table.loc[table["attack"] == norm, "attacked"].unique())] for norm in norms}
    columns = max(len(listed) for listed in budgets.values())
    figure = Figure(figsize=(0.6 + 1.95 * columns, 0.9 + 2.0 * len(norms)))
    grid = figure.subplots(len(norms), columns, sharex=True, sharey=True, squeeze=False)
    for row, norm in zip(grid, norms, strict=True):
        for axes in row[len(budgets[norm]) :]:
            axes.set_axis_off()
        for axes, budget in zip(row, budgets[norm], strict=False):
            panel(axes, table[(table["attack"] == (norm if budget else "none")) & (table["attacked"] == budget)])
            axes.set_title(f"{NORM_LABELS[norm]} attack, {budget:g}{UNITS[norm]}" if budget else "clean")
        row[0].set_ylabel("accuracy (fraction)")
    for axes in grid[-1]:
        axes.set_xlabel("spurious correlation\nin training")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(title, fontsize=10.5)
    return {"correlation": figure}


def panel(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the accuracy of one attack in each domain, with intervals."""
    for domain, style in DOMAINS.items():
        own = over_seeds(table[table["domain"] == domain], ["correlation"])
        x = own["correlation"]
        axes.fill_between(x, own["ci_low"], own["ci_high"], color=style.colour, alpha=0.15, linewidth=0)
        axes.plot(x, own["value"], label=f"correlation {domain} at test", **drawn(style))
    axes.set_ylim(0, 1.02)
    axes.set_xlim(-0.05, 1.05)


def main() -> None:
    """Command line of the step."""
    run("tradeoffs.results.figures.correlation", {"sweeps": "sweeps.csv of the summary step"}, draw)


if __name__ == "__main__":
    sys.exit(exit_code(main))
