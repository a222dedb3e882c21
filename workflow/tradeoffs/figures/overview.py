"""All adversarially trained models over the benchmarks, each against its standard model.

Models of the user's own, where a standard model of their architecture is there, have a row at the bottom.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
from matplotlib.figure import Figure

from tradeoffs.figures import own
from tradeoffs.figures.curves import BUDGET_LABELS, budget_panel
from tradeoffs.figures.drawing import note, wrapped
from tradeoffs.figures.settings import Settings
from tradeoffs.results.metrics import Benchmark, Metric, benchmarks_of
from tradeoffs.results.reading import read_table
from tradeoffs.results.table import SUMMARY_COLUMNS


def draw(
    settings: Settings,
    *,
    differences: Annotated[Path, "differences.csv of the claims step"],
    summary: Annotated[Path | None, "summary.csv, to say why none is shown"] = None,
) -> Figure:
    """Draw a column per benchmark; a row per norm, and one for the user's own models. Above 0: more reliance."""
    measures = [benchmark for benchmark in benchmarks_of(settings.benchmarks) if benchmark.reliance]
    table = read_table(differences, SUMMARY_COLUMNS, may_be_empty=True)
    measured = set(zip(table["benchmark"], table["metric"], strict=True))
    headlines = [(benchmark.title, benchmark.reliance[0]) for benchmark in measures]
    columns = [(name, metric) for name, metric in headlines if (metric.benchmark, metric.name) in measured]
    if not columns:
        return note("Reliance on backgrounds", nothing(summary, measures))
    grid, owned = own.split(table)
    architectures = list(dict.fromkeys(grid["architecture"]))
    norms = list(dict.fromkeys(grid["norm"]))
    labels = own.names(owned)
    # One label below a row, in its middle, unless it has two columns.
    labelled = slice(None) if len(columns) == 2 else slice(len(columns) // 2, len(columns) // 2 + 1)
    rows_shown = len(norms) + bool(labels)
    figure = Figure(figsize=(max(0.6 + 2.05 * len(columns), 7), 0.9 + 2.05 * rows_shown + own.label_height(labels)))
    panels = figure.subplots(rows_shown, len(columns), sharex="row", sharey="col", squeeze=False)
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
        axes.set_title(f"{name}\n{wrapped((metric.label or metric.name) + ' (sign turned)' * (metric.sign < 0), 26)}")
    if architectures:
        handles = panels[0][0].get_legend_handles_labels()[0]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    absent = [name for name, metric in headlines if (name, metric) not in columns]
    figure.suptitle(title(grid["model"].nunique(), len(labels), absent, narrow=len(columns) < 4), fontsize=10.5)
    return figure


def of(table: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the rows of a metric."""
    rows: pd.DataFrame = table[(table["benchmark"] == metric.benchmark) & (table["metric"] == metric.name)]
    return rows


def nothing(summary: Path | None, measures: Sequence[Benchmark]) -> str:
    """Say why there is no difference from standard training to show; ``summary`` is the table of what was measured."""
    if summary is None:
        return "no adversarially trained model was measured beside a standard counterpart"
    table = read_table(summary, SUMMARY_COLUMNS, may_be_empty=True)
    robust = table[table["norm"] != "none"]
    if robust.empty:
        return "there is no adversarially trained model in the study"
    if not robust["benchmark"].isin([benchmark.name for benchmark in measures]).any():
        return "no adversarially trained model went through a benchmark that measures reliance on backgrounds"
    models = ", ".join(dict.fromkeys(robust["model"]))
    return f"no adversarially trained model has a standard counterpart; claims.csv says what is missing for {models}"


def title(models: int, own_models: int, absent: Sequence[str], *, narrow: bool) -> str:
    """Return what is shown, and which benchmarks are not."""
    shown = f"{models} adversarially trained model{'s' * (models != 1)}"
    beside = f" and {own_models} of your own" if own_models else ""
    separator = "\n" if narrow else " "
    text = f"Reliance on backgrounds of {shown}{beside},{separator}relative to standard training"
    return text + (f"\n(not measured: {', '.join(absent)})" if absent else "")
