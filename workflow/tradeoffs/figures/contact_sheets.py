"""Contact sheets: rows of images, masks and variants of a data set, as the benchmarks read them.

Examples are the first of their class or group, not chosen by hand.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tradeoffs.data import images
from tradeoffs.data.images import Geometry

Picture = NDArray[np.uint8]
Row = tuple[str, list[Picture | None]]
COLUMNS = 10
LARGEST = (128, 192)  # pixels of the shorter and of the longer side; larger images are shown smaller


def shown(path: Path) -> Picture:
    """Return an image [h, w, 3], reduced if it is large."""
    whole = images.image(path)
    reduction = reduced(whole.shape[:2])
    return whole if reduction is None else images.image(path, reduction)


def reduced(shape: Sequence[int]) -> Geometry | None:
    """Return how an image of this height and width is made smaller; None where it is small enough."""
    shorter = min(LARGEST[0], LARGEST[1] * min(shape) // max(shape))
    return Geometry(resize=max(1, shorter)) if min(shape) > shorter else None


def shown_mask(paths: Sequence[Path]) -> Picture | None:
    """Return the union of masks as a grey picture [h, w, 3]; None where there is none."""
    if not paths:
        return None
    whole = images.mask(paths)
    reduction = reduced(whole.shape)
    return grey(whole if reduction is None else images.mask(paths, reduction))


def grey(mask: NDArray[np.uint8]) -> Picture:
    """Return a mask [h, w] as a picture [h, w, 3]."""
    return np.repeat(mask[:, :, None], 3, axis=2)


def firsts(labels: NDArray[np.int64], wanted: Sequence[int], skip: int = 0) -> list[int]:
    """Return the position of an image of each wanted label: the first, after ``skip`` others."""
    found = [np.flatnonzero(labels == label) for label in wanted]
    return [int(members[min(skip, len(members) - 1)]) for members in found if len(members)]


def mosaic(rows: Sequence[Row], gap: int = 1) -> Picture:
    """Put pictures into equal cells of one white picture, each in the middle of its cell, ``gap`` pixels apart."""
    pictures = [picture for _, line in rows for picture in line if picture is not None]
    height, width = (max(picture.shape[axis] for picture in pictures) + 2 * gap for axis in (0, 1))
    whole = np.full((height * len(rows), width * max(len(line) for _, line in rows), 3), 255, dtype=np.uint8)
    for i, (_, line) in enumerate(rows):
        for j, picture in enumerate(line):
            if picture is not None:
                top = i * height + (height - picture.shape[0]) // 2
                left = j * width + (width - picture.shape[1]) // 2
                whole[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return whole


def sheet(title: str, rows: Sequence[Row], names: Sequence[str] = ()) -> Figure:
    """Draw rows of pictures with their labels; ``names`` above the columns."""
    picture = mosaic(rows)
    columns = max(len(line) for _, line in rows)
    shape = picture.shape[0] / len(rows), picture.shape[1] / columns
    figure = Figure(figsize=(max(1.6 + 0.8 * columns, 6), 0.8 + 0.8 * len(rows) * shape[0] / shape[1]))
    axes = figure.subplots()
    axes.imshow(picture, interpolation="nearest")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=8, labeltop=True, labelbottom=False)
    axes.set_yticks([(i + 0.5) * shape[0] for i in range(len(rows))], [label for label, _ in rows])
    axes.set_xticks([(j + 0.5) * shape[1] for j in range(len(names))], names)
    figure.suptitle(title, fontsize=10.5)
    return figure
