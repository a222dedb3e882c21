"""Plain forward passes over images on disk."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.inference import Decode, Passes, shares
from tradeoffs.data import images
from tradeoffs.data.images import Geometry


def over_images(
    passes: Passes, paths: Sequence[Path], geometry: Geometry, compute: Callable[[Tensor], Tensor]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Apply ``compute`` to the images at ``paths``, [n, 3, h, w] in [0, 1]; see :meth:`Passes.over`."""
    return passes.over(paths, decoder(paths, geometry), lambda pixels: compute(shares(pixels)))


def decoder(paths: Sequence[Path], geometry: Geometry) -> Decode:
    """Return the function that decodes the image at each position of ``paths``."""
    return lambda i: (images.image(paths[i], geometry),)
