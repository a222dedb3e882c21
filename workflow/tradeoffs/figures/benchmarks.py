"""One figure per benchmark: its metrics against the training budget, the standard models as level lines.

Models of the user's own, if there are any, have a column at the right. A cross on a value says that it is saturated
(:func:`tradeoffs.results.metrics.saturated`): no measurement of reliance.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tradeoffs.figures import own
from tradeoffs.figures.command import note, run
from tradeoffs.figures.curves import BUDGET_LABELS, architecture_style, beside, budget_panel, level_line
from tradeoffs.results.metrics import TITLES, saturated
from tradeoffs.results.reading import read_table
from tradeoffs.results.table import SUMMARY_COLUMNS
from tradeoffs.step.errors import InputError, exit_code

CROSS: dict[str, Any] = {"marker": "x", "color": "#cc0000", "markersize": 8, "linestyle": "none"}
MORE, LESS = "higher = more reliance", "lower = more reliance"
# benchmark -> metric -> axis label
PANELS = {
    "imagenet": {
        "accuracy": "clean accuracy\n(fraction)",
    },
    "rival10": {
        "rfs_linf": f"RFS, noise of fixed sigma\n({LESS})",
        "rfs_l2": f"RFS, noise of fixed norm\n({LESS})",
        "accuracy": "clean accuracy\n(fraction)",
    },
    "salient_imagenet": {
        "rcs": f"RCS\n({LESS})",
        "core_accuracy": "accuracy, noise outside\nthe core (fraction)",
        "spurious_accuracy": "accuracy, noise inside\nthe core (fraction)",
    },
    "imagenet9": {
        "bg_gap": f"BG-gap\n({MORE})",
        "accuracy_mixed_same": "accuracy, background of\nthe class (fraction)",
        "accuracy_mixed_rand": "accuracy, random\nbackground (fraction)",
    },
    "waterbirds": {
        "background_swap_gap": f"background-swap gap\n({MORE})",
        "worst_group_accuracy": f"worst-group accuracy\n({LESS})",
        "adjusted_average_accuracy": "adjusted average\naccuracy (fraction)",
    },
    "objectnet": {
        "relative_drop_official": f"relative drop\n({MORE})",
        "effective_robustness_official": f"effective robustness\n({LESS})",
        "objectnet_accuracy_official": "ObjectNet accuracy\n(fraction)",
    },
}


def draw(paths: dict[str, Path]) -> dict[str, Figure]:
    """Draw the figure of every benchmark in the summary; where there is nothing beside standard models, say so."""
    table = read_table(paths["summary"], SUMMARY_COLUMNS)
    figures = {}
    for benchmark, panels in PANELS.items():
        rows = table[table["benchmark"] == benchmark]
        shown = {metric: label for metric, label in panels.items() if (rows["metric"] == metric).any()}
        if not shown:
            continue
        if set(rows["norm"]) != {"none"} or len(own.names(own.split(rows)[1])):
            figure = draw_benchmark(rows, shown, TITLES[benchmark])
        else:
            figure = note(TITLES[benchmark], "no adversarially trained model, and none of your own, went through it")
        figures[f"benchmark_{benchmark}"] = figure
    if not figures:
        raise InputError(f"{paths['summary']}: has no rows of a benchmark of {', '.join(PANELS)}; make it again")
    return figures


def draw_benchmark(table: pd.DataFrame, shown: dict[str, str], title: str) -> Figure:
    """Draw a row per metric of ``shown`` (metric -> label); a column per norm, and one for the user's own models."""
    grid, owned = own.split(table)
    architectures = list(dict.fromkeys(grid["architecture"]))
    norms = [norm for norm in dict.fromkeys(grid["norm"]) if norm != "none"]
    labels = own.names(owned)
    widths = [3.3] * len(norms) + [own.width(labels)] * bool(labels)
    figure = Figure(figsize=(max(round(0.6 + sum(widths), 3), 5.2), 0.9 + 1.75 * len(shown) + own.label_height(labels)))
    panels = figure.subplots(
        len(shown), len(widths), sharex="col", sharey="row", squeeze=False, width_ratios=widths if labels else None
    )
    for row, (metric, label) in zip(panels, shown.items(), strict=True):
        rows = grid[grid["metric"] == metric]
        standard = rows[rows["norm"] == "none"]
        for axes, norm in zip(row, norms, strict=False):
            budget_panel(axes, rows[rows["norm"] == norm], norm, architectures, standard)
            for position, architecture in enumerate(architectures):
                crossed = no_measurements(rows[(rows["norm"] == norm) & (rows["architecture"] == architecture)])
                cross(axes, beside(crossed["epsilon"], position, len(architectures)), crossed["value"])
        if labels:
            of_metric = owned[owned["metric"] == metric]
            own_panel(row[-1], of_metric, labels, standard, architectures)
            crossed = no_measurements(of_metric)
            cross(row[-1], crossed["model"].map({model: place for place, model in enumerate(labels)}), crossed["value"])
        for axes in row:
            levels = no_measurements(standard)["value"]
            cross(axes, pd.Series(0.02, index=levels.index), levels, across=True)
        row[0].set_ylabel(label, fontsize=8)
    for axes, norm in zip(panels[-1], norms, strict=False):
        axes.set_xlabel(BUDGET_LABELS[norm])
    if labels:
        panels[0][-1].set_title("models of\nyour own", fontsize=8.5)
    handles = panels[0][0].get_legend_handles_labels()[0]
    level = Line2D([], [], color="#555555", linewidth=0.9, label="standard training (level line, band: interval)")
    if len(no_measurements(table[table["metric"].isin(list(shown))])):
        said = "saturated: an accuracy of 0 or 1 alone gives this value"
        handles = [*handles, Line2D([], [], **CROSS, label=said)]
    figure.legend(handles=[*handles, level], loc="outside lower center", ncols=len(handles) + 1)
    figure.suptitle(f"{title}: metrics against the budget of adversarial training", fontsize=10.5)
    return figure


def no_measurements(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose value is saturated."""
    columns = rows[["metric", "value", "ci_low", "ci_high"]].itertuples(index=False, name=None)
    kept: pd.DataFrame = rows.loc[[saturated(*row) for row in columns]]
    return kept


def cross(axes: Axes, x: pd.Series, values: pd.Series, *, across: bool = False) -> None:
    """Draw a cross on each value; ``across``: x is a share of the panel's width, for values that are level lines."""
    if len(values):
        axes.plot(x, values, **CROSS, zorder=5, transform=axes.get_yaxis_transform() if across else axes.transData)


def own_panel(
    axes: Axes, owned: pd.DataFrame, labels: dict[str, str], standard: pd.DataFrame, architectures: Sequence[str]
) -> None:
    """Draw the user's own models, and the grid's standard ones as level lines behind them."""
    for position, architecture in enumerate(architectures):
        level_line(axes, standard[standard["architecture"] == architecture], architecture_style(position))
    own.panel(axes, owned, labels)


def main() -> None:
    """Command line of the step."""
    run("tradeoffs.figures.benchmarks", {"summary": "summary.csv"}, draw)


if __name__ == "__main__":
    sys.exit(exit_code(main))
