"""Waterbirds: worst-group accuracy (Sagawa, Koh, Hashimoto, Liang, ICLR 2020).

Landbirds and waterbirds on land and water backgrounds; in training, 95 % of the birds are on their own background. A
linear head on the network's frozen features is fitted on the train split and measured on the test split, in which
backgrounds are balanced within each class.

* Group = 2 * bird + place. Worst-group accuracy = least of the four group accuracies.
* Adjusted average = group accuracies weighted by the train split's group sizes.
* Background-swap gap = accuracy on birds on their own background minus accuracy on birds on the other one, mean of
  the two classes: higher relies more on the background. (The published set ships no masks, so the swap is between
  birds, not within one.)

Intervals are over test images and over the images that the head is fitted on: the head of each bootstrap draw is
refitted to the training images that it drew.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings, with_clusters
from tradeoffs.benchmarks.inference import Passes, over_images
from tradeoffs.benchmarks.statistics import Array, group_accuracies, resample, summarise_draws
from tradeoffs.benchmarks.unanswered import unanswered
from tradeoffs.data import clusters, waterbirds
from tradeoffs.data.images import Geometry
from tradeoffs.models.answers import answers
from tradeoffs.models.linear_probe import as_arrays, fit, refitted
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import InputError


@dataclass(frozen=True)
class Settings(EvaluationSettings):
    """Settings of this benchmark."""

    resize: int  # both sides
    crop: int  # centre crop
    l2_penalty: float  # of the linear head


GROUPS = ("landbird_on_land", "landbird_on_water", "waterbird_on_land", "waterbird_on_water")


def evaluate(network: Network, settings: Settings, data: dict[str, Path], device: torch.device) -> Evaluation:
    """Fit the head on the train split and measure the four groups of the test split."""
    root = data["waterbirds"]
    geometry = Geometry(resize=settings.resize, square=True, crop=settings.crop)
    train, test = waterbirds.read(root, "train"), waterbirds.read(root, "test")
    passes = Passes(device, settings.unreadable)
    at_train, train_features = over_images(passes, train.paths, geometry, network.features)
    at, features = over_images(passes, test.paths, geometry, network.features)
    train_group, group = train.group[at_train], test.group[at]
    for split, present, fewest in (("train", train_group, 1), ("test", group, 2)):
        for name, size in zip(GROUPS, np.bincount(present, minlength=4), strict=True):
            if size < fewest:
                raise InputError(
                    f"{root}: {split} split has {size or 'no'} image of group {name}; expected at least {fewest}"
                    f"{' (one has no interval)' if size else ''}; unpack it again"
                )
    train_features, features = train_features.astype(np.float64), features.astype(np.float64)
    y_train, y = train.y[at_train], test.y[at]
    head = fit(train_features, y_train, 2, settings.l2_penalty)
    predicted = answers(torch.from_numpy(head.logits(features))).numpy()
    correct = predicted == y
    shares = np.bincount(train_group, minlength=4) / len(train_group)

    # Test and training images are drawn together: in the miniature they share photographs.
    n = len(y)
    cluster = clusters.read(clusters.Images(root, [test.paths[i] for i in at] + [train.paths[i] for i in at_train]))
    strata, which = np.concatenate([group, train_group + 4]), np.repeat([0, 1], [n, len(y_train)])
    weights, resampled = resample(strata, settings.bootstrap, settings.seed, which, cluster)
    heads = refitted(head, train_features, y_train, settings.l2_penalty, weights[:, n:])

    def measured(answered: NDArray[np.bool_], weights: Array) -> dict[str, Array]:
        groups = group_accuracies(answered, group, weights)
        own, other = groups[:, [0, 3]].mean(1), groups[:, [1, 2]].mean(1)
        return {f"accuracy_{name}": groups[:, g] for g, name in enumerate(GROUPS)} | {
            "worst_group_accuracy": groups.min(1),
            "adjusted_average_accuracy": groups @ shares,
            "background_swap_gap": own - other,
        }

    def with_heads(weights: Array, draws: slice) -> dict[str, Array]:
        margins = heads.of(features, draws)
        return measured(np.where(y == 1, margins > 0, margins < 0), weights)  # wrong where it is 0 or not finite

    # A head of redrawn images has seen fewer different ones, and is another on average. What all draws share of that is
    # no uncertainty, and is taken out: beside draws of the same test images with the one head, as some photographs are
    # in both, and a head is better on those that were drawn for it.
    value = measured(correct, np.ones((1, n)))
    of_all = summarise_draws(
        lambda w, draws: value if draws is None else with_heads(w, draws), weights[:, :n], resampled
    )
    of_one = summarise_draws(lambda w, _: measured(correct, w), weights[:, :n], resampled)
    shift = {
        name: of_all.draws[name].mean(dtype=np.float64) - of_one.draws[name].mean(dtype=np.float64) for name in value
    }

    def statistic(weights: Array, draws: slice | None) -> dict[str, Array]:
        if draws is None:
            return value
        return {name: found - shift[name] for name, found in with_heads(weights, draws).items()}

    counts = {f"accuracy_{name}": int((group == g).sum()) for g, name in enumerate(GROUPS)}
    summary = summarise_draws(statistic, weights[:, :n], resampled, counts=counts)
    outcomes = {"correct": correct, "group": group, "train_group": train_group} | as_arrays(head)
    if cluster is not None:
        outcomes = with_clusters(outcomes, cluster=cluster[:n], train_cluster=cluster[n:])
    return Evaluation(*summary, outcomes, passes.skipped, unanswered(predicted))
