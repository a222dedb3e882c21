"""Change of reliance over scale and correlation, where the response causes both features."""

from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tradeoffs.figures.theory_drawing import column, norm_label, select, values
from tradeoffs.results.theory_tables import read_table


def draw(*, anticausal_phase: Annotated[Path, "anticausal_phase.csv of the theory"]) -> Figure:
    """Share less that of least squares: one column per norm, one row per budget; the exact turning scale drawn."""
    table = read_table(anticausal_phase)
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
            change = np.array(column(rows, "reliance")) - np.array(column(rows, "standard_reliance"))
            grid = change.reshape(len(scales), len(rhos)).T
            mesh = axes[i, j].pcolormesh(scales, rhos, grid, vmin=-1, vmax=1, cmap="PuOr_r", rasterized=True)
            axes[i, j].grid(visible=False)
            turn = {row["correlation"]: row["threshold"] for row in rows}
            axes[i, j].plot([turn[rho] for rho in rhos], rhos, color="black", linewidth=1.6)
            axes[i, j].set_xlim(min(scales), max(scales))
            axes[i, j].set_ylim(min(rhos), max(rhos))
            if i == 0:
                axes[i, j].set_title(f"attack norm {norm_label(p)}")
            if j == 0:
                axes[i, j].set_ylabel(f"$\\epsilon$ = {fraction:g} of collapse\ncorrelation $r$")
            if i == shape[0] - 1:
                axes[i, j].set_xlabel("scale $a$ of the spurious feature")
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8)
    bar.set_label("share carried by the spurious feature, less that after standard training")
    return figure
