"""All adversarially trained models over the five benchmarks, each against its standard model."""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from tradeoffs.errors import exit_code
from tradeoffs.results.figures.command import read_table, run
from tradeoffs.results.figures.curves import BUDGET_LABELS, budget_panel
from tradeoffs.results.metrics import TITLES, headline
from tradeoffs.results.table import SUMMARY_COLUMNS

SHORT = {
    "rfs_linf": "RFS (sign turned)",
    "rcs": "RCS (sign turned)",
    "bg_gap": "BG-gap",
    "background_swap_gap": "background-swap gap",
    "relative_drop_official": "relative drop",
}


def draw(paths: dict[str, Path]) -> dict[str, Figure]:
    """Draw one column per benchmark and one row per norm, above 0 for more reliance than the standard model."""
    table = read_table(paths["differences"], SUMMARY_COLUMNS)
    architectures = list(dict.fromkeys(table["architecture"]))
    norms = list(dict.fromkeys(table["norm"]))
    columns = [metric for metric in headline().values() if (table["metric"] == metric.name).any()]
    figure = Figure(figsize=(0.6 + 2.05 * len(columns), 0.9 + 2.05 * len(norms)))
    grid = figure.subplots(len(norms), len(columns), sharex="row", sharey="col", squeeze=False)
    for row, norm in zip(grid, norms, strict=True):
        for axes, metric in zip(row, columns, strict=True):
            rows = table[(table["metric"] == metric.name) & (table["norm"] == norm)]
            budget_panel(axes, rows, norm, architectures, None)
            axes.axhline(0, color="#333333", linewidth=0.9)
        row[len(columns) // 2].set_xlabel(BUDGET_LABELS[norm])
        row[0].set_ylabel("difference from standard\n(up: more reliance)")
    for axes, metric in zip(grid[0], columns, strict=True):
        axes.set_title(f"{TITLES[metric.benchmark]}\n{SHORT[metric.name]}")
    handles = grid[0][0].get_legend_handles_labels()[0]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    models = table["model"].nunique()
    figure.suptitle(
        f"Reliance on backgrounds of {models} adversarially trained models, relative to standard training",
        fontsize=10.5,
    )
    return {"overview": figure}


def main() -> None:
    """Command line of the step."""
    run("tradeoffs.results.figures.overview", {"differences": "differences.csv of the claims step"}, draw)


if __name__ == "__main__":
    sys.exit(exit_code(main))
