"""Where in an image the gradient of the true class's lead lies: its share on the background.

The lead of an image is its true logit minus the largest other one. With g its gradient with respect to the image,
absolute values summed over channels, and m the mask of the object in [0, 1],

    share = sum of (1 - m) g / sum of g   over pixels.

It says where small changes of the image would move the decision, in units of the logits of which nothing is left; it
does not say what the network would answer on another background (:mod:`tradeoffs.benchmarks.swaps` does). A gradient
that is 0 everywhere, or not finite, has no share.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.attacks.pgd import Loss
from tradeoffs.benchmarks.statistics import Array


def background_shares(logits: Loss, x: Tensor, own: Tensor, mask: Tensor) -> Tensor:
    """Return the share of each image of ``x`` [n, c, h, w] in [0, 1]: float64 [n] in [0, 1], NaN where there is none.

    ``own`` bool [n, classes]: the logits that stand for the true class (several, of a super-class: their largest
    counts); ``mask`` [n, 1, h, w] in [0, 1]: the object. A network that lets no gradient through has no shares.
    """
    mass = masses(logits, x, own)
    total = mass.flatten(1).sum(1)
    outside = (mass * (1 - mask.double())).flatten(1).sum(1)
    there = total.isfinite() & (total > 0)
    return (outside / total).masked_fill(~there, torch.nan)


def masses(logits: Loss, x: Tensor, own: Tensor) -> Tensor:
    """Return the gradient's mass at each pixel, absolute values summed over channels, float64 [n, 1, h, w] from 0 on.

    Arguments as :func:`background_shares`. NaN everywhere for a network that lets no gradient through.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        found = lead(logits(x), own)
        gradient = None
        if found.requires_grad:
            (gradient,) = torch.autograd.grad(found.sum(), x, allow_unused=True)
    if gradient is None:
        return torch.full_like(x[:, :1], torch.nan, dtype=torch.float64, requires_grad=False)
    return gradient.double().abs().sum(1, keepdim=True)


def lead(logits: Tensor, own: Tensor) -> Tensor:
    """Return the largest of the ``own`` logits minus the largest other one, [n]; ``own`` bool [n, classes]."""
    return logits.masked_fill(~own, -torch.inf).amax(1) - logits.masked_fill(own, -torch.inf).amax(1)


def parts(mask: Tensor) -> Tensor:
    """Whether masks [n, 1, h, w] in [0, 1] tell an object from a background: bool [n].

    One whose values are all above a half, or none of them, says nothing of where either is: it covers the whole image,
    or nothing. (Compression leaves traces of a mask where there was none, so 0 and 1 are no limits.)
    """
    above = (mask > 0.5).flatten(1)
    return above.any(1) & ~above.all(1)


def remarks(shares: Array, images: int) -> dict[str, dict[str, int]]:
    """Return the card's ``gradient``: of how many images with a mask that parts them it has no share.

    ``shares`` [n] of these; ``images``: how many there are, with those whose mask covers everything or nothing.
    """
    counts = {"images": images, "mask_parts_nothing": images - len(shares), "no_gradient": int(np.isnan(shares).sum())}
    return {"gradient": counts}


def known(shares: Array) -> NDArray[np.bool_]:
    """Return which images have a share, bool [n]; none at all where fewer than two have, which is no interval."""
    there = ~np.isnan(shares)
    return there if there.sum() > 1 else np.zeros_like(there)
