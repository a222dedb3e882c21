"""Reliance against clean accuracy: adversarially trained models beside the lines through the standard ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tradeoffs.figures.benchmark import WORDS
from tradeoffs.figures.drawing import NUMBERS, averaged, note, over_replicates, wrapped
from tradeoffs.figures.settings import Settings
from tradeoffs.figures.style import ARCHITECTURE_LINES, ARCHITECTURE_MARKERS, NORM_LABELS, NORM_STYLES
from tradeoffs.results.beyond_accuracy import CLEAN_ACCURACY, groups
from tradeoffs.results.evaluations import Array
from tradeoffs.results.metrics import Metric, benchmarks_of
from tradeoffs.results.reading import read_table
from tradeoffs.results.standard import marked
from tradeoffs.results.standard_line import logit, residuals
from tradeoffs.results.table import SUMMARY_COLUMNS, SWEEP_COLUMNS

TITLE = "Reliance on backgrounds against clean accuracy"
COLUMNS = 3
OTHER = "other architectures"
FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
SMALLEST, LARGEST, STANDARD_SIZE = 3.5, 9.0, 4.5  # of marks, in points
# Filled or not, so that norms differ in greyscale too.
FACES = {"linf": NORM_STYLES["linf"].colour, "l2": "white", "none": "#c4c4c4"}
OTHERWISE = "white"  # trained otherwise: norm none, and no standard model


def draw(
    settings: Settings,
    *,
    summary: Annotated[Path, "summary.csv"],
    sweeps: Annotated[Path, "sweeps.csv of the summary step, for the controls"],
) -> Figure:
    """Draw a panel for the headline measure of each benchmark that a model was measured in, beside its accuracy."""
    table = read_table(summary, SUMMARY_COLUMNS)
    beside = read_table(sweeps, SWEEP_COLUMNS, may_be_empty=True)
    table = pd.concat([table, beside[beside["sweep"] == "control"].assign(role="control")], ignore_index=True)
    headlines = [(each.title, each.reliance[0]) for each in benchmarks_of(settings.benchmarks) if each.reliance]
    drawn = [(title, metric, rows) for title, metric in headlines if not (rows := points(table, metric)).empty]
    if not drawn:
        return note(TITLE, f"no measure of reliance and clean accuracy (benchmark {CLEAN_ACCURACY[0]}) of one model")
    main = list(dict.fromkeys(table["architecture"][table["role"] == "main"]))
    budgets = {norm: sorted(table["epsilon"][table["norm"] == norm].unique()) for norm in ("linf", "l2")}
    high = -(-len(drawn) // COLUMNS)
    wide = min(len(drawn), COLUMNS)
    figure = Figure(figsize=(max(0.4 + 3.3 * wide, 6.4), 1.5 + 2.75 * high))
    panels = figure.subplots(high, wide, squeeze=False).ravel()
    shown = pd.concat([rows for _, _, rows in drawn])
    styles = line_styles(shown)
    for axes, (title, metric, rows) in zip(panels, drawn, strict=False):
        panel(axes, rows, main, budgets, styles)
        axes.set_title(title)
        axes.set_ylabel(wrapped(metric.label or metric.name, 26) + WORDS[metric.direction], fontsize=8.5)
        axes.set_xlabel("clean accuracy (logit scale)", fontsize=8.5)
    for axes in panels[len(drawn) :]:
        axes.set_visible(False)
    columns = max(wide, 2)
    figure.legend(handles=handles(shown, main, budgets, styles), loc="outside lower center", ncols=columns, fontsize=8)
    figure.suptitle(f"{TITLE}{averaged(shown)}", fontsize=10.5)
    return figure


def points(table: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the models with a measure and a clean accuracy: value and interval of it, and of the accuracy's logit x.

    ``world``: models of one are judged by the same lines, as in :mod:`tradeoffs.results.beyond_accuracy`; ``line``:
    what that of its ``group`` gives at a model's accuracy, NaN where there is none; ``group``: the architecture whose
    standard models it goes through, or ``OTHER``.
    """

    def of(benchmark: str, name: str) -> pd.DataFrame:
        rows = table[(table["benchmark"] == benchmark) & (table["metric"] == name)]
        found: pd.DataFrame = rows.drop_duplicates("model").set_index("model")
        return found

    found, accuracy = of(metric.benchmark, metric.name), of(*CLEAN_ACCURACY)
    found = found[found.index.isin(accuracy.index)].copy()
    accuracy = accuracy.loc[found.index]
    for column, name in {"value": "x", "ci_low": "x_low", "ci_high": "x_high"}.items():
        found[name] = logit(accuracy[column].to_numpy(float), int(accuracy["n"].min())) if len(found) else []
    found["accuracy"] = accuracy["value"]
    found["world"] = found["replicate"].where(found["study"] == "miniature", 1)  # drawn anew in each replicate
    found["group"], found["line"] = "", np.nan
    for _, own in found.groupby("world"):
        lined = with_lines(own)
        found.loc[lined.index, ["group", "line"]] = lined
    result: pd.DataFrame = found.reset_index()
    return result


