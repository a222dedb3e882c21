"""What chosen models answered to the pictures of chosen images, and where in the images they look."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from tradeoffs.benchmarks.gradient_share import masses
from tradeoffs.benchmarks.swaps import probability
from tradeoffs.examples.collection import Array, Collection, Evaluated, Example, Picture
from tradeoffs.models.networks import Network, load


class Answered(NamedTuple):
    """What a network said of one image: of each picture that it is shown its answer and the probability of the true
    class, in their order, its gradient's mass [h, w] on the first, and the pictures that were made against it, whose
    answers come last.
    """

    answers: list[int]
    probabilities: list[float]
    mass: Array
    made: list[Picture]


def of_weights(weights: Path, evaluated: Evaluated) -> Network:
    """Return the network of an evaluation; InputError for weights that are missing or do not fit.

    On the CPU, whatever there is: a few images, and the same numbers on every machine of a kind.
    """
    spec = evaluated.card["spec"]
    return load(weights, spec["architecture"], spec["classes"], torch.device("cpu"))


def ask(
    evaluated: Evaluated, network: Network, collection: Collection, examples: Mapping[int, Example]
) -> dict[int, Answered]:
    """Return what the network of an evaluation, on the CPU, says of ``examples``, by their places in the collection."""
    return {place: said(network, evaluated, collection, place, example) for place, example in examples.items()}


def said(network: Network, evaluated: Evaluated, collection: Collection, place: int, example: Example) -> Answered:
    """Return what a network says of the pictures of one image."""
    logits, answer, own = asked = collection.answering(network, evaluated.outcomes)
    common = [picture.seen for picture in example.pictures if picture.seen is not None]
    label = torch.tensor([int(collection.labels[place])])
    made = [] if collection.made is None else collection.made.make(asked, place, batch(common[:1]), label)
    x = batch([*common, *(picture.seen for picture in made if picture.seen is not None)])
    true = own(label.expand(len(x)))
    with torch.no_grad():
        found = logits(x)
    mass = masses(logits, x[:1], true[:1])
    return Answered(answer(found).tolist(), probability(found, true).tolist(), np.asarray(mass[0, 0].numpy()), made)


def batch(seen: Sequence[Any]) -> torch.Tensor:
    """Return images [3, h, w] as one tensor, in memory as the benchmarks have it: rounding depends on that."""
    return torch.stack(list(seen)).contiguous(memory_format=torch.channels_last)
