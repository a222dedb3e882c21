"""The figure that confronts theory with simulation."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tradeoffs.figures.theory_drawing import (
    BUDGET_AXIS,
    DASHES,
    MARKERS,
    Rows,
    column,
    norm_label,
    norm_style,
    select,
    values,
)
from tradeoffs.results.theory_tables import read_table

# Of the upper panels; the colours of the lower ones are norms.
GREYS, PGD_COLOUR = ("0.6", "0.4", "0.0"), "#cc79a7"


class Settings(NamedTuple):
    """Settings of the figure."""

    scale: float  # of the spurious feature in the simulations


def draw(
    settings: Settings,
    *,
    curves: Annotated[Path, "curves.csv of the theory"],
    simulation: Annotated[Path, "simulation.csv of the theory"],
    pgd_simulation: Annotated[Path, "pgd_simulation.csv of the theory"],
) -> Figure:
    """Draw theory against simulation."""
    exact = select(read_table(curves), scale=settings.scale)
    return simulation_figure(read_table(simulation), read_table(pgd_simulation), exact)


def simulation_figure(simulation: Rows, trained: Rows, curves: Rows) -> Figure:
    """Top: simulated weights on the exact curves. Bottom: deviation against the 95 % band, and error against n."""
    norms, samples = values(simulation, "p"), values(simulation, "samples")
    figure = plt.figure(figsize=(10.5, 7.2))
    grid = figure.add_gridspec(2, 6)
    shared: Axes | None = None
    for position, p in enumerate(norms):
        axes = figure.add_subplot(grid[0, 2 * position : 2 * position + 2], sharey=shared)
        _weights_panel(axes, simulation, trained, curves, p)
        if shared is None:
            shared = axes
            axes.set_ylabel("weight (two features)")
            axes.legend(fontsize=7.5, loc="upper right")
        axes.set_title(f"attack norm {norm_label(p)}")
    _deviations_panel(figure.add_subplot(grid[1, :3]), simulation, trained)
    right = figure.add_subplot(grid[1, 3:])
    features = values(simulation, "features")[: len(DASHES)]
    for line, number in zip(DASHES, features, strict=False):
        for p in norms:
            style = norm_style(p)
            points = [select(simulation, p=p, features=number, samples=n) for n in samples]
            errors = [np.sqrt(np.mean(np.square(column(rows, "rms_error")))) for rows in points]
            marks: dict[str, Any] = {"color": style.colour, "marker": style.marker, "linestyle": line}
            right.plot(samples, errors, **marks, label=f"{norm_label(p)}, {number:g} features")
    guide = np.array([min(samples), max(samples)])
    right.plot(guide, 0.3 / np.sqrt(guide), color="black", linewidth=1, label="slope of $1/\\sqrt{n}$")
    right.set(xscale="log", yscale="log", xlabel="sample size $n$", ylabel="rms error of a weight, one data set")
    right.legend(fontsize=7.5, handlelength=3.2)
    return figure


def _weights_panel(axes: Axes, simulation: Rows, trained: Rows, curves: Rows, p: float) -> None:
    """Exact curves of both weights and, on them, the means over data sets with pointwise 95 % intervals."""
    samples = values(simulation, "samples")
    for quantity, line in (("core_weight", "-"), ("spurious_weight", "--")):
        exact = select(curves, p=p)
        name = f"exact, {quantity.removesuffix('_weight')}"
        axes.plot(column(exact, "epsilon"), column(exact, quantity), color="black", linestyle=line, label=name)
        series = [
            (select(simulation, features=2, samples=n), f"worst case, n = {n:g}", GREYS[k % 3])
            for k, n in enumerate(samples)
        ]
        series.append((trained, f"PGD, n = {trained[0]['samples']:g}", PGD_COLOUR))
        for k, (rows, text, colour) in enumerate(series):
            chosen = select(rows, p=p, quantity=quantity)
            mean = np.array(column(chosen, "mean"))
            low, high = np.array(column(chosen, "ci_low")), np.array(column(chosen, "ci_high"))
            x = np.array(column(chosen, "epsilon")) + 0.012 * (k - (len(series) - 1) / 2)
            marks: dict[str, Any] = {"color": colour, "marker": MARKERS[k % 4], "markerfacecolor": "white"}
            marks |= {"linestyle": "none", "elinewidth": 1.2, "capsize": 2}
            label = text if quantity == "core_weight" else None
            axes.errorbar(x, mean, yerr=[mean - low, high - mean], **marks, label=label)
    axes.set_xlim(0, 1.6 * max(column(simulation, "epsilon")))
    axes.set_xlabel(BUDGET_AXIS)


def _deviations_panel(axes: Axes, simulation: Rows, trained: Rows) -> None:
    """Deviation of each mean from its exact value, in units of the half-width of its simultaneous 95 % band."""
    last = select(simulation, samples=max(column(simulation, "samples")))
    position, farthest = 0, 2.0
    for rows, text, filled in ((last, "worst case", True), (trained, "PGD", False)):
        for p in values(rows, "p"):
            style = norm_style(p)
            chosen = [row for row in select(rows, p=p) if row["band_high"] > row["band_low"]]
            units = [2 * (row["mean"] - row["exact"]) / (row["band_high"] - row["band_low"]) for row in chosen]
            marks: dict[str, Any] = {"color": style.colour, "marker": style.marker, "linestyle": "none"}
            face = style.colour if filled else "white"
            label = f"{norm_label(p)}, {text}, n = {rows[0]['samples']:g}"
            axes.plot(range(position, position + len(units)), units, **marks, markerfacecolor=face, label=label)
            position += len(units)
            farthest = max([farthest, *(1.1 * abs(unit) for unit in units)])
    for edge in (-1, 1):
        axes.axhline(edge, color="black", linestyle="--", linewidth=1)
    axes.axhline(0, color="black", linewidth=1)
    axes.set_ylim(-farthest, 1.3 * farthest)  # the legend is above
    axes.set_xticks([])
    axes.set_xlabel("budgets, dimensions, core and spurious weights")
    axes.set_ylabel("deviation / half-width of 95 % band")
    axes.legend(fontsize=7.5, ncols=2, loc="upper center")
