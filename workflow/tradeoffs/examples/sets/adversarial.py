"""Adversarial accuracy: the image, the same under an attack on each network at one budget, and what that changed."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tradeoffs.attacks.pgd import pgd
from tradeoffs.attacks.strong import margin
from tradeoffs.benchmarks.adversarial import Settings, chosen_images, in_order
from tradeoffs.benchmarks.attack_metrics import Attack, metric_name
from tradeoffs.benchmarks.within_image import Answering
from tradeoffs.data import images
from tradeoffs.data.images import Geometry
from tradeoffs.examples.classes import class_names
from tradeoffs.examples.collection import (
    Array,
    Collection,
    Evaluated,
    Example,
    Made,
    Outcomes,
    Pair,
    Picture,
    read_images,
)
from tradeoffs.examples.pixels import picture, seen
from tradeoffs.examples.words import against
from tradeoffs.models.answers import answers
from tradeoffs.models.ids import pixel_epsilon
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import InputError

IMAGE = "image"
NORMS = ("linf", "l2", "l1")
STEPS = 20  # of the attack whose picture is shown
STEP_SIZE = 2.5  # in budgets, over all steps together: as Madry et al. (2018)


def collection(settings: Settings, roots: dict[str, Path], evaluated: Evaluated) -> Collection:
    """Return the images of the first domain by name, attacked at the middle one of a norm's budgets, if any."""
    root = roots["imagenet"]
    geometry = Geometry(resize=settings.resize, crop=settings.crop)
    domain = in_order(settings)[0]
    folder = settings.domains[domain]
    listed, classes, domains = chosen_images(settings, root)
    paths = [path for path, number in zip(listed, domains, strict=True) if number == 0]
    at = read_images([[path] for path in paths], roots, evaluated)
    labels = classes[at]
    clean = metric_name(Attack(domain))
    if (count := len(evaluated.outcomes[clean])) != len(at):
        raise InputError(
            f"{evaluated.path}: its outcomes are of {count} images, not of the {len(at)} in {root / folder}; evaluate "
            f"{evaluated.card.get('model')} again on this data"
        )
    names = class_names(root, folder, settings.classes)
    attack = middle(settings, domain)
    attacked = "" if attack is None else f"attacked, {against(attack.norm, attack.epsilon)}"

    def right(outcomes: Outcomes) -> dict[str, Array]:
        found = {IMAGE: outcomes[clean].astype(float)}
        return found if attack is None else found | {attacked: outcomes[metric_name(attack)].astype(float)}

    def show(place: int) -> Example:
        return Example([picture(IMAGE, seen(images.image(paths[at[place]], geometry)))])

    def answering(network: Network, _: Outcomes) -> Answering:
        return Answering(network, answers, lambda of: of[:, None] == torch.arange(settings.classes))

    def make(network: Answering, place: int, x: Tensor, label: Tensor) -> list[Picture]:
        assert attack is not None
        epsilon = pixel_epsilon(attack.norm, attack.epsilon)
        draw = int(np.random.SeedSequence([settings.seed, place]).generate_state(1)[0])
        found = pgd(
            lambda moved: margin(network.logits(moved), label),
            x,
            norm=attack.norm,
            epsilon=epsilon,
            steps=STEPS,
            step_size=STEP_SIZE * epsilon / STEPS,
            generator=torch.Generator().manual_seed(draw),
        )
        return [picture(attacked, found), magnified(found - x)]

    return Collection(
        [paths[i].relative_to(root).as_posix() for i in at],
        labels,
        names,
        [names[label] for label in labels],
        "class",
        IMAGE if attack is None else attacked,
        None if attack is None else Pair(IMAGE, attacked, "right without attack, fooled under it"),
        right,
        show,
        answering,
        remark=remark(domain, attack),
        made=None if attack is None else Made(attacked, make),
    )


def middle(settings: Settings, domain: str) -> Attack | None:
    """Return the middle one of the budgets of the first of NORMS that has any; None where none has."""
    for norm in NORMS:
        if budgets := sorted(settings.budgets.get(norm, [])):
            return Attack(domain, norm, budgets[len(budgets) // 2])
    return None


def remark(domain: str, attack: Attack | None) -> str:
    """Return what is shown, and what is not."""
    of_pictures = (
        "The study has no budget of an attack, so that none is shown under one."
        if attack is None
        else f"Each network is shown a picture of its own: projected gradient ascent against it, {STEPS} steps from a "
        "random start. The evaluation's search is longer; what that found is said beside the answer. The difference is "
        "magnified: grey is no change, the largest one is black or white."
    )
    return f"Images of the domain {domain}. {of_pictures} The set has no masks: no share of a gradient on the object."


def magnified(change: Tensor) -> Picture:
    """Return what an attack changed, [1, 3, h, w], as a picture: grey where nothing, the largest change at an end."""
    scaled = 0.5 + change / (2 * change.abs().max().clamp(min=torch.finfo(change.dtype).tiny))
    return picture("difference, magnified", scaled)._replace(seen=None)
