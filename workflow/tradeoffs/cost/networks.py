"""What is known of a network without running it: its weights, and its multiplications for an image."""

from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from tradeoffs.models.networks import build
from tradeoffs.models.small_resnet import SmallResNet

_BYTES = 4  # of a weight
_LIBRARY = 0.4  # seconds of a processor whose pace is 1, to import the library that builds it (measured on the replica)


class Facts(NamedTuple):
    """Bytes of the ``weights``; floating-point ``operations`` of a forward pass of one image; ``width``: features.

    ``start``: seconds, of a processor whose pace is 1, before there is such a network.
    """

    weights: float
    operations: float
    width: int
    start: float


def facts(architecture: str, classes: int, size: int) -> Facts:
    """Return the facts of an architecture for images of ``size`` x ``size``; nothing is computed, nothing allocated.

    But where a library draws its weights by itself. InputError for an architecture that cannot be built from its name.
    """
    with torch.device("meta"):
        try:
            network = build(architecture, classes)
        except NotImplementedError:  # torchvision's RegNets look at values of their weights
            with torch.device("cpu"):
                network = build(architecture, classes).to("meta")
        network.eval()
        counter, image = FlopCounterMode(display=False), torch.zeros(1, 3, size, size)
        with torch.no_grad():
            width = int(network.features(image).shape[1])  # type: ignore[operator]
            with counter:
                network(image)
    weights = sum(tensor.numel() for tensor in network.state_dict().values())
    start = 0.0 if isinstance(network, SmallResNet) else _LIBRARY
    return Facts(_BYTES * weights, float(counter.get_total_flops()), width, start)
