"""All adversarially trained models over the benchmarks, each against its standard model.

Models of the user's own, where a standard model of their architecture is there, have a row at the bottom, or a line
each where they are many or alone. Where there are only such, and nothing to compare them with, the measures themselves
are shown.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
from matplotlib.figure import Figure, FigureBase

from tradeoffs.figures import forest, own
from tradeoffs.figures.curves import BUDGET_LABELS, budget_panel
from tradeoffs.figures.drawing import averaged, note, wrapped
from tradeoffs.figures.settings import Settings
from tradeoffs.results.metrics import Benchmark, Metric, benchmarks_of
from tradeoffs.results.reading import read_table
from tradeoffs.results.standard import marked
from tradeoffs.results.table import DIFFERENCE_COLUMNS, SUMMARY_COLUMNS


def draw(
    settings: Settings,
    *,
    differences: Annotated[Path, "differences.csv of the claims step"],
    summary: Annotated[Path | None, "summary.csv, to say why none is shown"] = None,
) -> Figure:
    """Draw a column per benchmark; a row per norm, and one for the user's own models. Above 0: more reliance."""
    measures = [benchmark for benchmark in benchmarks_of(settings.benchmarks) if benchmark.reliance]
    table = read_table(differences, DIFFERENCE_COLUMNS, may_be_empty=True)
    measured = set(zip(table["benchmark"], table["metric"], strict=True))
    headlines = [(benchmark.title, benchmark.reliance[0]) for benchmark in measures]
    columns = [(name, metric) for name, metric in headlines if (metric.benchmark, metric.name) in measured]
    if not columns:
        values = own_values(summary, measures)
        return values if values is not None else note("Reliance on backgrounds", nothing(summary, measures))
    drawn = {(metric.benchmark, metric.name) for _, metric in columns}
    grid, owned = own.split(table[[pair in drawn for pair in zip(table["benchmark"], table["metric"], strict=True)]])
    named = forest.labels(owned)
    absent = [name for name, metric in headlines if (name, metric) not in columns]
    heading = title(grid["model"].nunique(), len(named), absent, narrow=len(columns) < 4)
    heading += over_images(table, columns) + averaged(grid)
    lines = [forest.Panel(_heading(name, metric, turned=True), of(owned, metric)) for name, metric in columns]
    if grid.empty:
        figure = Figure(figsize=forest.size(named, len(columns), heading))
        forest.draw_lines(figure, named, lines, zero=True)
        figure.supxlabel("difference from standard (right: more reliance)", fontsize=9)
    elif len(named) <= forest.BESIDE:
        labels = own.names(owned)
        figure = Figure(figsize=grid_size(grid, len(columns), labels))
        draw_grid(figure, grid, owned, columns, labels)
    else:
        figure, above, below = forest.parts(grid_size(grid, len(columns), {}), forest.size(named, len(columns)))
        draw_grid(above, grid, owned, columns, {})
        forest.draw_lines(below, named, lines, zero=True)
        below.supxlabel("models of your own: difference from standard (right: more reliance)", fontsize=9)
    figure.suptitle(heading, fontsize=10.5)
    return figure


def own_values(summary: Path | None, measures: Sequence[Benchmark]) -> Figure | None:
    """Draw the headline measures themselves, where only models of the user's own are there; None where none is."""
    if summary is None:
        return None
    table = read_table(summary, SUMMARY_COLUMNS, may_be_empty=True)
    grid, owned = own.split(table)
    shown = [(each.title, each.reliance[0]) for each in measures if not of(owned, each.reliance[0]).empty]
    if not grid.empty or not shown:
        return None
    owned = owned[owned["benchmark"].isin([metric.benchmark for _, metric in shown])]
    named = forest.labels(owned)
    figure = Figure(figsize=forest.size(named, len(shown)))
    forest.draw_lines(figure, named, [forest.Panel(_heading(*each), of(owned, each[1])) for each in shown])
    models = f"{len(named)} model{'s' * (len(named) != 1)} of your own"
    figure.suptitle(f"Reliance on backgrounds of {models}", fontsize=10.5)
    return figure


