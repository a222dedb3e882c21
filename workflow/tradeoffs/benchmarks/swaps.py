"""A counterfactual within the image: the same object where it was, its background swapped for that of another image.

Through the object's soft mask m, with b the background of the other image,

    swapped image = m image + (1 - m) b.

Measured is what becomes of the same object's answer: the probability of its true class (softmax), before minus after.
The other image is drawn at random, from the seed, among those of other classes; a second time among the others of its
own class, which tells what cutting and pasting costs by itself. A background that comes with its own object has a hole
where that was, filled from what lies around it (:func:`filled`). An object can be harder to see on another background,
for any network: all networks are shown the same swapped images, and it is their differences that say something.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.statistics import Array, Labels
from tradeoffs.compute.transfer import layout
from tradeoffs.models.answers import finite

_HALO = 3  # pixels along each side of what a pixel of the hole makes unseen: soft masks are fainter than the object


class Swapped(NamedTuple):
    """What swaps did to each of n images; NaN where there is no other image to take the background from.

    ``change``: probability of the true class lost [n], in [-1, 1]; ``flipped``: whether the answer is another, 0 or 1
    [n]; ``pasted``: as ``change``, on a background of the same class.
    """

    change: Array
    flipped: Array
    pasted: Array


def partner(labels: Labels, usable: NDArray[np.bool_], seed: int, *, same: bool) -> NDArray[np.int64]:
    """Return for each image the position of one whose background it gets, int64 [n]; -1 where there is none.

    It is of the ``same`` class, and another image, or of another class; ``usable`` bool [n]: which may be taken. Where
    an image is not usable its neighbour takes its place, so that all other pairs stay as they are.
    """
    chance = np.random.default_rng([seed, int(same)]).random(len(labels))
    found = np.full(len(labels), -1)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        pool = own if same else np.flatnonzero(labels != label)
        if not len(pool):
            continue
        for i in own:
            start = int(chance[i] * len(pool))
            turned = np.concatenate([pool[start:], pool[:start]])
            free = turned[usable[turned] & (turned != i)]
            found[i] = free[0] if len(free) else -1
    return found


def filled(x: Tensor, hole: Tensor) -> Tensor:
    """Return images [n, c, h, w] whose ``hole`` [n, 1, h, w], soft in [0, 1], is filled smoothly from around it.

    By pull and push (Gortler et al. 1996): means of what is seen, over ever larger squares, show through where nothing
    is seen. Pixels farther than one from the hole stay as they are; a hole without surroundings is black.
    """
    if not hole.any():
        return x
    seen = 1 - F.max_pool2d(hole, _HALO, 1, _HALO // 2)
    levels = [(x * seen, seen)]
    while max(levels[-1][1].shape[2:]) > 1:
        known, share = (F.avg_pool2d(level, 2, ceil_mode=True) for level in levels[-1])
        levels.append((known, share))
    colour = levels[-1][0] / levels[-1][1].clamp(min=1e-6)
    for known, share in reversed(levels):
        around = F.interpolate(colour, size=known.shape[2:], mode="bilinear", align_corners=False)
        colour = known + (1 - share) * around
    return colour.clamp(0, 1)


def composed(x: Tensor, mask: Tensor, background: Tensor) -> Tensor:
    """Return the objects of ``x`` through ``mask`` [n, 1, h, w] on the backgrounds, [n, c, h, w] like ``x``.

    They lie in memory as images do, on which a network's rounding depends.
    """
    return (x * mask + background * (1 - mask)).contiguous(memory_format=layout(x.device))


def probability(logits: Tensor, own: Tensor) -> Tensor:
    """Return the softmax probability of the ``own`` classes, bool [n, classes]: float64 [n], 0 where none is valid."""
    chance = (logits.double().softmax(1) * own).sum(1)
    return chance.masked_fill(~finite(logits), 0.0)


def told(
    logits: Callable[[Tensor], Tensor], answer: Callable[[Tensor], Tensor], images: list[Tensor], own: Tensor
) -> Tensor:
    """Return probability of the true class and answer on each of ``images`` [n, c, h, w]: float64 [n, 2 * images]."""
    found = []
    for x in images:
        said = logits(x)
        found += [probability(said, own), answer(said).double()]
    return torch.stack(found, 1)


def swapped(said: Array, other: NDArray[np.int64], same: NDArray[np.int64]) -> Swapped:
    """Return what swaps did from what was :func:`told` [n, 6]: unchanged, on another class's background, on its own's.

    ``other``, ``same``: the :func:`partner` of each image.
    """
    change = np.where(other >= 0, said[:, 0] - said[:, 2], np.nan)
    flipped = np.where(other >= 0, (said[:, 1] != said[:, 3]).astype(float), np.nan)
    return Swapped(change, flipped, np.where(same >= 0, said[:, 0] - said[:, 4], np.nan))
