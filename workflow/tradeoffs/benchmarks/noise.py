"""Gaussian noise inside or outside a mask, the corruption of RIVAL10 and Salient ImageNet."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def corrupt(x: Tensor, mask: Tensor, noise: Tensor, *, kind: str, level: float) -> Tensor:
    """Add noise to images where ``mask`` is 1 and clamp to [0, 1] (Moayeri et al. 2022).

    ``x`` and ``noise`` [n, 3, h, w], ``mask`` [n, 1, h, w] soft in [0, 1]. ``kind`` linf: standard deviation
    ``level`` in pixel units of [0, 1]; l2: the masked noise of each image is rescaled to l2 norm ``level`` (an image
    with an empty mask stays as it is).
    """
    masked = noise * mask
    if kind == "l2":
        norms = torch.linalg.vector_norm(masked.flatten(1), dim=1).clamp(min=1e-12)
        masked = masked / norms.view(-1, 1, 1, 1)
    return (x + level * masked).clamp(0, 1)


def draw(seed: int, image: int, trials: int, height: int, width: int) -> NDArray[np.float32]:
    """Standard normal noise [trials, height, width, 3] of one image, ``image`` being its place in the data set.

    A stream of its own for every image (Philox, keyed by seed and image): the same noise on every device, in batches
    of every size, whichever images are read before it.
    """
    stream = np.random.Generator(np.random.Philox(key=np.array([seed, image], dtype=np.uint64)))
    return stream.standard_normal((trials, height, width, 3), dtype=np.float32)
