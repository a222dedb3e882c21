"""A linear head on a network's features, as a network of its own: gradients pass through both."""

from collections.abc import Callable

import torch
from torch import Tensor

from tradeoffs.models.linear_probe import LinearHead
from tradeoffs.models.networks import Network


def headed(network: Network, head: LinearHead, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Return what maps images [n, 3, h, w] in [0, 1] to the head's logits, float64 [n, classes]."""
    mean, scale, weight, bias = (torch.from_numpy(part).to(device) for part in head)

    def logits(x: Tensor) -> Tensor:
        return (network.features(x).double() - mean) / scale @ weight + bias

    return logits
