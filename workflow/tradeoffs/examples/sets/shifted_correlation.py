"""Shifted correlation: the same digit where its background is as in training, any, and that of another class."""

from pathlib import Path

import numpy as np
import torch

from tradeoffs.benchmarks.adversarial import chosen_images
from tradeoffs.benchmarks.shifted_correlation import DOMAINS, Settings
from tradeoffs.benchmarks.within_image import Answering
from tradeoffs.data import images
from tradeoffs.data.images import Geometry
from tradeoffs.examples.classes import class_names
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
from tradeoffs.examples.pixels import picture, seen
from tradeoffs.models.answers import answers
from tradeoffs.models.networks import Network

WHAT = {name: f"correlation {name}" for name in DOMAINS}


def collection(settings: Settings, roots: dict[str, Path], evaluated: Evaluated) -> Collection:
    """Return the digits that could be read in all three domains, where they have one name."""
    root = roots["imagenet"]
    geometry = Geometry(resize=settings.resize, crop=settings.crop)
    listed, classes, domains = chosen_images(settings.attack(), root)
    at = read_images([[path] for path in listed], roots, evaluated)
    check_labels(classes[at], evaluated.outcomes["label"], evaluated, [root])
    # Of each domain the place of an image among the outcomes, by its path below the domain's folder.
    folders = list(DOMAINS.values())
    places: list[dict[str, int]] = [{} for _ in folders]
    for outcome, i in enumerate(at.tolist()):
        number = int(domains[i])
        places[number][listed[i].relative_to(root / folders[number]).as_posix()] = outcome
    common = [name for name in places[0] if all(name in other for other in places)]
    outcome_of = {domain: np.array([own[name] for name in common]) for domain, own in zip(DOMAINS, places, strict=True)}
    labels = classes[at][outcome_of["preserved"]]

    def right(outcomes: Outcomes) -> dict[str, Array]:
        correct = outcomes["correct"].astype(float)
        return {WHAT[domain]: correct[own] for domain, own in outcome_of.items()}

    def show(place: int) -> Example:
        paths = {domain: root / folder / common[place] for domain, folder in DOMAINS.items()}
        return Example([picture(WHAT[domain], seen(images.image(path, geometry))) for domain, path in paths.items()])

    def answering(network: Network, _: Outcomes) -> Answering:
        return Answering(network, answers, lambda of: of[:, None] == torch.arange(settings.classes))

    names = class_names(root, folders[0], settings.classes)
    return Collection(
        [f"{folders[0]}/{name}" for name in common],
        labels,
        names,
        [names[label] for label in labels],
        "class",
        WHAT["reversed"],
        Pair(
            WHAT["preserved"], WHAT["reversed"], "right where the correlation is preserved, wrong where it is reversed"
        ),
        right,
        show,
        answering,
        remark="The set has no masks: no share of a gradient on the object can be said.",
    )
