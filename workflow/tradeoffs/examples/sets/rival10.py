"""RIVAL10: the image, its object's mask, noise on either side of it, and the object on another image's background."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tradeoffs.benchmarks.headed import headed
from tradeoffs.benchmarks.noise import corrupt, draw
from tradeoffs.benchmarks.rival10 import Settings
from tradeoffs.benchmarks.swaps import composed, filled, partner
from tradeoffs.benchmarks.within_image import METRICS, Answering
from tradeoffs.data import images, rival10
from tradeoffs.data.images import Geometry
from tradeoffs.examples.collection import (
    Array,
    Collection,
    Evaluated,
    Example,
    Outcomes,
    Pair,
    check_labels,
    read_images,
)
from tradeoffs.examples.pixels import of_mask, picture, seen
from tradeoffs.models.answers import answers
from tradeoffs.models.linear_probe import from_arrays
from tradeoffs.models.networks import Network

IMAGE, SWAPPED = "image", "background of another class"


def collection(settings: Settings, roots: dict[str, Path], evaluated: Evaluated) -> Collection:
    """Return the test images; the noise shown is that of the middle one of the levels of fixed standard deviation."""
    geometry = Geometry(resize=settings.size, square=True)
    index = rival10.read(roots["rival10"], "test")
    at = read_images([[path, mask] for path, mask in zip(index.paths, index.masks, strict=True)], roots, evaluated)
    labels = index.labels[at]
    check_labels(labels, evaluated.outcomes["label"], evaluated, list(roots.values()))
    level = settings.linf_levels[len(settings.linf_levels) // 2]
    noisy = {f"noise in the {region}": f"{region}_linf_{level:g}" for region in ("background", "foreground")}
    lender = _lenders(index.labels, at, evaluated, settings.seed)

    def right(outcomes: Outcomes) -> dict[str, Array]:
        clean, flipped = outcomes["clean"].astype(float), outcomes[METRICS["flipped"]]
        # Another answer than a right one is wrong, and so is the same as a wrong one; another than that may be right.
        swapped = np.where(clean == 1, 1 - flipped, np.where(flipped == 0, 0.0, np.nan))
        return {IMAGE: clean, SWAPPED: swapped} | {what: outcomes[name].astype(float) for what, name in noisy.items()}

    def show(place: int) -> Example:
        i = int(at[place])
        x = seen(images.image(index.paths[i], geometry))
        mask = seen(images.mask([index.masks[i]], geometry))
        noise = torch.from_numpy(draw(settings.seed, i, 1, *x.shape[2:])).permute(0, 3, 1, 2)
        found = [picture(IMAGE, x), of_mask("object mask", mask)]
        if (j := int(lender[i])) >= 0:
            lent = filled(seen(images.image(index.paths[j], geometry)), seen(images.mask([index.masks[j]], geometry)))
            found.append(picture(SWAPPED, composed(x, mask, lent)))
        for what, where in zip(noisy, (1 - mask, mask), strict=True):
            found.append(picture(what, corrupt(x, where, noise, kind="linf", level=level)))
        return Example(found, mask[0])

    def answering(network: Network, outcomes: Outcomes) -> Answering:
        numbers = torch.arange(len(index.class_names))
        logits = headed(network, from_arrays(outcomes), torch.device("cpu"))
        return Answering(logits, answers, lambda of: of[:, None] == numbers)

    names = index.class_names
    return Collection(
        [index.paths[i].relative_to(roots["rival10"]).as_posix() for i in at],
        labels,
        names,
        [names[label] for label in labels],
        "class",
        IMAGE,
        Pair(IMAGE, SWAPPED, "right on its own background, wrong on that of another class"),
        right,
        show,
        answering,
        METRICS["share"],
    )


def _lenders(labels: NDArray[np.int64], at: NDArray[np.int64], evaluated: Evaluated, seed: int) -> NDArray[np.int64]:
    """Return the image whose background each gets, as the benchmark draws it: of those whose masks part them."""
    usable = np.zeros(len(labels), dtype=bool)
    values = [evaluated.outcomes[METRICS[name]] for name in ("change", "pasted")]
    usable[at] = ~np.isnan(values).all(0)
    found = partner(labels, usable, seed, same=False)
    found[~usable] = -1
    return found
