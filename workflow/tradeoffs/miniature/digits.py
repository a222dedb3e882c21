"""The core feature: real handwritten digits, shipped with scikit-learn (1,797 of 8x8 pixels, ten classes).

The file is read directly: importing scikit-learn takes longer than everything else here.
Source of the digits: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998.
"""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.miniature.wheels import installed_file

Part = Literal["train", "test"]

_FULL_INK = 16  # the file holds ink counts 0..16


class Digits(NamedTuple):
    """Digits of one part: ``ink`` uint8 [n, 8, 8], 0 paper to 255 full ink; ``labels`` int64 [n] in 0..9."""

    ink: NDArray[np.uint8]
    labels: NDArray[np.int64]


def load(part: Part) -> Digits:
    """Return the digits of a part: within each class every third one is for testing, the others for training."""
    table = _table(installed_file("sklearn", "datasets/data/digits.csv.gz"))
    labels = table[:, -1].astype(np.int64)
    rank = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rank[labels == label] = np.arange(np.count_nonzero(labels == label))
    chosen = (rank % 3 == 2) == (part == "test")
    ink = np.rint(table[chosen, :-1] * (255 / _FULL_INK)).astype(np.uint8)
    return Digits(ink.reshape(-1, 8, 8), labels[chosen])


def enlarge(ink: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return one digit's ink, uint8 [8, 8], enlarged with bicubic interpolation to uint8 [height, width]."""
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC))


def halves(ink: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Split the ink, uint8 [h, w], at the middle of its height into an upper and a lower part of the same shape."""
    rows = np.flatnonzero(ink.any(axis=1))
    middle = (rows[0] + rows[-1] + 1) // 2
    upper, lower = ink.copy(), ink.copy()
    upper[middle:] = 0
    lower[:middle] = 0
    return upper, lower


def _table(path: Path) -> NDArray[np.float64]:
    return np.loadtxt(path, delimiter=",")
