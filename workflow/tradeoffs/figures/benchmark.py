"""A benchmark: its metrics against the training budget, the standard models as level lines.

Models of the user's own, if there are any, have a column at the right. A cross on a value says that it is saturated
(:func:`tradeoffs.results.metrics.saturated`): no measurement of reliance.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D

from tradeoffs.figures import forest, own
from tradeoffs.figures.curves import BUDGET_LABELS, architecture_style, beside, budget_panel, level_line
from tradeoffs.figures.drawing import averaged, note, over_replicates, wrapped
from tradeoffs.figures.settings import Settings
from tradeoffs.figures.style import legend_below
from tradeoffs.results.metrics import Metric, benchmarks_of, saturated
from tradeoffs.results.reading import read_table
from tradeoffs.results.standard import marked
from tradeoffs.results.table import SUMMARY_COLUMNS
from tradeoffs.step.errors import InputError

CROSS: dict[str, Any] = {"marker": "x", "color": "#cc0000", "markersize": 8, "linestyle": "none"}
WORDS = {"more": "\n(higher = more reliance)", "less": "\n(lower = more reliance)", None: ""}


def draw(settings: Settings, *, summary: Annotated[Path, "summary.csv"]) -> Figure:
    """Draw the one benchmark of the settings; where there is nothing beside standard models, say so.

    InputError for other than one benchmark, and for one without rows.
    """
    told = benchmarks_of(settings.benchmarks)
    if len(told) != 1:
        raise InputError(f"--spec: {len(told)} benchmarks; expected the one to draw")
    benchmark = told[0]
    table = read_table(summary, SUMMARY_COLUMNS)
    rows = table[table["benchmark"] == benchmark.name]
    shown = [metric for metric in benchmark.drawn if (rows["metric"] == metric.name).any()]
    if not shown:
        names = ", ".join(metric.name for metric in benchmark.drawn)
        raise InputError(f"{summary}: has none of {names} of benchmark {benchmark.name}; make it again")
    if marked(rows).all() and own.split(rows)[1].empty:
        return note(benchmark.title, "no adversarially trained model, and none of your own, went through it")
    return draw_benchmark(rows, shown, benchmark.title)


def draw_benchmark(table: pd.DataFrame, shown: Sequence[Metric], title: str) -> Figure:
    """Draw a row per metric of ``shown``; a column per norm, and one for the user's own models.

    Where these are many they have a line each below; without a grid, that alone.
    """
    grid, owned = own.split(table)
    named = forest.labels(owned)
    columns = [forest.Panel(_label(metric), *_forest_rows(grid, owned, metric)) for metric in shown]
    labels = own.names(owned) if len(named) <= forest.BESIDE else {}
    norms = [norm for norm in dict.fromkeys(grid["norm"]) if norm != "none"]
    if grid.empty or not (norms or labels):
        figure = Figure(figsize=forest.size(named, len(shown)))
        forest.draw_lines(figure, named, columns, cross=CROSS)
        figure.suptitle(f"{title}: models of your own", fontsize=10.5)
        if handles := [*_levels(list(dict.fromkeys(grid["architecture"]))), *_legend_of_crosses(table, shown)]:
            legend_below(figure, handles)
        return figure
    widths = [3.3] * len(norms) + [own.width(labels)] * bool(labels)
    wide, high = max(round(0.6 + sum(widths), 3), 5.2), 0.9 + 1.75 * len(shown) + own.label_height(labels)
    if labels or owned.empty:
        figure = Figure(figsize=(wide, high))
        _draw_grid(figure, grid, owned, labels, shown, norms, widths)
    else:
        figure, above, below = forest.parts((wide, high), forest.size(named, len(shown)))
        _draw_grid(above, grid, owned, labels, shown, norms, widths)
        forest.draw_lines(below, named, columns, cross=CROSS)
        below.suptitle("models of your own", fontsize=9)
    figure.suptitle(f"{title}: metrics against the budget of adversarial training{averaged(grid)}", fontsize=10.5)
    return figure


def _draw_grid(
    figure: FigureBase,
    grid: pd.DataFrame,
    owned: pd.DataFrame,
    labels: dict[str, str],
    shown: Sequence[Metric],
    norms: Sequence[str],
    widths: Sequence[float],
) -> None:
    """Draw the grid's panels into a figure or a part of one, with a column at the right for the ``labels`` if any."""
    architectures = list(dict.fromkeys(grid["architecture"]))
    panels = figure.subplots(
        len(shown), len(widths), sharex="col", sharey="row", squeeze=False, width_ratios=widths if labels else None
    )
    for row, metric in zip(panels, shown, strict=True):
        rows = grid[grid["metric"] == metric.name]
        standard = rows[marked(rows)]
        for axes, norm in zip(row, norms, strict=False):
            budget_panel(axes, rows[rows["norm"] == norm], norm, architectures, standard)
            for position, architecture in enumerate(architectures):
                crossed = no_measurements(rows[(rows["norm"] == norm) & (rows["architecture"] == architecture)], metric)
                cross(axes, beside(crossed["epsilon"], position, len(architectures)), crossed["value"])
        if labels:
            of_metric = owned[owned["metric"] == metric.name]
            own_panel(row[-1], of_metric, labels, standard, architectures)
            crossed = no_measurements(of_metric, metric)
            cross(row[-1], crossed["model"].map({model: place for place, model in enumerate(labels)}), crossed["value"])
        for axes in row:
            levels = no_measurements(standard, metric)["value"]
            cross(axes, pd.Series(0.02, index=levels.index), levels, across=True)
        row[0].set_ylabel(_label(metric), fontsize=8)
    for axes, norm in zip(panels[-1], norms, strict=False):
        axes.set_xlabel(BUDGET_LABELS[norm])
    if labels:
        panels[0][-1].set_title("models of\nyour own", fontsize=8.5)
    # Without a norm there is one panel, of own models, on which architectures are level lines alone.
    handles = panels[0][0].get_legend_handles_labels()[0] if norms else _levels(architectures)
    level = Line2D([], [], color="#555555", linewidth=0.9, label="standard training (level line, band: interval)")
    handles = [*handles, *_legend_of_crosses(pd.concat([grid, owned]), shown)]
    legend_below(figure, [*handles, *([level] if marked(grid).any() else [])])


