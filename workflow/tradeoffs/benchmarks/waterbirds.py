"""Waterbirds: worst-group accuracy (Sagawa, Koh, Hashimoto, Liang, ICLR 2020).

Landbirds and waterbirds on land and water backgrounds; in training, 95 % of the birds are on their own background. A
linear head on the network's frozen features is fitted on the train split and measured on the test split, in which
backgrounds are balanced within each class.

* Group = 2 * bird + place. Worst-group accuracy = least of the four group accuracies.
* Adjusted average = group accuracies weighted by the train split's group sizes.
* Background-swap gap = accuracy on birds on their own background minus accuracy on birds on the other one, mean of
  the two classes: higher relies more on the background. (The published set ships no masks, so the swap is between
  birds, not within one.)
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings
from tradeoffs.benchmarks.inference import Passes, over_images
from tradeoffs.benchmarks.statistics import Array, group_accuracies, summarise
from tradeoffs.benchmarks.unanswered import unanswered
from tradeoffs.data import waterbirds
from tradeoffs.data.images import Geometry
from tradeoffs.models.answers import answers
from tradeoffs.models.linear_probe import fit
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
    head = fit(train_features.astype(np.float64), train.y[at_train], 2, settings.l2_penalty)
    predicted = answers(torch.from_numpy(head.logits(features.astype(np.float64)))).numpy()
    correct = predicted == test.y[at]
    shares = np.bincount(train_group, minlength=4) / len(train_group)

    def statistic(weights: Array) -> dict[str, Array]:
        groups = group_accuracies(correct, group, weights)
        own, other = groups[:, [0, 3]].mean(1), groups[:, [1, 2]].mean(1)
        return {f"accuracy_{name}": groups[:, g] for g, name in enumerate(GROUPS)} | {
            "worst_group_accuracy": groups.min(1),
            "adjusted_average_accuracy": groups @ shares,
            "background_swap_gap": own - other,
        }

    metrics, draws = summarise(statistic, group, settings.bootstrap, settings.seed)
    return Evaluation(metrics, draws, {"correct": correct, "group": group}, passes.skipped, unanswered(predicted))
