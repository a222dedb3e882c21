"""Contact sheet of Salient ImageNet."""

from pathlib import Path
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from tradeoffs.data import salient_imagenet as salient_imagenet_data
from tradeoffs.figures.contact_sheets import COLUMNS, Row, sheet, shown, shown_mask


def draw(*, salient_imagenet: Annotated[Path, "folder of Salient ImageNet"]) -> Figure:
    """Images with the union of their core masks and that of their spurious masks, where possible with both."""
    index = salient_imagenet_data.read(
        salient_imagenet,
        salient_imagenet / "train",
        salient_imagenet / "mturk_results" / "discover_spurious_features.csv",
    )
    pairs = zip(index.core_masks, index.spurious_masks, strict=True)
    both = np.array([bool(core and spurious) for core, spurious in pairs])
    chosen = []
    for label in np.unique(index.labels)[:COLUMNS]:
        of_class = index.labels == label
        chosen.append(int(np.argmax(of_class & both)) if (of_class & both).any() else int(np.argmax(of_class)))
    rows: list[Row] = [
        ("image", [shown(index.paths[i]) for i in chosen]),
        ("core mask", [shown_mask(index.core_masks[i]) for i in chosen]),
        ("spurious mask", [shown_mask(index.spurious_masks[i]) for i in chosen]),
    ]
    return sheet("Salient ImageNet (no picture: no such mask)", rows, [f"class {index.labels[i]}" for i in chosen])