def with_lines(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the group and the line of those models of a world that have one."""
    standard, accuracy = marked(rows).to_numpy(), rows["accuracy"].to_numpy(float)
    number = groups(list(rows["architecture"]), accuracy, standard)
    kept = number >= 0
    own, number = rows[kept], number[kept]
    x, y = (own[column].to_numpy(float)[:, None] for column in ("x", "value"))
    above = residuals(x, y, standard[kept], number)[:, 0] if len(own) else np.zeros(0)
    through = {each: own["architecture"][standard[kept] & (number == each)].unique() for each in set(number)}
    names = [through[each][0] if len(through[each]) == 1 else OTHER for each in number]
    return pd.DataFrame({"group": names, "line": y[:, 0] - above}, index=own.index)


def panel(
    axes: Axes, rows: pd.DataFrame, main: Sequence[str], budgets: dict[str, list[float]], styles: dict[str, str]
) -> None:
    """Draw the models of one measure, and the lines: dotted where no standard model is that good, or that bad."""
    lines(axes, rows, styles)
    is_standard = marked(rows)
    for _, row in rows[is_standard].iterrows():
        mark(axes, row, main, STANDARD_SIZE, FACES["none"], shade(rows))
    trained = rows[~is_standard]
    numbers = [*NUMBERS, "x", "x_low", "x_high"]
    # Means are over replicates: the user's own models are told apart by their ids.
    trained = trained.assign(series=trained["model"].where(trained["role"] != "main", ""))
    for (role, architecture, norm, _), own in trained.groupby(["role", "architecture", "norm", "series"], sort=False):
        means = over_replicates(own, ["epsilon"], numbers)
        if role == "main":
            style = NORM_STYLES[norm]
            axes.plot(means["x"], means["value"], color=style.colour, linestyle=style.line, linewidth=0.7, alpha=0.7)
        for _, row in means.assign(architecture=architecture, norm=norm).iterrows():
            if norm == "none":
                mark(axes, row, main, STANDARD_SIZE, OTHERWISE)
            else:
                mark(axes, row, main, size(row["epsilon"], budgets[norm]), FACES[norm])
    margin = 0.08 * max(float(np.ptp(rows["x"])), 0.1)
    low, high = rows["x"].min() - margin, rows["x"].max() + margin
    axes.set_xlim(low, high)  # of the models: near 1 their intervals reach far
    at = ticks(low, high)
    axes.set_xticks([_logit(fraction) for fraction in at], [f"{fraction:g}" for fraction in at])
    axes.minorticks_off()


def lines(axes: Axes, rows: pd.DataFrame, styles: dict[str, str]) -> None:
    """Draw the lines of each world over the range of all models, solid where it has standard models; or say why not."""
    lined = rows[rows["line"].notna()]
    if lined.empty:
        axes.text(0.03, 0.97, "no line: too few standard models", transform=axes.transAxes, va="top", fontsize=7.5)
        return
    ends = np.array([rows["x"].min(), rows["x"].max()])
    for _, own in lined.groupby("world"):
        widest = max((of for _, of in own.groupby("group")), key=lambda of: float(np.ptp(of["x"])))
        low, high = widest.loc[widest["x"].idxmin()], widest.loc[widest["x"].idxmax()]
        slope = (high["line"] - low["line"]) / (high["x"] - low["x"]) if high["x"] > low["x"] else 0.0
        for group, of in own.groupby("group"):
            for x, style, width in ((ends, ":", 0.9), (_ends(of["x"][marked(of)]), styles[group], 1.2)):
                given = of["line"].iloc[0] + slope * (x - of["x"].iloc[0])
                axes.plot(x, given, color="#555555", alpha=shade(rows), zorder=1, linestyle=style, linewidth=width)


def shade(rows: pd.DataFrame) -> float:
    """Return how opaque standard models and their lines are, which every replicate has of its own."""
    return 1.0 if rows["replicate"].nunique() <= 2 else 0.4


def line_styles(rows: pd.DataFrame) -> dict[str, str]:
    """Return the look of the line of each group, in the order of the architectures."""
    names = [name for name in dict.fromkeys(rows["group"]) if name not in ("", OTHER)]
    names += [OTHER] if OTHER in set(rows["group"]) else []
    return {name: ARCHITECTURE_LINES[place % len(ARCHITECTURE_LINES)] for place, name in enumerate(names)}


def mark(axes: Axes, row: pd.Series, main: Sequence[str], points_wide: float, face: str, opaque: float = 1.0) -> None:
    """Draw one model, filled with a colour, and with the intervals of both its numbers."""
    colour = NORM_STYLES[row["norm"]].colour
    thin: dict[str, Any] = {"color": colour, "linewidth": 0.5, "alpha": 0.45 * opaque, "zorder": 2}
    axes.vlines(row["x"], row["ci_low"], row["ci_high"], **thin)
    axes.hlines(row["value"], row["x_low"], row["x_high"], **thin)
    shape = marker(row["architecture"], main)
    look: dict[str, Any] = {"color": colour, "markerfacecolor": face, "markersize": points_wide, "markeredgewidth": 0.8}
    axes.plot(row["x"], row["value"], marker=shape, linestyle="none", zorder=3, alpha=opaque, **look)


def marker(architecture: str, main: Sequence[str]) -> str:
    """Return the shape of an architecture: each of the grid has one, all others share one."""
    others = len(ARCHITECTURE_MARKERS) - 1
    return ARCHITECTURE_MARKERS[main.index(architecture) % others if architecture in main else others]


def size(epsilon: float, budgets: Sequence[float]) -> float:
    """Return the size of a mark, in points, by the place of the budget among those of its norm."""
    place = list(budgets).index(epsilon) / max(len(budgets) - 1, 1)
    return SMALLEST + (LARGEST - SMALLEST) * place


def ticks(low: float, high: float) -> list[float]:
    """Return the fractions to label between two logits, an eighth of the way apart or more.

    Where models are so near each other that fewer than three round ones fall between them, finer ones.
    """
    kept = _apart(FRACTIONS, low, high)
    if len(kept) >= 3:
        return kept
    ends = [float(1 / (1 + np.exp(-place))) for place in (low, high)]
    return _apart([float(tick) for tick in MaxNLocator(5, min_n_ticks=3).tick_values(*ends)], low, high)


def _apart(fractions: Sequence[float], low: float, high: float) -> list[float]:
    kept: list[float] = []
    for fraction in fractions:
        place = _logit(fraction)
        if low <= place <= high and (not kept or place - _logit(kept[-1]) >= (high - low) / 8):
            kept.append(fraction)
    return kept


def _logit(fraction: float) -> float:
    return float(logit(np.array(fraction), 10**6))


def handles(
    rows: pd.DataFrame, main: Sequence[str], budgets: dict[str, list[float]], styles: dict[str, str]
) -> list[Line2D]:
    """Return what the legend shows."""
    grey: dict[str, Any] = {
        "color": "black",
        "markerfacecolor": FACES["none"],
        "linestyle": "none",
        "markersize": STANDARD_SIZE,
    }
    names = [*main, *([OTHER] if not set(rows["architecture"][marked(rows)]) <= set(main) else [])]
    found = [
        Line2D([], [], marker=marker(name, main), label=f"standard, {name}" if main else "standard training", **grey)
        for name in names
    ]
    for norm in ("linf", "l2"):
        if not (own := budgets[norm]):
            continue
        look: dict[str, Any] = {
            "color": NORM_STYLES[norm].colour,
            "markerfacecolor": FACES[norm],
            "linestyle": NORM_STYLES[norm].line,
        }
        listed = f"budgets {own[0]:g} to {own[-1]:g} by size" if len(own) > 1 else f"budget {own[0]:g}"
        name = f"{NORM_LABELS[norm]} training, {listed}"
        found.append(Line2D([], [], marker="o", linewidth=0.7, markersize=LARGEST - 2, label=name, **look))
    if otherwise := sorted(set(rows["objective"][~marked(rows) & (rows["norm"] == "none")])):
        shape = marker(OTHER, main)
        found.append(Line2D([], [], marker=shape, label=", ".join(otherwise), **grey | {"markerfacecolor": OTHERWISE}))
    for group, style in styles.items():
        whose = "" if len(styles) == 1 else f", {group}"
        look = {"color": "#555555", "linestyle": style, "linewidth": 1.2}
        found.append(Line2D([], [], label=f"line of standard models{whose}", **look))
    return found


def _ends(x: pd.Series) -> Array:
    return np.array([x.min(), x.max()])
