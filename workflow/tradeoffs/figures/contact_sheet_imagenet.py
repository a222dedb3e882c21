"""Contact sheet of ImageNet."""

from pathlib import Path
from typing import Annotated

from matplotlib.figure import Figure

from tradeoffs.data import imagenet as imagenet_data
from tradeoffs.figures.contact_sheets import COLUMNS, Row, firsts, sheet, shown


def draw(*, imagenet: Annotated[Path, "folder of ImageNet"]) -> Figure:
    """Training and validation images, one class per column."""
    rows: list[Row] = []
    for split in [name for name in ("train", "val", "val_decorrelated", "val_reversed") if (imagenet / name).is_dir()]:
        index = imagenet_data.read(imagenet, split)
        classes = range(min(COLUMNS, len(index.wnids)))
        for copy in range(3 if split == "train" else 2):
            label = split.replace("_", "\n") if copy == 0 else ""
            rows.append((label, [shown(index.paths[i]) for i in firsts(index.labels, classes, copy)]))
    return sheet("ImageNet: one class per column", rows, [f"class {c}" for c in classes])