def _heading(name: str, metric: Metric, *, turned: bool = False) -> str:
    """Return the heading of a panel: benchmark and measure, and which way is more reliance unless signs are turned."""
    sign = (" (sign turned)" if turned else " (low: more reliance)") * (metric.sign < 0)
    return f"{name}\n{wrapped((metric.label or metric.name) + sign, 26)}"


def grid_size(grid: pd.DataFrame, columns: int, labels: dict[str, str]) -> tuple[float, float]:
    """Return the width and height of the grid's panels, with a row below for the ``labels`` if any, in inches."""
    rows = grid["norm"].nunique() + bool(labels)
    return max(0.6 + 2.05 * columns, 7), 0.9 + 2.05 * rows + own.label_height(labels)


def draw_grid(
    figure: FigureBase,
    grid: pd.DataFrame,
    owned: pd.DataFrame,
    columns: Sequence[tuple[str, Metric]],
    labels: dict[str, str],
) -> None:
    """Draw a row of panels per norm into a figure or a part of one, and one for the ``labels`` of own models if any."""
    architectures = list(dict.fromkeys(grid["architecture"]))
    norms = list(dict.fromkeys(grid["norm"]))
    # One label below a row, in its middle, unless it has two columns.
    labelled = slice(None) if len(columns) == 2 else slice(len(columns) // 2, len(columns) // 2 + 1)
    panels = figure.subplots(len(norms) + bool(labels), len(columns), sharex="row", sharey="col", squeeze=False)
    for row, norm in zip(panels, norms, strict=False):
        for axes, (_, metric) in zip(row, columns, strict=True):
            budget_panel(axes, of(grid[grid["norm"] == norm], metric), norm, architectures, None)
        for axes in row[labelled]:
            axes.set_xlabel(BUDGET_LABELS[norm])
    if labels:
        for axes, (_, metric) in zip(panels[-1], columns, strict=True):
            own.panel(axes, of(owned, metric), labels)
        for axes in panels[-1][labelled]:
            axes.set_xlabel("models of your own")
    for row in panels:
        row[0].set_ylabel("difference from standard\n(up: more reliance)")
        for axes in row:
            axes.axhline(0, color="#333333", linewidth=0.9)
    for axes, (name, metric) in zip(panels[0], columns, strict=True):
        axes.set_title(_heading(name, metric, turned=True))
    handles = panels[0][0].get_legend_handles_labels()[0]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def of(table: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the rows of a metric."""
    rows: pd.DataFrame = table[(table["benchmark"] == metric.benchmark) & (table["metric"] == metric.name)]
    return rows


def nothing(summary: Path | None, measures: Sequence[Benchmark]) -> str:
    """Say why there is no difference from standard training to show; ``summary`` is the table of what was measured."""
    if summary is None:
        return "no adversarially trained model was measured beside a standard counterpart"
    table = read_table(summary, SUMMARY_COLUMNS, may_be_empty=True)
    robust = table[~marked(table)]
    if robust.empty:
        return "there is no adversarially trained model in the study"
    if not robust["benchmark"].isin([benchmark.name for benchmark in measures]).any():
        return "no adversarially trained model went through a benchmark that measures reliance on backgrounds"
    models = ", ".join(dict.fromkeys(robust["model"]))
    return f"no adversarially trained model has a standard counterpart; claims.csv says what is missing for {models}"


def over_images(table: pd.DataFrame, columns: Sequence[tuple[str, Metric]]) -> str:
    """Say in a line of which benchmarks the intervals say nothing of other trainings; empty where of none."""
    alone = [name for name, metric in columns if (of(table, metric)["interval_over"] == "images").any()]
    whose = "" if len(alone) == len(columns) else f" of {', '.join(alone)}"
    return f"\n(intervals{whose}: over images alone, each model was trained once)" if alone else ""


def title(models: int, own_models: int, absent: Sequence[str], *, narrow: bool) -> str:
    """Return what is shown, and which benchmarks are not."""
    shown = [f"{models} adversarially trained model{'s' * (models != 1)}"] if models else []
    shown += [f"{own_models} of your own" if models else f"{own_models} model{'s' * (own_models != 1)} of your own"]
    if not own_models:
        shown = shown[:1]
    separator = "\n" if narrow else " "
    text = f"Reliance on backgrounds of {' and '.join(shown)},{separator}relative to standard training"
    return text + (f"\n(not measured: {', '.join(absent)})" if absent else "")
