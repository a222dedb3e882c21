"""What a training lowers: a loss of a batch, and what stands in its place at a budget.

* ``pgd``: cross-entropy where projected gradient ascent raises it most (Madry et al. 2018);
* ``trades``: cross-entropy on the images themselves, and ``trades_beta`` times the divergence of the answers at the
  point of the ball where it is largest from those at the image (Zhang et al. 2019; they use 6 on CIFAR-10);
* ``noise``: cross-entropy at a uniformly random point of the same ball. A control: what training on changed images
  does, without an adversary.

Of norm ``none`` all three are cross-entropy on the images.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tradeoffs.training.settings import Settings

OBJECTIVES = ("pgd", "trades", "noise")


def summed_loss(
    network: nn.Module, clean: Tensor, fed: Tensor, labels: Tensor, settings: Settings
) -> tuple[Tensor, Tensor]:
    """Return the logits of the images ``fed`` [n, c, h, w] and the loss (nats), summed over images.

    ``fed`` are the ``clean`` ones as the attack or the noise has left them. With ``trades`` the network, in training
    mode, sees the clean ones first.
    """
    if settings.objective != "trades" or settings.norm == "none":
        logits = network(fed)
        return logits, F.cross_entropy(logits, labels, reduction="sum")
    natural, logits = network(clean), network(fed)
    apart = divergence(natural, logits).sum()
    return logits, F.cross_entropy(natural, labels, reduction="sum") + settings.trades_beta * apart


def divergence(natural: Tensor, logits: Tensor) -> Tensor:
    """Kullback-Leibler divergence (nats), [n], of the answers ``logits`` from the ``natural``, [n, classes] both."""
    at_least = torch.promote_types(natural.dtype, torch.float32)
    wanted, found = F.log_softmax(natural.to(at_least), 1), F.log_softmax(logits.to(at_least), 1)
    return F.kl_div(found, wanted, reduction="none", log_target=True).sum(1)
