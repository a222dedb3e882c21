"""Exact weights of the linear model against the budget."""

from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tradeoffs.figures.style import legend_below
from tradeoffs.figures.theory_drawing import BUDGET_AXIS, DASHES, column, norm_label, select, values
from tradeoffs.results.theory_tables import read_table


def draw(*, curves: Annotated[Path, "curves.csv of the theory"]) -> Figure:
    """Core (top) and spurious weight (bottom) against the budget; one column per norm, one line per scale."""
    table = read_table(curves)
    norms, scales = values(table, "p"), values(table, "scale")
    figure, axes = plt.subplots(
        2, len(norms), figsize=(3.3 * len(norms), 5.4), sharex=True, sharey="row", squeeze=False
    )
    shades = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(scales)))
    for j, p in enumerate(norms):
        for i, scale in enumerate(scales):
            rows = select(table, p=p, scale=scale)
            for axis, weight in zip(axes[:, j], ("core_weight", "spurious_weight"), strict=True):
                style: dict[str, Any] = {"color": shades[i], "linestyle": DASHES[i % len(DASHES)]}
                axis.plot(column(rows, "epsilon"), column(rows, weight), **style, label=f"{scale:g}")
        axes[0, j].set_title(f"attack norm {norm_label(p)}")
        axes[1, j].set_xlabel(BUDGET_AXIS)
    axes[0, 0].set_ylabel("weight on the core feature")
    axes[1, 0].set_ylabel("weight on the spurious feature")
    rho = table[0]["correlation"]
    handles, labels = axes[0, 0].get_legend_handles_labels()
    title = f"scale $a$ of the spurious feature (core: 1; correlation $\\rho$ = {rho:g})"
    legend_below(figure, handles, labels, title=title, handlelength=3.2)
    return figure
