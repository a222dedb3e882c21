"""RIVAL10: relative foreground sensitivity, RFS (Moayeri, Pope, Balaji, Feizi, CVPR 2022).

A 10-class linear head is fitted on the network's frozen features of the train split. Gaussian noise is put on the
test images' foreground (object mask) or background (its complement), with a_fg and a_bg the class-balanced
accuracies:

    RFS = (a_bg - a_fg) / (2 min(a, 1 - a)),  a = (a_fg + a_bg) / 2,  0 where a is 0 or 1

Higher: relies more on the foreground. Two noise variants: ``linf`` (standard deviation sigma) and ``l2`` (the masked
noise has a fixed l2 norm, so a small mask gets stronger noise). RFS is given per level, and once over all levels of a
variant from the level-averaged accuracies, as the paper does when it compares models.

Through the same masks, and with the same head: the share of the gradient of the true class's lead that lies on the
background (:mod:`tradeoffs.benchmarks.gradient_share`), and what becomes of the answer when the background is swapped
(:mod:`tradeoffs.benchmarks.swaps`). An image lends its background without its object. Means are class-balanced too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings, with_clusters
from tradeoffs.benchmarks.headed import headed
from tradeoffs.benchmarks.inference import Passes, over_images, shares
from tradeoffs.benchmarks.noise import corrupt, draw
from tradeoffs.benchmarks.statistics import Array, Metrics, balanced_accuracy, normalised_gap, saturated, summarise
from tradeoffs.benchmarks.unanswered import unanswered
from tradeoffs.benchmarks.within_image import Answering, Objects, measure
from tradeoffs.data import clusters, decoded, images, rival10
from tradeoffs.data.images import Geometry
from tradeoffs.models.answers import answers
from tradeoffs.models.linear_probe import as_arrays, fit
from tradeoffs.models.networks import Network


@dataclass(frozen=True)
class Settings(EvaluationSettings):
    """Settings of this benchmark."""

    size: int  # images and masks are resized to size x size
    linf_levels: list[float]  # sigma, pixel units
    l2_levels: list[float]  # l2 norm of the masked noise, pixel units
    l2_penalty: float  # of the linear head

    def levels(self) -> dict[str, list[float]]:
        """Return the noise levels of each kind."""
        return {"linf": self.linf_levels, "l2": self.l2_levels}


def evaluate(network: Network, settings: Settings, data: dict[str, Path], device: torch.device) -> Evaluation:
    """Fit the head on the train split and measure the test split under noise."""
    geometry = Geometry(resize=settings.size, square=True)
    train = rival10.read(data["rival10"], "train")
    test = rival10.read(data["rival10"], "test")
    folders = [data["rival10"] / "RIVAL10" / split for split in ("train", "test")]
    for folder, split in zip(folders, (train, test), strict=True):
        rival10.check_classes(split.labels, split.class_names, folder)
    passes = Passes(device, settings.unreadable)
    at, found = over_images(passes, train.paths, geometry, network.features)
    rival10.check_classes(train.labels[at], train.class_names, folders[0])
    head = fit(found.astype(np.float64), train.labels[at], len(train.class_names), settings.l2_penalty)
    logits = headed(network, head, device)
    levels = [("linf", level) for level in settings.linf_levels] + [("l2", level) for level in settings.l2_levels]
    regions = ("foreground", "background")

    read = decoded.reader(test.paths, geometry)

    def decode(i: int) -> tuple[NDArray[Any], ...]:
        pixels = read(i)
        return pixels, images.mask([test.masks[i]], geometry), draw(settings.seed, i, 1, *pixels.shape[:2])[0]

    def predict(x: Tensor) -> Tensor:
        return answers(logits(x))

    def predictions(pixels: Tensor, masks: Tensor, noise: Tensor) -> Tensor:
        """Classes [n, 1 + 2 * levels]: of the clean images, then with noise in either region at each level."""
        x, mask, noise = shares(pixels), shares(masks), noise.permute(0, 3, 1, 2)
        found = [predict(x)]
        for kind, level in levels:
            found += [predict(corrupt(x, where, noise, kind=kind, level=level)) for where in (mask, 1 - mask)]
        return torch.stack(found, dim=1)

    at, predicted = passes.over(test.paths, decode, predictions)
    labels = test.labels[at]
    rival10.check_classes(labels, test.class_names, folders[1])
    outcomes = ["clean"] + [f"{region}_{kind}_{level:g}" for kind, level in levels for region in regions]
    correct = {name: predicted[:, column] == labels for column, name in enumerate(outcomes)}
    numbers = torch.arange(len(test.class_names), device=device)
    answering = Answering(logits, answers, lambda of: of[:, None] == numbers)
    objects = Objects(test.paths, test.masks, test.labels, test.paths, test.masks)
    within = measure(passes, objects, at, geometry, answering, settings.seed)

    def statistic(weights: Array) -> dict[str, Array]:
        found = {"accuracy": balanced_accuracy(correct["clean"], labels, weights)}
        for kind in ("linf", "l2"):
            means = {}
            for region in regions:
                names = [f"{region}_{kind}_{level:g}" for level in settings.levels()[kind]]
                for name in names:
                    found[f"accuracy_{name}"] = balanced_accuracy(correct[name], labels, weights)
                means[region] = np.mean([found[f"accuracy_{name}"] for name in names], axis=0)
                found[f"accuracy_{region}_{kind}"] = means[region]
            for level in settings.levels()[kind]:
                a, b = (found[f"accuracy_{region}_{kind}_{level:g}"] for region in ("background", "foreground"))
                found[f"rfs_{kind}_{level:g}"] = normalised_gap(a, b)
            found[f"rfs_{kind}"] = normalised_gap(means["background"], means["foreground"])
        return found | within.means(lambda of, there: balanced_accuracy(of, labels[there], weights[:, there]))

    cluster = clusters.read(clusters.Images(data["rival10"], [test.paths[i] for i in at]))
    summary = summarise(statistic, labels, settings.bootstrap, settings.seed, clusters=cluster, counts=within.counts())
    remarks = unanswered(predicted[:, 0], predicted) | {"saturated": saturated(pairs(summary.metrics, settings))}
    remarks |= within.remarks
    kept = with_clusters(correct | within.values | {"label": labels} | as_arrays(head), cluster=cluster)
    return Evaluation(*summary, kept, passes.skipped, remarks)


def pairs(metrics: Metrics, settings: Settings) -> dict[str, tuple[float, float]]:
    """Return the two accuracies, under noise in the background and in the foreground, that each RFS is the gap of."""
    found: dict[str, tuple[float, float]] = {}
    for kind, levels in settings.levels().items():
        for noise in (*(f"{kind}_{level:g}" for level in levels), kind):
            behind, in_front = (
                float(metrics[f"accuracy_{region}_{noise}"]["value"]) for region in ("background", "foreground")
            )
            found[f"rfs_{noise}"] = behind, in_front
    return found