def _levels(architectures: Sequence[str]) -> list[Line2D]:
    """Return what the legend says of the level lines of standard models."""
    found = []
    for place, architecture in enumerate(architectures):
        look: dict[str, Any] = {"color": architecture_style(place).colour, "linestyle": architecture_style(place).line}
        found.append(Line2D([], [], **look, linewidth=0.9, label=f"standard {architecture}"))
    return found


def _label(metric: Metric) -> str:
    return wrapped(metric.label, 26) + WORDS[metric.direction]


def _legend_of_crosses(table: pd.DataFrame, shown: Sequence[Metric]) -> list[Line2D]:
    """Return what the legend says of crosses, where there are any."""
    if not any(len(no_measurements(table[table["metric"] == metric.name], metric)) for metric in shown):
        return []
    return [Line2D([], [], **CROSS, label="saturated: an accuracy of 0 or 1 alone gives this value")]


def _forest_rows(
    grid: pd.DataFrame, owned: pd.DataFrame, metric: Metric
) -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[float, float, float, str]]]:
    """Return a metric's rows of own models, those that are saturated, and the levels of the grid's standard models."""
    rows = owned[owned["metric"] == metric.name]
    standard = grid[(grid["metric"] == metric.name) & marked(grid)]
    levels = [
        (row["value"], row["ci_low"], row["ci_high"], architecture_style(position).colour)
        for position, architecture in enumerate(dict.fromkeys(grid["architecture"]))
        for _, row in over_replicates(standard[standard["architecture"] == architecture], ["norm"]).iterrows()
    ]
    return rows, no_measurements(rows, metric), levels


def no_measurements(rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the rows of a metric whose value is saturated."""
    columns = rows[["value", "ci_low", "ci_high"]].itertuples(index=False, name=None)
    kept: pd.DataFrame = rows.loc[[metric.normalised and saturated(*row) for row in columns]]
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
