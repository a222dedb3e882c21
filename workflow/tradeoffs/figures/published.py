"""What was measured against what others published: ours over theirs, and the difference of each with its tolerance."""

from pathlib import Path
from typing import Annotated

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tradeoffs.figures.settings import Settings
from tradeoffs.results.metrics import benchmarks_of
from tradeoffs.results.published import COLUMNS
from tradeoffs.results.reading import read_table

# within_tolerance -> marker, colour, face, words; told apart by shape as well as by colour.
MARKS = {
    "yes": ("o", "#0072b2", "#0072b2", "within tolerance"),
    "no": ("s", "#d55e00", "white", "outside tolerance"),
    "": ("D", "#888888", "white", "other protocol or fewer images"),
}
BAND = "#dddddd"


def draw(settings: Settings, *, published: Annotated[Path, "published.csv"]) -> Figure:
    """Draw ours over theirs at the left; at the right a line per number, with its name."""
    titles = {benchmark.name: benchmark.title for benchmark in benchmarks_of(settings.benchmarks)}
    table = read_table(published, COLUMNS, may_be_empty=True).fillna({"within_tolerance": "", "remark": ""})
    if table.empty:
        figure = Figure(figsize=(7, 0.9))
        figure.suptitle("Published numbers\n\nnone is about a model of this study", fontsize=10.5)
        return figure
    lines = len(table) + 1.3 * table["benchmark"].nunique()
    figure = Figure(figsize=(11, max(5.2, 1.2 + 0.19 * lines)))
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    measured = table[table["value"].notna()]
    scatter(left, measured)
    differences(right, table, titles)
    shown = [mark for mark in MARKS if (measured["within_tolerance"] == mark).any()]
    handles: list[Line2D | Patch] = [
        Line2D([], [], marker=marker, color=colour, markerfacecolor=face, linestyle="none", label=words)
        for marker, colour, face, words in (MARKS[mark] for mark in shown)
    ]
    handles.append(Patch(color=BAND, label="tolerance"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    figure.suptitle(f"{len(measured)} of {len(table)} published numbers, and ours", fontsize=10.5)
    return figure


def scatter(axes: Axes, table: pd.DataFrame) -> None:
    """Draw ours over theirs: the identity line, tolerances along it, intervals over images."""
    axes.plot([0, 1], [0, 1], color="#333333", linewidth=0.9, zorder=1)
    for _, row in table.iterrows():
        marker, colour, face, _ = MARKS[row["within_tolerance"]]
        if pd.notna(row["tolerance"]):
            near = row["published"] - row["tolerance"], row["published"] + row["tolerance"]
            axes.vlines(row["published"], *near, color=BAND, linewidth=5, zorder=0)
        axes.vlines(row["published"], row["ci_low"], row["ci_high"], color=colour, linewidth=1, zorder=2)
        axes.plot(row["published"], row["value"], marker=marker, color=colour, markerfacecolor=face, zorder=3)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal", anchor="N")
    axes.set_xlabel("published (fraction)")
    axes.set_ylabel("measured here (fraction)\nline: equal; bars: 95 % intervals over images")


def differences(axes: Axes, table: pd.DataFrame, titles: dict[str, str]) -> None:
    """Draw a line per published number, by benchmark: ours minus theirs, its interval and its tolerance."""
    ticks: dict[float, str] = {}
    y = 0.0
    for benchmark, rows in table.groupby("benchmark", sort=False):
        y += 1.3
        place = axes.get_yaxis_transform()
        axes.text(
            0.01,
            y + 0.1,
            titles.get(str(benchmark), str(benchmark)),
            transform=place,
            weight="bold",
            fontsize=8,
            va="center",
        )
        for _, row in rows.iterrows():
            y += 1
            ticks[y] = row["model"] if row["metric"] == "accuracy" else f"{row['model']}, {row['metric']}"
            difference(axes, y, row)
    axes.axvline(0, color="#333333", linewidth=0.9, zorder=1)
    axes.set_ylim(y + 0.7, 0.6)
    axes.set_yticks(list(ticks), list(ticks.values()), fontsize=7)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("measured here - published")


def difference(axes: Axes, y: float, row: pd.Series) -> None:
    """Draw the line of one number at height ``y``; where it was not measured, say so."""
    if pd.isna(row["value"]):
        axes.text(0, y, " not measured", fontsize=7, va="center", color="#555555")
        return
    marker, colour, face, _ = MARKS[row["within_tolerance"]]
    if pd.notna(row["tolerance"]):
        axes.barh(y, 2 * row["tolerance"], left=-row["tolerance"], height=0.8, color=BAND, zorder=0)
    axes.hlines(y, row["ci_low"] - row["published"], row["ci_high"] - row["published"], color=colour, linewidth=1)
    axes.plot(row["difference"], y, marker=marker, color=colour, markerfacecolor=face)
