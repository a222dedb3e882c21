"""Contact sheet of ImageNet-9."""

from pathlib import Path
from typing import Annotated

from matplotlib.figure import Figure

from tradeoffs.data import imagenet9 as imagenet9_data
from tradeoffs.figures.contact_sheets import COLUMNS, Row, sheet, shown, shown_mask


def draw(*, imagenet9: Annotated[Path, "folder of ImageNet-9"]) -> Figure:
    """The same foregrounds in all variants, and their masks."""
    index = imagenet9_data.foregrounds(imagenet9)
    step = max(1, len(index.paths) // COLUMNS)
    chosen = list(range(0, len(index.paths), step))[:COLUMNS]
    rows: list[Row] = []
    for variant in imagenet9_data.VARIANTS:
        paths = imagenet9_data.read(imagenet9, variant).paths
        rows.append((variant, [shown(paths[i]) for i in chosen]))
    rows.append(("foreground mask", [shown_mask([index.masks[i]]) for i in chosen]))
    return sheet("ImageNet-9: variants of the same foregrounds", rows)
