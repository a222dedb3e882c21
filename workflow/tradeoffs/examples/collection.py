"""What a benchmark shows of its images: pictures, masks, groups, and which answers to them were right.

A benchmark whose images are shown has a module of its name in :mod:`tradeoffs.examples.sets`, with

    collection(settings, roots, evaluated) -> Collection

from the benchmark's settings, the folders of its data sets by name, and one model's evaluation.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Many
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.within_image import Answering
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import InputError

Array = NDArray[np.float64]
Outcomes = Mapping[str, NDArray[Any]]
Pixels = NDArray[np.uint8]


class Evaluated(NamedTuple):
    """A model's evaluation on the benchmark: its card, and the outcomes of each image beside it (npz)."""

    path: Path
    card: Mapping[str, Any]
    outcomes: Outcomes


class Picture(NamedTuple):
    """A picture of an image: what it is, its ``pixels`` [h, w, 3] and what networks are shown, [3, h, w] in [0, 1].

    ``seen`` None: no network is shown it, as of a mask.
    """

    what: str
    pixels: Pixels
    seen: Tensor | None = None


class Example(NamedTuple):
    """The pictures of an image, the first of them itself, and its object's mask [1, h, w] in [0, 1], if it has one."""

    pictures: list[Picture]
    mask: Tensor | None = None


class Pair(NamedTuple):
    """Two pictures of each image, of which the second has another background, and the reason to show images so."""

    own: str
    other: str
    reason: str


class Made(NamedTuple):
    """Pictures of an image that are made against a network, for it alone; ``answered``: the one that it is shown.

    ``make``: from a network as it answers, an image's place, the image [1, 3, h, w] in [0, 1] and its label int64 [1].
    """

    answered: str
    make: Callable[[Answering, int, Tensor, Tensor], list[Picture]]


class Collection(NamedTuple):
    """The images of a benchmark, all [n] in the order of its outcomes.

    ``names``: of the images. ``answers``: the classes that an answer's number names. ``right``: of each picture whether
    a model's answers were right, 1 or 0 [n], NaN where outcomes do not say. ``judged``: the picture on which groups are
    compared. ``pair``: None where the set has no two pictures of one image. ``share``: the outcome that says how much
    of the gradient lies outside the mask. ``remark``: what is not there, and why. ``made``: what is shown to each
    network alone; of this ``right`` is what the evaluation found of the image, not of the very picture.
    """

    names: Sequence[str]
    labels: NDArray[np.int64]
    answers: Sequence[str]
    groups: Sequence[str]
    grouped_by: str
    judged: str
    pair: Pair | None
    right: Callable[[Outcomes], dict[str, Array]]
    show: Callable[[int], Example]
    answering: Callable[[Network, Outcomes], Answering]
    share: str | None = None
    remark: str = ""
    made: Made | None = None


def read_images(files: Sequence[Sequence[Path]], roots: Mapping[str, Path], evaluated: Evaluated) -> NDArray[np.int64]:
    """Return the positions of the images that the evaluation did not leave out, by the ``files`` that each needs.

    Of a data set without a root it may have left out what it likes: no file of it is needed.
    """
    listed = (each.partition("/") for each in evaluated.card["skipped"])
    skipped = {roots[name] / rest for name, _, rest in listed if name in roots}
    return np.array([i for i, needed in enumerate(files) if skipped.isdisjoint(needed)], dtype=np.int64)


def check_labels(labels: NDArray[np.int64], found: NDArray[Any], evaluated: Evaluated, roots: Many[Path]) -> None:
    """Raise InputError where an evaluation is not of these images, by their classes in this order."""
    if not np.array_equal(labels, found):
        raise InputError(
            f"{evaluated.path}: its outcomes are of {len(found)} images, not of the {len(labels)} in "
            f"{', '.join(map(str, roots))}; evaluate {evaluated.card.get('model')} again on this data"
        )
