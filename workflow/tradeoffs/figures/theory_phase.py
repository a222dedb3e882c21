"""Reliance of the linear model over scale and correlation of the spurious feature."""

from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tradeoffs.figures.theory_drawing import column, norm_label, select, values
from tradeoffs.results.theory_tables import read_table


def draw(*, phase: Annotated[Path, "phase.csv of the theory"]) -> Figure:
    """Reliance over scale and correlation: one column per norm, one row per budget, the exact threshold drawn."""
    table = read_table(phase)
    norms, fractions = values(table, "p"), values(table, "budget_fraction")
    scales, rhos = values(table, "scale"), values(table, "correlation")
    shape = (len(fractions), len(norms))
    size = (2.9 * shape[1] + 1.2, 2.5 * shape[0] + 0.4)
    figure, axes = plt.subplots(*shape, figsize=size, sharex=True, sharey=True, squeeze=False)
    for i, fraction in enumerate(fractions):
        for j, p in enumerate(norms):
            rows = sorted(
                select(table, p=p, budget_fraction=fraction), key=lambda row: (row["scale"], row["correlation"])
            )
            grid = np.array(column(rows, "reliance")).reshape(len(scales), len(rhos)).T
            shown = np.ma.masked_less_equal(grid, 1e-9)
            colours = plt.get_cmap("viridis_r").with_extremes(bad="white")
            mesh = axes[i, j].pcolormesh(scales, rhos, shown, vmin=0, vmax=1, cmap=colours, rasterized=True)
            axes[i, j].grid(visible=False)
            if np.isinf(p):
                edge = np.linspace(min(scales), max(scales), 400)
                axes[i, j].plot(edge, 1 / edge, color="black", linewidth=1.6)
                axes[i, j].set_ylim(min(rhos), max(rhos))
                axes[i, j].text(0.07, 0.5, "none", transform=axes[i, j].transAxes)
            if i == 0:
                axes[i, j].set_title(f"attack norm {norm_label(p)}")
            if j == 0:
                axes[i, j].set_ylabel(f"$\\epsilon$ = {fraction:g} of collapse\ncorrelation $\\rho$")
            if i == shape[0] - 1:
                axes[i, j].set_xlabel("scale $a$ of the spurious feature")
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8)
    bar.set_label("share of the prediction carried by the spurious feature (white: none)")
    return figure
