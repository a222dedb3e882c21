"""Contact sheet of RIVAL10."""

from pathlib import Path
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tradeoffs.data import images
from tradeoffs.data import rival10 as rival10_data
from tradeoffs.data.images import Geometry
from tradeoffs.figures.contact_sheets import COLUMNS, LARGEST, Picture, Row, firsts, grey, sheet

SIGMA = 60 / 255  # of the noise shown, whatever the study's levels: the second of the published ones


def noisy(picture: Picture, where: NDArray[np.float64]) -> Picture:
    """Return the picture with Gaussian noise of ``SIGMA`` where the mask [h, w, 3] in [0, 1] is 1."""
    noise = np.random.default_rng(0).normal(size=picture.shape)
    return np.round(255 * np.clip(picture / 255 + SIGMA * noise * where, 0, 1)).astype(np.uint8)


def draw(*, rival10: Annotated[Path, "folder of RIVAL10"]) -> Figure:
    """Test images, their object masks, and noise in and around the object."""
    index = rival10_data.read(rival10, "test")
    chosen = firsts(index.labels, range(min(COLUMNS, len(index.class_names))))
    # Both sides are resized, as the benchmark does, whatever the shapes of image and mask.
    side = min(LARGEST[0], *(min(images.image(index.paths[i]).shape[:2]) for i in chosen))
    square = Geometry(resize=side, square=True)
    pictures = [images.image(index.paths[i], square) for i in chosen]
    masks = [grey(images.mask([index.masks[i]], square)) for i in chosen]
    soft = [mask / 255 for mask in masks]
    rows: list[Row] = [
        ("image", list(pictures)),
        ("object mask", list(masks)),
        ("noise in the\nforeground", [noisy(p, m) for p, m in zip(pictures, soft, strict=True)]),
        ("noise in the\nbackground", [noisy(p, 1 - m) for p, m in zip(pictures, soft, strict=True)]),
    ]
    names = [index.class_names[index.labels[i]] for i in chosen]
    return sheet(f"RIVAL10, test split (noise of standard deviation {SIGMA:.2f})", rows, names)
