"""One look for all figures: legible in greyscale and to colour-blind readers, and the same file for the same input."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

# Figures go to files. What a notebook sets for all it starts ends the first import of matplotlib where the notebook's
# own modules are not installed, so this module comes before any.
os.environ["MPLBACKEND"] = "Agg"

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase

from tradeoffs.step.files import write_atomically

NORM_LABELS = {"none": "standard", "l1": "$\\ell_1$", "l2": "$\\ell_2$", "linf": "$\\ell_\\infty$"}
NORM_UNITS = {"linf": "1/255", "l2": "pixel units", "l1": "pixel units"}  # of a budget

# Colours of Okabe and Ito (2008), chosen to differ in lightness too; line and marker say the same as the colour.
ARCHITECTURE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#000000")
ARCHITECTURE_LINES = ("-", "--", "-.", ":")
ARCHITECTURE_MARKERS = ("o", "s", "^", "D")


class LineStyle(NamedTuple):
    """How one norm is drawn where norms share axes."""

    colour: str
    line: str
    marker: str


NORM_STYLES = {
    "l1": LineStyle("#009e73", "-.", "^"),
    "l2": LineStyle("#d55e00", "--", "s"),
    "linf": LineStyle("#0072b2", "-", "o"),
    "none": LineStyle("#000000", ":", "D"),
}


def legend_below(
    figure: FigureBase, handles: Sequence[Artist], labels: Sequence[str] | None = None, **how: Any
) -> None:
    """Put a legend below a figure, or a part of one, in as many columns as it is wide enough for."""
    part: Any = figure
    whole = part if isinstance(part, Figure) else part.figure
    renderer: Any = FigureCanvasAgg(whole).get_renderer()  # type: ignore[no-untyped-call]
    said = {"handles": handles} | ({} if labels is None else {"labels": labels}) | how
    for columns in range(len(handles), 0, -1):
        legend = part.legend(**said, loc="outside lower center", ncols=columns)
        if columns == 1 or legend.get_window_extent(renderer).width <= part.bbox.width:
            return
        legend.remove()


def use_style() -> None:
    """Set matplotlib's defaults for this project. Call once at the start of a figure command."""
    plt.rcdefaults()
    plt.rcParams.update(
        {
            "figure.constrained_layout.use": True,
            "figure.dpi": 100,
            "savefig.dpi": 160,
            "savefig.facecolor": "white",
            "font.size": 10,
            "axes.titlesize": 10,
            "axes.labelsize": 10,
            "legend.fontsize": 9,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#e0e0e0",
            "grid.linewidth": 0.6,
            "lines.linewidth": 1.8,
            "lines.markersize": 5,
            "svg.hashsalt": "tradeoffs",
            "svg.fonttype": "path",
        }
    )


def save(figure: Figure, path: Path) -> None:
    """Write ``path``.svg and ``path``.png, without dates in the files, and close the figure."""
    for suffix, metadata in ((".svg", {"Date": None, "Creator": None}), (".png", {"Software": None})):

        def write(temporary: Path, metadata: dict[str, None] = metadata) -> None:
            figure.savefig(temporary, metadata=metadata)

        write_atomically(path.with_name(path.name + suffix), write)
    plt.close(figure)
