"""Maps of the linear model over scale and correlation: what the phase diagrams of both families share."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tradeoffs.figures.theory_drawing import Rows, column, norm_label, select, values

Panel = Callable[[Axes, Rows, float], QuadMesh]


def draw_maps(table: Rows, panel: Panel, *, correlation: str, bar: str) -> Figure:
    """Draw one column per norm, one row per budget.

    ``panel(axes, rows, p)`` draws one map from its rows, ordered by scale, then correlation; ``correlation`` is the
    symbol of that axis, ``bar`` the label of the colours.
    """
    norms, fractions = values(table, "p"), values(table, "budget_fraction")
    shape = (len(fractions), len(norms))
    size = (2.9 * shape[1] + 1.2, 2.5 * shape[0] + 0.4)
    figure, axes = plt.subplots(*shape, figsize=size, sharex=True, sharey=True, squeeze=False)
    for i, fraction in enumerate(fractions):
        for j, p in enumerate(norms):
            rows = sorted(
                select(table, p=p, budget_fraction=fraction), key=lambda row: (row["scale"], row["correlation"])
            )
            mesh = panel(axes[i, j], rows, p)
            axes[i, j].grid(visible=False)
            if i == 0:
                axes[i, j].set_title(f"attack norm {norm_label(p)}")
            if j == 0:
                axes[i, j].set_ylabel(f"$\\epsilon$ = {fraction:g} of collapse\ncorrelation ${correlation}$")
            if i == shape[0] - 1:
                axes[i, j].set_xlabel("scale $a$ of the spurious feature")
    figure.colorbar(mesh, ax=axes, shrink=0.8).set_label(bar)
    return figure


def over_the_grid(rows: Rows, name: str) -> NDArray[np.float64]:
    """Return a column as [correlations, scales]."""
    return np.array(column(rows, name)).reshape(len(values(rows, "scale")), len(values(rows, "correlation"))).T
