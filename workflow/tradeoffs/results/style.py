"""One look for all figures: legible in greyscale and to colour-blind readers, and the same file for the same input."""

from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from tradeoffs.files import write_atomically


class LineStyle(NamedTuple):
    """How one norm is drawn everywhere; line and marker say the same as the colour."""

    color: str
    line: str
    marker: str
    label: str

    def line_kwargs(self) -> dict[str, Any]:
        """Return keyword arguments for ``Axes.plot``."""
        return {"color": self.color, "linestyle": self.line, "marker": self.marker, "label": self.label}


# Colours of Okabe and Ito (2008), chosen to differ in lightness too. "none" is standard training.
NORM_STYLES: dict[str, LineStyle] = {
    "l1": LineStyle("#009e73", "-.", "^", r"$\ell_1$"),
    "l2": LineStyle("#d55e00", "--", "s", r"$\ell_2$"),
    "linf": LineStyle("#0072b2", "-", "o", r"$\ell_\infty$"),
    "none": LineStyle("#000000", ":", "D", "standard"),
}


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


def save_figure(figure: Figure, *paths: Path) -> None:
    """Write ``figure`` to each path (.svg or .png by suffix), without dates in the file, and close it."""
    for path in paths:
        metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}

        def write(temporary: Path, metadata: dict[str, None] = metadata) -> None:
            figure.savefig(temporary, metadata=metadata)

        write_atomically(path, write)
    plt.close(figure)
