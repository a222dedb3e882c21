"""All adversarially trained models over the five benchmarks, each against its standard model.

Models of the user's own, where a standard model of their architecture is there, have a row at the bottom.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from tradeoffs.errors import exit_code
from tradeoffs.results.figures import own
from tradeoffs.results.figures.command import run
from tradeoffs.results.figures.curves import BUDGET_LABELS, budget_panel
from tradeoffs.results.metrics import TITLES, headline
from tradeoffs.results.reading import read_table
from tradeoffs.results.table import SUMMARY_COLUMNS

SHORT = {
    "rfs_linf": "RFS (sign turned)",
    "rcs": "RCS (sign turned)",
    "bg_gap": "BG-gap",
    "background_swap_gap": "background-swap gap",
    "relative_drop_official": "relative drop",
}


def draw(paths: dict[str, Path]) -> dict[str, Figure]:
    """Draw a column per benchmark; a row per norm, and one for the user's own models. Above 0: more reliance."""
    table = read_table(paths["differences"], SUMMARY_COLUMNS)
    grid, owned = own.split(table)
    architectures = list(dict.fromkeys(grid["architecture"]))
    norms = list(dict.fromkeys(grid["norm"]))
    labels = own.names(owned)
    columns = [metric for metric in headline().values() if (table["metric"] == metric.name).any()]
    rows_shown = len(norms) + bool(labels)
    figure = Figure(figsize=(max(0.6 + 2.05 * len(columns), 5.5), 0.9 + 2.05 * rows_shown + own.label_height(labels)))
    panels = figure.subplots(rows_shown, len(columns), sharex="row", sharey="col", squeeze=False)
    for row, norm in zip(panels, norms, strict=False):
        for axes, metric in zip(row, columns, strict=True):
            rows = grid[(grid["metric"] == metric.name) & (grid["norm"] == norm)]
            budget_panel(axes, rows, norm, architectures, None)
        row[len(columns) // 2].set_xlabel(BUDGET_LABELS[norm])
    if labels:
        for axes, metric in zip(panels[-1], columns, strict=True):
            own.panel(axes, owned[owned["metric"] == metric.name], labels)
        panels[-1][len(columns) // 2].set_xlabel(
            "models of your own, each against the standard model of its architecture"
        )
    for row in panels:
        row[0].set_ylabel("difference from standard\n(up: more reliance)")
        for axes in row:
            axes.axhline(0, color="#333333", linewidth=0.9)
    for axes, metric in zip(panels[0], columns, strict=True):
        axes.set_title(f"{TITLES[metric.benchmark]}\n{SHORT[metric.name]}")
    if architectures:
        handles = panels[0][0].get_legend_handles_labels()[0]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    count = f"{grid['model'].nunique()} adversarially trained models"
    beside = f" and {len(labels)} of your own" if labels else ""
    absent = [TITLES[name] for name, metric in headline().items() if metric not in columns]
    figure.suptitle(
        f"Reliance on backgrounds of {count}{beside}, relative to standard training"
        + (f"\n(not measured: {', '.join(absent)})" if absent else ""),
        fontsize=10.5,
    )
    return {"overview": figure}


def main() -> None:
    """Command line of the step."""
    run("tradeoffs.results.figures.overview", {"differences": "differences.csv of the claims step"}, draw)


if __name__ == "__main__":
    sys.exit(exit_code(main))
