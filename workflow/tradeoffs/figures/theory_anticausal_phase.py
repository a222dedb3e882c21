"""Change of reliance over scale and correlation, where the response causes both features."""

from pathlib import Path
from typing import Annotated

from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from tradeoffs.figures.theory_drawing import Rows, values
from tradeoffs.figures.theory_maps import draw_maps, over_the_grid
from tradeoffs.results.theory_tables import read_table


def draw(*, anticausal_phase: Annotated[Path, "anticausal_phase.csv of the theory"]) -> Figure:
    """Share less that of least squares: one column per norm, one row per budget; the exact turning scale drawn."""
    bar = "share carried by the spurious feature, less that after standard training"
    return draw_maps(read_table(anticausal_phase), _panel, correlation="r", bar=bar)


def _panel(axes: Axes, rows: Rows, _: float) -> QuadMesh:
    scales, rhos = values(rows, "scale"), values(rows, "correlation")
    change = over_the_grid(rows, "reliance") - over_the_grid(rows, "standard_reliance")
    mesh = axes.pcolormesh(scales, rhos, change, vmin=-1, vmax=1, cmap="PuOr_r", rasterized=True)
    turn = {row["correlation"]: row["threshold"] for row in rows}
    axes.plot([turn[rho] for rho in rhos], rhos, color="black", linewidth=1.6)
    axes.set_xlim(min(scales), max(scales))
    axes.set_ylim(min(rhos), max(rhos))
    return mesh
