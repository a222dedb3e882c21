"""Gaussian noise inside or outside a mask, the corruption of RIVAL10 and Salient ImageNet."""

import torch
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


def draw(shape: torch.Size, seed: int, device: torch.device) -> Tensor:
    """Standard normal noise, drawn on the CPU so that it is the same on every device."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)
