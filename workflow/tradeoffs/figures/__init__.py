"""One command per family of figures, each from the CSV tables."""

import tradeoffs.figures.style  # noqa: F401 - before matplotlib, which the commands import
