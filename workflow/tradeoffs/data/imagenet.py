"""Read ImageNet's layout: ``<split>/<wnid>/*.JPEG``, the class index being the place of the wnid in sorted order.

The published validation archive is flat; as everywhere it is expected sorted into one folder a class.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.listing import class_folders


class ImageNet(NamedTuple):
    """``paths`` [n], ``labels`` int64 [n] and ``wnids`` [classes]."""

    paths: list[Path]
    labels: NDArray[np.int64]
    wnids: list[str]


def read(root: Path, split: str) -> ImageNet:
    """Index a split (train, val; the miniature has val_decorrelated too); InputError for a missing or empty folder."""
    return ImageNet(*class_folders(root / split))
