"""Adversarial accuracy over l1, l2 and linf budgets, where a spurious correlation holds and where it does not.

White-box attacks of :mod:`tradeoffs.attacks.strong`. Accuracy at a budget is that under the strongest of the attacks
run at
it; an image that withstands a budget withstands the smaller ones. A domain is a validation folder: in the miniature
``val`` keeps the training world's spurious correlation and ``val_decorrelated`` breaks it. Beside the accuracies stands
the mean distance to the decision boundary (:mod:`tradeoffs.benchmarks.margins`), which no attack and no budget decides.

The card says whether the network seems to mask its gradients, so that the accuracies are not to be believed
(:mod:`tradeoffs.attacks.gradient_masking`; checked on some images of the whole first domain by name), and at which
share of the points that the attacks visited its logits were not finite: there an image counts as fooled.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tradeoffs.attacks.folding import folded, stand_in
from tradeoffs.attacks.gradient_masking import IMAGES, Signs, signs, suspicions, together
from tradeoffs.attacks.pgd import Loss
from tradeoffs.attacks.strong import accuracy_curve
from tradeoffs.benchmarks.attack_metrics import Attack, margin_name, metric_name
from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings, with_clusters
from tradeoffs.benchmarks.inference import Passes, decoder, decoder_for_all, shares
from tradeoffs.benchmarks.margins import distances
from tradeoffs.benchmarks.statistics import Array, Metrics, Resampled, accuracy, summarise
from tradeoffs.benchmarks.unanswered import Watched, unanswered
from tradeoffs.benchmarks.validation import read_validation
from tradeoffs.compute.batching import attacked_together, halved
from tradeoffs.compute.memory import is_out_of_memory
from tradeoffs.data import clusters
from tradeoffs.data.images import Geometry
from tradeoffs.data.listing import spread
from tradeoffs.models.answers import answers
from tradeoffs.models.ids import pixel_epsilon
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import InputError


@dataclass(frozen=True)
class Settings(EvaluationSettings):
    """Settings of this benchmark."""

    resize: int  # shortest side
    crop: int  # centre crop
    images: int  # images attacked in each domain, spread evenly over the classes
    domains: dict[str, str]  # name in the metrics -> validation folder
    budgets: dict[str, list[float]]  # l1 and l2 in pixel units, linf in 1/255
    steps: int  # of an attack
    restarts: int  # attacks at each budget, the further ones longer and on fewer images


def evaluate(network: Network, settings: Settings, data: dict[str, Path], device: torch.device) -> Evaluation:
    """Which images of each domain withstand each budget."""
    if not settings.domains:
        raise InputError("settings: domains is empty; expected a name and a folder of images, as {val: val}")
    geometry = Geometry(resize=settings.resize, crop=settings.crop)
    passes = Passes(device, settings.unreadable)
    paths, labels, domain_of = chosen_images(settings, data["imagenet"])
    # The domains are attacked together: the more images, the more are left of a batch when most are fooled.
    block = attacked_together(settings.crop**2, device)
    logits = folded(cast(nn.Module, network), stand_in(settings.crop, device))
    watched = Watched(logits)
    read: list[NDArray[np.int64]] = []
    outcomes: list[NDArray[np.bool_]] = []
    clean: list[Tensor] = []
    margins: list[Tensor] = []
    for at, (pixels,) in passes.batches(paths, decoder_for_all(paths, geometry), size=block):
        truth, x = passes.tensor(labels[at]), shares(passes.tensor(pixels))
        with torch.no_grad():
            clean += passes.in_parts(lambda some: answers(logits(shares(passes.tensor(some)))), pixels)
        margins += passes.in_parts(
            lambda some, of: distances(logits, shares(passes.tensor(some)), passes.tensor(of)), pixels, labels[at]
        )
        outcomes.append(attacked(watched, x, truth, settings, int(at[0]), passes))
        read.append(at)
    remarks = unanswered(torch.cat(clean).cpu().numpy())
    remarks["unanswered"]["share_of_attack_not_finite"] = lost = watched.share()
    kept, withstood = np.concatenate(read), np.concatenate(outcomes, axis=1)
    distance = torch.cat(margins).cpu().numpy()
    robust: dict[str, NDArray[np.bool_] | Array] = {}
    strata: dict[str, NDArray[np.int64]] = {}
    cluster: dict[str, NDArray[np.int64] | None] = {}
    names: dict[str, list[str]] = {}
    for number, domain in enumerate(in_order(settings)):
        folder = settings.domains[domain]
        own = domain_of[kept] == number
        if own.sum() < 2:
            count = "one" if own.any() else "none"
            raise InputError(
                f"{data['imagenet'] / folder}: {count} of {settings.images} images can be read; expected at least two"
            )
        strata[domain] = labels[kept][own]
        cluster[domain] = clusters.read(clusters.Images(data["imagenet"], [paths[i] for i in kept[own]]))
        names[domain] = [metric_name(Attack(domain))] + [
            metric_name(Attack(domain, norm, budget)) for norm, budget in attacks(settings)
        ]
        robust |= dict(zip(names[domain], withstood[:, own], strict=True))
        names[domain].append(margin_name(domain))
        robust[names[domain][-1]] = distance[own]

    metrics: Metrics = {}
    draws: dict[str, NDArray[np.float32]] = {}
    resampled: list[Resampled] = []
    for domain, labels_of_domain in strata.items():

        def statistic(weights: Array, domain: str = domain) -> dict[str, Array]:
            return {name: accuracy(robust[name], weights) for name in names[domain]}

        of_domain = summarise(statistic, labels_of_domain, settings.bootstrap, settings.seed, clusters=cluster[domain])
        metrics |= of_domain.metrics
        draws |= of_domain.draws
        resampled.append(of_domain.resampled)
    first = domain_of[kept] == 0
    found = look_for_masking(
        logits,
        [paths[i] for i in kept[first]],
        labels[kept][first],
        withstood[:, first],
        settings,
        geometry,
        block,
        passes,
    )
    suspicion = suspicions(found)
    if lost > 0:
        suspicion.append(f"logits that are not finite at {lost:.2g} of the points that attacks visited")
    remarks |= {"suspicion": suspicion, "masking": found._asdict()}
    # Domains are drawn apart, from the same seed: the same units where they have the same. The card says the fewest.
    fewest = min(resampled, key=lambda domain: domain.units - domain.strata)
    found_outcomes = with_clusters(robust, **{f"cluster_{domain}": of_domain for domain, of_domain in cluster.items()})
    return Evaluation(metrics, draws, fewest, found_outcomes, passes.skipped, remarks)


def in_order(settings: Settings) -> list[str]:
    """Return the names of the domains in the order in which they are attacked, whatever the order they came in.

    Random starts go on from one to the next, and signs of masked gradients are looked for in the first.
    """
    return sorted(settings.domains)


def chosen_images(settings: Settings, root: Path) -> tuple[list[Path], NDArray[np.int64], NDArray[np.int64]]:
    """Return paths, labels and the number of the domain of the images to attack, domain by domain."""
    paths: list[Path] = []
    labels: list[NDArray[np.int64]] = []
    domain_of: list[NDArray[np.int64]] = []
    for number, domain in enumerate(in_order(settings)):
        index = read_validation(root, settings.domains[domain], settings.classes)
        chosen = spread(len(index.paths), settings.images)
        paths += [index.paths[i] for i in chosen]
        labels.append(index.labels[chosen])
        domain_of.append(np.full(len(chosen), number))
    return paths, np.concatenate(labels), np.concatenate(domain_of)


def attacks(settings: Settings) -> list[tuple[str, float]]:
    """All (norm, budget) pairs, in the order of the results."""
    return [(norm, budget) for norm, budgets in settings.budgets.items() for budget in budgets]


def attacked(
    logits: Loss, x: Tensor, labels: Tensor, settings: Settings, start: int, passes: Passes
) -> NDArray[np.bool_]:
    """Whether each of a block of images is classified correctly, and withstands each attack: [1 + attacks, n].

    Random starts are drawn for the block as a whole, from the seed and the block's first position, so that they do
    not depend on how many images fit into the GPU's memory at once.
    """
    seed = int(np.random.SeedSequence([settings.seed, start]).generate_state(1)[0])
    while True:
        size = min(passes.largest, len(x))
        try:
            curves = [
                accuracy_curve(
                    in_parts(logits, size),
                    x,
                    labels,
                    norm=norm,
                    epsilons=[0.0, *(pixel_epsilon(norm, budget) for budget in budgets)],
                    steps=settings.steps,
                    restarts=settings.restarts,
                    generator=torch.Generator(x.device).manual_seed(seed),
                    batch_size=len(x),
                )
                for norm, budgets in (settings.budgets or {"linf": []}).items()
            ]
            return torch.cat([curves[0][:1], *(curve[1:] for curve in curves)]).cpu().numpy()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        passes.largest = halved(size)


def look_for_masking(
    logits: Loss,
    paths: list[Path],
    labels: NDArray[np.int64],
    withstood: NDArray[np.bool_],
    settings: Settings,
    geometry: Geometry,
    block: int,
    passes: Passes,
) -> Signs:
    """Check at most IMAGES of the correctly classified images, spread evenly, at the largest budget of each norm.

    ``withstood`` [1 + attacks, n] is what :func:`attacked` returned for the images at ``paths`` [n], which are read
    again, ``block`` at once.
    """
    correct = np.flatnonzero(withstood[0])
    some = correct[spread(len(correct), IMAGES)]
    if not len(some):
        return together([])
    strongest = {
        norm: (budget, row)
        for row, (norm, budget) in enumerate(attacks(settings), start=1)
        if budget == max(settings.budgets[norm])
    }
    chosen = [paths[i] for i in some]
    found: list[tuple[int, Signs]] = []
    for at, (pixels,) in passes.batches(chosen, decoder(chosen, geometry), size=block):
        own = some[at]
        of_part = signs(
            in_parts(logits, min(passes.largest, len(at))),
            shares(passes.tensor(pixels)),
            passes.tensor(labels[own]),
            {
                (norm, pixel_epsilon(norm, budget)): passes.tensor(withstood[row, own])
                for norm, (budget, row) in strongest.items()
            },
            steps=settings.steps,
            generator=torch.Generator(passes.device).manual_seed(settings.seed + int(at[0])),
        )
        found.append((len(at), of_part))
    return together(found)


def in_parts(logits: Loss, size: int) -> Loss:
    """Return the network for batches of which only ``size`` images fit at once; gradients then cost a pass more."""

    def parted(x: Tensor) -> Tensor:
        if len(x) <= size:
            return logits(x)
        if not torch.is_grad_enabled():
            return torch.cat([logits(part) for part in x.split(size)])
        return torch.cat([checkpoint(logits, part, use_reentrant=False) for part in x.split(size)])

    return parted
