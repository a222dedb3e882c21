"""The spurious feature's share and weight against the budget, where the response causes both features."""

from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tradeoffs.figures.style import legend_below
from tradeoffs.figures.theory_drawing import DASHES, MARKERS, Rows, column, norm_label, select, values
from tradeoffs.results.theory_tables import read_table


def draw(
    *,
    anticausal_curves: Annotated[Path, "anticausal_curves.csv of the theory"],
    anticausal_simulation: Annotated[Path, "anticausal_simulation.csv of the theory"],
) -> Figure:
    """Share (top) and weight (bottom) of the spurious feature: one column per norm, one line per scale."""
    table, simulated = read_table(anticausal_curves), read_table(anticausal_simulation)
    norms, scales = values(table, "p"), values(table, "scale")
    figure, axes = plt.subplots(
        2, len(norms), figsize=(3.3 * len(norms), 5.6), sharex=True, sharey="row", squeeze=False
    )
    shades = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(scales)))
    for j, p in enumerate(norms):
        for i, scale in enumerate(scales):
            rows = select(table, p=p, scale=scale)
            style: dict[str, Any] = {"color": shades[i], "linestyle": DASHES[i % len(DASHES)]}
            below = [row for row in rows if row["budget_fraction"] < 1]  # at the end there is nothing to share
            axes[0, j].plot(column(below, "budget_fraction"), column(below, "reliance"), **style)
            axes[1, j].plot(
                column(rows, "budget_fraction"), column(rows, "spurious_weight"), **style, label=f"{scale:g}"
            )
            _marks(axes[1, j], select(simulated, p=p, scale=scale, quantity="spurious_weight"), shades[i])
        turning = select(table, p=p)[0]["turning_scale"]
        said = f"\nturns at $a$ = {turning:.2f}" if isinstance(turning, float) else ""
        axes[0, j].set_title(f"attack norm {norm_label(p)}{said}")
        axes[1, j].set_xlabel("budget / budget of collapse")
    axes[0, 0].set_ylim(-0.03, 1.03)
    axes[0, 0].set_ylabel("share of the spurious feature")
    axes[1, 0].set_ylabel("weight on the spurious feature")
    _legends(figure, axes[1, 0], simulated, table[0])
    return figure


def _marks(axes: Axes, rows: Rows, shade: Any) -> None:
    """Means over data sets with their intervals, sample sizes side by side."""
    samples = values(rows, "samples")
    for k, n in enumerate(samples):
        chosen = select(rows, samples=n)
        mean = np.array(column(chosen, "mean"))
        low, high = np.array(column(chosen, "ci_low")), np.array(column(chosen, "ci_high"))
        x = np.array(column(chosen, "budget_fraction")) + 0.02 * (k - (len(samples) - 1) / 2)
        marks: dict[str, Any] = {"color": shade, "marker": MARKERS[k % 4], "markerfacecolor": "white", "markersize": 4}
        axes.errorbar(x, mean, yerr=[mean - low, high - mean], **marks, linestyle="none", elinewidth=1.1, capsize=2)


def _legends(figure: Figure, axes: Axes, simulated: Rows, first: dict[str, Any]) -> None:
    handles, labels = axes.get_legend_handles_labels()
    for k, n in enumerate(values(simulated, "samples")):
        handles += axes.plot([], [], color="black", marker=MARKERS[k % 4], markerfacecolor="white", linestyle="none")
        labels.append(f"n = {n:g}")
    title = (
        f"scale $a$ of the spurious feature ($\\sigma_c$ = {first['core_noise']:g}, $r$ = {first['correlation']:g}); "
        "samples of the simulation"
    )
    legend_below(figure, handles, labels, title=title, handlelength=2.8)
