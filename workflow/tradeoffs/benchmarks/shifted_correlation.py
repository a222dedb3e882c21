"""Shifted correlation: risk where the training world's spurious correlation is preserved, removed, reversed at test.

The risk is the share of images that are not classified correctly; under attack, of those that do not withstand it, mean
over the budgets. In each domain an image of class k shows

* preserved (``val``): the photograph of class k as often as in training, else any;
* removed (``val_decorrelated``): any photograph;
* reversed (``val_reversed``): the photograph of one other class, always the same one for k, as often, else any.

    excess risk = risk where the correlation is removed, or reversed - risk where it is preserved

The digits are the same in all three. White-box attacks of :mod:`tradeoffs.attacks.strong`, one at each budget, on some
of the images; how strong more of them are is for the benchmark ``adversarial``, which takes longer.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tradeoffs.attacks.folding import folded, stand_in
from tradeoffs.benchmarks import adversarial
from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings, with_clusters
from tradeoffs.benchmarks.inference import Passes, decoder, over_images, shares
from tradeoffs.benchmarks.statistics import Array, accuracy, summarise
from tradeoffs.benchmarks.unanswered import Watched, unanswered
from tradeoffs.compute.batching import attacked_together
from tradeoffs.data import clusters
from tradeoffs.data.images import Geometry
from tradeoffs.data.listing import spread
from tradeoffs.models.answers import answers
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import InputError

DOMAINS = {"preserved": "val", "removed": "val_decorrelated", "reversed": "val_reversed"}
SHIFTED = ("removed", "reversed")


@dataclass(frozen=True)
class Settings(EvaluationSettings):
    """Settings of this benchmark."""

    resize: int  # shortest side
    crop: int  # centre crop
    images: int  # of each domain, spread evenly over the classes
    attacked: int  # of these, spread evenly
    budgets: dict[str, list[float]]  # l2 in pixel units, linf in 1/255
    steps: int  # of an attack

    def attack(self) -> adversarial.Settings:
        """Return what the attack is told."""
        general = (self.model, self.architecture, self.classes, self.seed, self.bootstrap, self.unreadable)
        return adversarial.Settings(
            *general, self.resize, self.crop, self.images, DOMAINS, self.budgets, self.steps, restarts=1
        )


def evaluate(network: Network, settings: Settings, data: dict[str, Path], device: torch.device) -> Evaluation:
    """Risks in the three domains, and what is added to them where the correlation is another."""
    if not adversarial.attacks(settings.attack()):
        raise InputError("budgets: none of any norm; expected one or more, as risks under attack are means over them")
    geometry = Geometry(resize=settings.resize, crop=settings.crop)
    passes = Passes(device, settings.unreadable)
    listed, classes, domains = adversarial.chosen_images(settings.attack(), data["imagenet"])
    at, predicted = over_images(passes, listed, geometry, lambda x: answers(network(x)))
    paths, labels, domain_of = [listed[i] for i in at], classes[at], domains[at]
    places = [np.flatnonzero(domain_of == number) for number in range(len(DOMAINS))]
    for own, folder in zip(places, DOMAINS.values(), strict=True):
        if len(own) < 2:
            raise InputError(
                f"{data['imagenet'] / folder}: fewer than two of {settings.images} images can be read; make it again"
            )
    under = np.concatenate([own[spread(len(own), settings.attacked)] for own in places])
    withstood, lost = _withstood(network, settings, [paths[i] for i in under], labels[under], geometry, passes)
    correct = predicted == labels
    is_attacked = np.isin(np.arange(len(labels)), under)

    def statistic(weights: Array) -> dict[str, Array]:
        found = {}
        for name, own in zip(DOMAINS, places, strict=True):
            found[f"accuracy_{name}"] = accuracy(correct[own], weights[:, own])
            own_attacked = domain_of[under] == domain_of[own[0]]
            found[f"adversarial_accuracy_{name}"] = accuracy(
                withstood.mean(0)[own_attacked], weights[:, under[own_attacked]]
            )
        for name in SHIFTED:
            for kind in ("", "adversarial_"):
                found[f"{kind}excess_risk_{name}"] = (
                    found[f"{kind}accuracy_preserved"] - found[f"{kind}accuracy_{name}"]
                )
        return found

    sizes = {"": [len(own) for own in places]}
    sizes["adversarial_"] = [int(is_attacked[own].sum()) for own in places]
    counts = {f"{kind}accuracy_{name}": size for kind in sizes for name, size in zip(DOMAINS, sizes[kind], strict=True)}
    for kind in sizes:
        preserved = counts[f"{kind}accuracy_preserved"]
        counts |= {f"{kind}excess_risk_{name}": preserved + counts[f"{kind}accuracy_{name}"] for name in SHIFTED}

    cluster = clusters.read(clusters.Images(data["imagenet"], paths))
    strata = (labels * len(DOMAINS) + domain_of) * 2 + is_attacked
    summary = summarise(statistic, strata, settings.bootstrap, settings.seed, domain_of, cluster, counts=counts)
    outcomes = {"correct": correct, "label": labels, "domain": domain_of, "attacked_image": under}
    outcomes |= {
        f"withstood_{norm}_eps{budget:g}": row
        for (norm, budget), row in zip(adversarial.attacks(settings.attack()), withstood, strict=True)
    }
    remarks = unanswered(predicted[domain_of == 0], None)
    remarks["unanswered"]["share_of_attack_not_finite"] = lost
    return Evaluation(*summary, with_clusters(outcomes, cluster=cluster), passes.skipped, remarks)


def _withstood(
    network: Network,
    settings: Settings,
    paths: list[Path],
    labels: NDArray[np.int64],
    geometry: Geometry,
    passes: Passes,
) -> tuple[NDArray[np.bool_], float]:
    """Return which images withstand each budget, [budgets, n]; and at which share of points logits were not finite."""
    watched = Watched(folded(cast(nn.Module, network), stand_in(settings.crop, passes.device)))
    found = []
    block = attacked_together(settings.crop**2, passes.device)
    for at, (pixels,) in passes.batches(paths, decoder(paths, geometry), size=block):
        x, truth = shares(passes.tensor(pixels)), passes.tensor(labels[at])
        found.append(adversarial.attacked(watched, x, truth, settings.attack(), int(at[0]), passes)[1:])
    return np.concatenate(found, axis=1), watched.share()
