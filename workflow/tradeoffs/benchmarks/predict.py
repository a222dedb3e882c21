"""Forward passes over images on disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.data import images
from tradeoffs.data.images import Geometry
from tradeoffs.models.networks import Network


def to_tensor(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Images uint8 [n, 3, h, w] as floats in [0, 1] on the device, in channels_last order."""
    return (torch.from_numpy(pixels).to(device).float() / 255).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def logits(
    network: Network, paths: Sequence[Path], geometry: Geometry, batch_size: int, device: torch.device
) -> Tensor:
    """Logits [n, classes] of the images at ``paths``, on the CPU."""
    batches = images.batches(paths, geometry, batch_size)
    return torch.cat([network(to_tensor(pixels, device)).float().cpu() for pixels in batches])


@torch.no_grad()
def features(
    network: Network, paths: Sequence[Path], geometry: Geometry, batch_size: int, device: torch.device
) -> NDArray[np.float64]:
    """Pooled features [n, d] of the images at ``paths``."""
    batches = images.batches(paths, geometry, batch_size)
    parts = [network.features(to_tensor(pixels, device)).double().cpu().numpy() for pixels in batches]
    return np.concatenate(parts)
