"""Reliance of the linear model over scale and correlation of the spurious feature."""

from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from tradeoffs.figures.theory_drawing import Rows, values
from tradeoffs.figures.theory_maps import draw_maps, over_the_grid
from tradeoffs.results.theory_tables import read_table


def draw(*, phase: Annotated[Path, "phase.csv of the theory"]) -> Figure:
    """Reliance over scale and correlation: one column per norm, one row per budget, the exact threshold drawn."""
    bar = "share of the prediction carried by the spurious feature (white: none)"
    return draw_maps(read_table(phase), _panel, correlation="\\rho", bar=bar)


def _panel(axes: Axes, rows: Rows, p: float) -> QuadMesh:
    scales, rhos = values(rows, "scale"), values(rows, "correlation")
    shown = np.ma.masked_less_equal(over_the_grid(rows, "reliance"), 1e-9)
    colours = plt.get_cmap("viridis_r").with_extremes(bad="white")
    mesh = axes.pcolormesh(scales, rhos, shown, vmin=0, vmax=1, cmap=colours, rasterized=True)
    if np.isinf(p):
        edge = np.linspace(min(scales), max(scales), 400)
        axes.plot(edge, 1 / edge, color="black", linewidth=1.6)
        axes.set_ylim(min(rhos), max(rhos))
        axes.text(0.07, 0.5, "none", transform=axes.transAxes)
    return mesh
