"""What the background does within single images, where a mask says what is the object: its gradient, and swaps.

An image whose mask covers everything or nothing has no object to cut out: it is left out of these measures, and the
card counts it (under ``gradient``). InputError where fewer than two images are left.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.gradient_share import background_shares, known, parts, remarks
from tradeoffs.benchmarks.inference import Passes, shares
from tradeoffs.benchmarks.statistics import Array, Correct, Labels
from tradeoffs.benchmarks.swaps import composed, filled, partner, swapped, told
from tradeoffs.data import decoded, images
from tradeoffs.data.images import Geometry
from tradeoffs.step.errors import InputError

METRICS = {
    "share": "gradient_share_background",
    "change": "swap_change",
    "flipped": "swap_flips",
    "pasted": "swap_change_same_class",
}


class Objects(NamedTuple):
    """Images with the masks of their objects and, at the same place of each list, the background that an image lends.

    ``backgrounds``: ``images`` themselves, whose objects leave ``holes`` by their masks, or the same without object.
    """

    images: Sequence[Path]
    masks: Sequence[Path]
    labels: Labels
    backgrounds: Sequence[Path]
    holes: Sequence[Path] | None


class Answering(NamedTuple):
    """A network as these measures see it: images to ``logits``, these to an ``answer``, labels to ``own``."""

    logits: Callable[[Tensor], Tensor]
    answer: Callable[[Tensor], Tensor]
    own: Callable[[Tensor], Tensor]  # int64 [n] -> bool [n, classes]


class Within(NamedTuple):
    """Measures by the name of their metric, each float64 [n] of all images, NaN where there is none, and remarks."""

    values: dict[str, Array]
    remarks: dict[str, Any]

    def means(self, mean: Callable[[Correct, NDArray[np.bool_]], Array]) -> dict[str, Array]:
        """Return ``mean`` of each measure and of which images have it; without those that fewer than two have."""
        return {name: mean(self.values[name][there], there) for name, there in self._there().items()}

    def counts(self) -> dict[str, int]:
        """Return how many images have each of these measures."""
        return {name: int(there.sum()) for name, there in self._there().items()}

    def _there(self) -> dict[str, NDArray[np.bool_]]:
        found = {name: known(values) for name, values in self.values.items()}
        return {name: there for name, there in found.items() if there.any()}


def measure(
    passes: Passes, objects: Objects, readable: NDArray[np.int64], geometry: Geometry, network: Answering, seed: int
) -> Within:
    """Measure the ``readable`` images, given by position, as their masks can: values are in that order.

    One pass more over them, and over the backgrounds. An image that cannot be read changes nothing for the others but
    those that would have had its background.
    """
    n = len(objects.images)
    usable, lends = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    usable[readable] = parted(passes, [objects.masks[i] for i in readable.tolist()], geometry)
    lends[readable] = usable[readable] if objects.holes is not None else True
    at = np.flatnonzero(usable)
    other, same = (partner(objects.labels, lends, seed, same=of_own)[at] for of_own in (False, True))

    read, read_background = (decoded.reader(paths, geometry) for paths in (objects.images, objects.backgrounds))

    def background(i: int, like: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        path = objects.backgrounds[i]
        pixels = images.stack([read_background(i)], [path], like.shape)[0]
        hole = (
            np.zeros(pixels.shape[:2], np.uint8) if objects.holes is None else images.mask([objects.holes[i]], geometry)
        )
        return pixels, hole

    def decode(place: int) -> tuple[NDArray[Any], ...]:
        i = int(at[place])
        pixels = read(i)
        mask = images.stack([images.mask([objects.masks[i]], geometry)], [objects.masks[i]], pixels.shape[:2])[0]
        lent = [background(int(j) if j >= 0 else i, pixels) for j in (other[place], same[place])]
        return pixels, mask, *lent[0], *lent[1], np.array(objects.labels[i])

    def compute(
        pixels: Tensor, mask: Tensor, of_other: Tensor, hole: Tensor, of_same: Tensor, same_hole: Tensor, labels: Tensor
    ) -> Tensor:
        x, where, own = shares(pixels), shares(mask), network.own(labels)
        changed = [
            composed(x, where, filled(shares(lent), shares(gap)))
            for lent, gap in ((of_other, hole), (of_same, same_hole))
        ]
        share = background_shares(network.logits, x, own, where)
        return torch.cat([share[:, None], told(network.logits, network.answer, [x, *changed], own)], 1)

    _, found = passes.over([objects.images[i] for i in at.tolist()], decode, compute)
    of_all = {"share": found[:, 0], **swapped(found[:, 1:], other, same)._asdict()}
    values = {METRICS[name]: _placed(of_part, at, n)[readable] for name, of_part in of_all.items()}
    return Within(values, remarks(found[:, 0], len(readable)))


def parted(passes: Passes, masks: Sequence[Path], geometry: Geometry) -> NDArray[np.bool_]:
    """Return which masks can be read and tell an object from a background, bool [n]; InputError where not two do."""
    at, found = passes.over(masks, lambda i: (images.mask([masks[i]], geometry),), lambda mask: parts(shares(mask)))
    refuse_useless(found, masks[0].parent)
    usable = np.zeros(len(masks), dtype=bool)
    usable[at] = found
    return usable


def refuse_useless(usable: NDArray[np.bool_], where: Path) -> None:
    """Raise InputError where fewer than two of the masks, bool [n], tell an object from a background."""
    if usable.sum() < 2:
        raise InputError(
            f"{where}: {len(usable) - usable.sum()} of {len(usable)} masks cover the whole image or nothing of it; "
            "expected at least two that part it into object and background; unpack the data set again"
        )


def _placed(values: Array, at: NDArray[np.int64], n: int) -> Array:
    """Return the values at their places among n, NaN elsewhere."""
    found = np.full(n, np.nan)
    found[at] = values
    return found
