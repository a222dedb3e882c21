"""Between a network's images, in [0, 1], and pictures that are looked at."""

import numpy as np
import torch
from torch import Tensor

from tradeoffs.benchmarks.inference import shares
from tradeoffs.examples.collection import Picture, Pixels


def seen(pixels: Pixels) -> Tensor:
    """Return an image [h, w, 3], or a mask [h, w], as the benchmarks show it to networks: [1, 3 or 1, h, w]."""
    return shares(torch.from_numpy(pixels.copy())[None])


def picture(what: str, x: Tensor) -> Picture:
    """Return what networks are shown, ``x`` [1, 3, h, w] in [0, 1], as a picture."""
    return Picture(what, np.round(255 * x[0].permute(1, 2, 0).numpy()).astype(np.uint8), x[0])


def of_mask(what: str, mask: Tensor) -> Picture:
    """Return a mask [1, 1, h, w] in [0, 1] as a grey picture, white where it is 1."""
    grey = np.round(255 * mask[0, 0].numpy()).astype(np.uint8)
    return Picture(what, np.repeat(grey[:, :, None], 3, axis=2))
