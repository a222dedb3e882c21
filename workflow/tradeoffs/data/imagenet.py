"""Read ImageNet's layout: ``<split>/<wnid>/*.JPEG``, the class index being the place of the wnid in sorted order.

So every folder must be a wnid that is known, and for a network of all classes none may be missing. The published
validation archive is flat; as everywhere it is expected sorted into one folder a class.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.listing import class_folders
from tradeoffs.data.names import imagenet_classes


class ImageNet(NamedTuple):
    """``paths`` [n], ``labels`` int64 [n] and ``wnids`` [classes]."""

    paths: list[Path]
    labels: NDArray[np.int64]
    wnids: list[str]


def read(root: Path, split: str, classes: int | None = None) -> ImageNet:
    """Index a split for a network of ``classes``, None: any part. Beside train and val the miniature has more of val.

    InputError for a missing or empty folder, a name that is no wnid, images in no folder, and, with ``classes``, a
    class that is missing.
    """
    return ImageNet(*class_folders(imagenet_classes(root / split, classes)))
