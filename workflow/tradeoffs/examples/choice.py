"""Which images are shown: by a rule, from what the chosen models answered, never by hand.

For three reasons, in this order: a model is right on the image's own background and wrong on another; all standard
models are right and all adversarially trained ones wrong, or the reverse; the image is of the group on which the models
are worst. Of the images that a reason fits, the ones shown are spread evenly over them in the order of the data set,
which is that of classes: they are no extremes, and how many there are is said beside them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.listing import spread
from tradeoffs.examples.collection import Array, Collection

DIVIDED = "standard and adversarially trained models differ"
SHOWN = (3, 3, 2)  # images for each reason
Right = Mapping[str, Mapping[str, Array]]  # model -> picture -> 1, 0 or NaN [n]


class Reason(NamedTuple):
    """A reason to show images: in words, the images shown, and how many it fits; ``note``: why it fits none."""

    reason: str
    shown: list[int]
    fits: int
    note: str = ""


class Worst(NamedTuple):
    """The group on which the models are worst: its name and, by model, the share of its answers that are right."""

    group: str
    accuracy: dict[str, float]


def choose(
    collection: Collection, right: Right, standard: Sequence[str], divided: str = DIVIDED
) -> tuple[list[Reason], Worst]:
    """Return the images to show for each reason, none twice; ``standard``: the models without adversarial training.

    Where models are divided by something else, ``standard`` are those of one side, and ``divided`` says it in words.
    """
    group, accuracy = worst(collection, right)
    pair = collection.pair
    of_group = np.array([name == group for name in collection.groups])
    fits = [
        (pair.reason if pair else "right on its own background, wrong on another", _torn(collection, right)),
        (divided, _differ(collection, right, standard)),
        (f"worst {collection.grouped_by}: {group}", of_group),
    ]
    notes = [
        "no model shown here is right on the one and wrong on the other"
        if pair
        else "the set has no such two pictures",
        "no image divides them" if _both(right, standard) else "the models shown here are of one kind",
        "",
    ]
    taken: set[int] = set()
    reasons = []
    for (reason, there), note, count in zip(fits, notes, SHOWN, strict=True):
        free = [i for i in np.flatnonzero(there).tolist() if i not in taken]
        shown = [free[place] for place in spread(len(free), count)] if free else []
        taken.update(shown)
        reasons.append(Reason(reason, shown, int(there.sum()), "" if there.any() else note))
    return reasons, Worst(group, accuracy)


def worst(collection: Collection, right: Right) -> tuple[str, dict[str, float]]:
    """Return the group with the least mean accuracy of all models on the judged picture, and each model's there.

    Of several the first by name. Images of which outcomes do not say whether the answer was right do not count.
    """
    of_model = {model: pictures[collection.judged] for model, pictures in right.items()}
    groups = np.array(collection.groups)
    means = {
        str(group): {model: _mean(values[groups == group]) for model, values in of_model.items()}
        for group in np.unique(groups)
    }
    known = {group: found for group, found in means.items() if not np.isnan(list(found.values())).any()}
    group = min(known, key=lambda name: sum(known[name].values()))
    return group, known[group]


def _mean(values: Array) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")


def _torn(collection: Collection, right: Right) -> NDArray[np.bool_]:
    """Return which images a model is right about on their own background and wrong on the other."""
    fits = np.zeros(len(collection.names), dtype=bool)
    if collection.pair is not None:
        for pictures in right.values():
            fits |= (pictures[collection.pair.own] == 1) & (pictures[collection.pair.other] == 0)
    return fits


def _both(right: Right, standard: Sequence[str]) -> bool:
    return 0 < len([model for model in right if model in standard]) < len(right)


def _differ(collection: Collection, right: Right, standard: Sequence[str]) -> NDArray[np.bool_]:
    """Return the images that all standard models are right about and all others wrong, or the reverse, in a picture."""
    fits = np.zeros(len(collection.names), dtype=bool)
    if not _both(right, standard):
        return fits
    compared = [collection.judged] if collection.pair is None else [collection.pair.own, collection.pair.other]
    for picture in compared:
        plain = np.array([pictures[picture] for model, pictures in right.items() if model in standard])
        trained = np.array([pictures[picture] for model, pictures in right.items() if model not in standard])
        for value in (0, 1):
            fits |= (plain == value).all(0) & (trained == 1 - value).all(0)
    return fits
