"""Build a network by its architecture's name and load its weights.

Every network takes images in [0, 1], normalises them itself, and has ``features(x)`` and ``forward(x)``.
"""

from pathlib import Path
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from tradeoffs.errors import InputError
from tradeoffs.models.small_resnet import BasicBlock, BottleneckBlock, SmallResNet

ARCHITECTURES = ("basic", "bottleneck")


class Network(Protocol):
    """What training and evaluation rely on: an ``nn.Module`` with pooled features."""

    def features(self, x: Tensor) -> Tensor:
        """Pooled features [n, d] of images [n, 3, h, w] in [0, 1]."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """Logits [n, classes] of images [n, 3, h, w] in [0, 1]."""
        ...


def build(architecture: str, num_classes: int) -> nn.Module:
    """Return a freshly initialised network; InputError for an unknown architecture."""
    blocks: dict[str, type[BasicBlock | BottleneckBlock]] = {"basic": BasicBlock, "bottleneck": BottleneckBlock}
    if architecture not in blocks:
        raise InputError(f"architecture: {architecture!r} is unknown; choose one of {', '.join(ARCHITECTURES)}")
    return SmallResNet(blocks[architecture], num_classes).to(memory_format=torch.channels_last)


def load(weights: Path, architecture: str, num_classes: int, device: torch.device) -> Network:
    """Return the network with the weights of a plain state_dict, in evaluation mode and without gradients.

    Raises InputError where the file is missing, is no state_dict, or does not fit the architecture.
    """
    network = build(architecture, num_classes)
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        network.load_state_dict(state)
    except FileNotFoundError:
        raise InputError(f"{weights}: file not found; train the model first, or correct the path") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{weights}: not weights of a {architecture} with {num_classes} classes ({reason})") from None
    network.to(device).eval().requires_grad_(False)
    return cast(Network, network)
