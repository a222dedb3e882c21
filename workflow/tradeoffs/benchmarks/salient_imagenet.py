"""Salient ImageNet: core and spurious accuracy, and relative core sensitivity, RCS.

Salient ImageNet (Singla and Feizi, ICLR 2022) marks, for classes and neural features of an ImageNet network, soft
masks of where the feature is; workers said which features are core (the object) and which spurious. Gaussian noise of
standard deviation sigma is added through a mask and the image clamped to [0, 1].

* RCS (Singla, Moayeri, Feizi 2022): the core region is the dilated pixel-wise maximum of an image's core masks.
  Core accuracy = accuracy with noise outside the core region, spurious accuracy = with noise inside it, both
  class-balanced means over trials; RCS = normalised gap (core, spurious).
* ICLR 2022 definitions (``*_by_feature``): core accuracy = accuracy with noise in the *spurious* masks, on the images
  that have one; spurious accuracy = accuracy with noise in the core masks, on images of the same classes.

Images whose core mask is empty, as it is where they have spurious features alone, are left out of what noise in or
outside of it shows; ``accuracy`` is of all images. An image whose spurious masks are empty has no spurious feature.

Also measured is the share of the gradient of the true class's lead that lies outside the core region of RCS
(:mod:`tradeoffs.benchmarks.gradient_share`), class-balanced, on images whose core region is neither everything nor
nothing. Backgrounds are not swapped here: a map of where features are is no outline to cut an object out by.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings, with_clusters
from tradeoffs.benchmarks.gradient_share import background_shares, known, parts
from tradeoffs.benchmarks.gradient_share import remarks as gradient_remarks
from tradeoffs.benchmarks.inference import Passes, shares
from tradeoffs.benchmarks.noise import corrupt, draw
from tradeoffs.benchmarks.statistics import Array, balanced_accuracy, normalised_gap, saturated, summarise
from tradeoffs.benchmarks.unanswered import unanswered
from tradeoffs.benchmarks.within_image import METRICS, refuse_useless
from tradeoffs.data import clusters, images, salient_imagenet, salient_masks
from tradeoffs.data.images import Geometry
from tradeoffs.models.answers import answers
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import InputError


@dataclass(frozen=True)
class Settings(EvaluationSettings):
    """Settings of this benchmark."""

    resize: int  # shortest side
    crop: int  # centre crop
    sigma: float  # pixel units
    trials: int
    dilation: int  # iterations; each grows the core region by two pixels along the axes


def dilate(mask: Tensor, iterations: int) -> Tensor:
    """Grow soft masks [n, 1, h, w] by two pixels along the axes per iteration, then divide each by its maximum."""
    for _ in range(iterations):
        mask = torch.maximum(F.max_pool2d(mask, (5, 1), 1, (2, 0)), F.max_pool2d(mask, (1, 5), 1, (0, 2)))
    return mask / mask.amax((1, 2, 3), keepdim=True).clamp(min=1e-12)


def evaluate(network: Network, settings: Settings, data: dict[str, Path], device: torch.device) -> Evaluation:
    """Accuracy with noise inside and outside the core region, and through the masks of single features."""
    geometry = Geometry(resize=settings.resize, crop=settings.crop)
    root = data["salient_imagenet"]
    index = salient_imagenet.read(root, root / "train", root / "mturk_results" / "discover_spurious_features.csv")
    if index.classes != settings.classes:
        raise InputError(f"{root}: images are of {index.classes} classes; the network has {settings.classes}")
    passes = Passes(device, settings.unreadable)
    kinds = ("core_region", "outside_core", "core_features", "spurious_features")
    numbers = torch.arange(settings.classes, device=device)

    def decode(i: int) -> tuple[NDArray[Any], ...]:
        pixels = images.image(index.paths[i], geometry)
        masks = [
            salient_masks.mask(group, index.paths[i], geometry) if group else np.zeros(pixels.shape[:2], np.uint8)
            for group in (index.core_masks[i], index.spurious_masks[i])
        ]
        noise = draw(settings.seed, i, settings.trials, *pixels.shape[:2])
        return pixels, *masks, noise, np.array(index.labels[i])

    def measured(pixels: Tensor, core_mask: Tensor, spurious_mask: Tensor, noise: Tensor, label: Tensor) -> Tensor:
        """Return classes [n, 1 + trials * kinds], of the clean images first; and four columns of the masks.

        Whether the core and the spurious one are not empty, whether the core region parts the image, and the gradient's
        share outside of that.
        """
        x, core, spurious = shares(pixels), shares(core_mask), shares(spurious_mask)
        region = dilate(core, settings.dilation)
        found = [answers(network(x))]
        masks = [(mask, mask.amax((1, 2, 3)).nonzero()[:, 0]) for mask in (region, 1 - region, core, spurious)]
        for trial in noise.permute(1, 0, 4, 2, 3):
            for mask, some in masks:
                # Noise through an empty mask leaves the image as it is, and most images have no spurious feature.
                answered = found[0].clone()
                if len(some):
                    noisy = corrupt(x[some], mask[some], trial[some], kind="linf", level=settings.sigma)
                    answered[some] = answers(network(noisy))
                found.append(answered)
        share = background_shares(network, x, label[:, None] == numbers, region)
        there = [mask.amax((1, 2, 3)) > 0 for mask in (core, spurious)]
        return torch.stack([*(each.double() for each in found), *there, parts(region), share], dim=1)

    at, columns = passes.over(index.paths, decode, measured)
    labels, found = index.labels[at], columns[:, :-4].astype(np.int64)
    has_core, has_spurious, parted = (columns[:, -4:-1] > 0).T
    share = np.where(parted, columns[:, -1], np.nan)
    if not has_core.any():
        raise InputError(f"{root}: no image has a core mask that is not empty; unpack the data set again")
    refuse_useless(parted, root)
    clean = found[:, 0] == labels
    trials = (found[:, 1:] == labels[:, None]).reshape(len(at), settings.trials, len(kinds))
    hits = {kind: trials[:, :, column].T for column, kind in enumerate(kinds)}

    # Classes without a spurious feature have no spurious accuracy either in the ICLR definitions.
    spurious_classes = np.unique(labels[has_spurious])
    of_spurious_class = np.isin(labels, spurious_classes)
    there = known(share)

    def mean_accuracy(kind: str, kept: NDArray[np.bool_], weights: Array) -> Array:
        """Mean over trials of the balanced accuracy, which is that of each image's share of trials."""
        return balanced_accuracy(hits[kind].mean(0)[kept], labels[kept], weights[:, kept])

    def statistic(weights: Array) -> dict[str, Array]:
        core = mean_accuracy("outside_core", has_core, weights)
        spurious = mean_accuracy("core_region", has_core, weights)
        result = {
            "accuracy": balanced_accuracy(clean, labels, weights),
            "core_accuracy": core,
            "spurious_accuracy": spurious,
            "rcs": normalised_gap(core, spurious),
        }
        if (has_core & of_spurious_class).any():
            result |= {
                "core_accuracy_by_feature": mean_accuracy("spurious_features", has_spurious, weights),
                "spurious_accuracy_by_feature": mean_accuracy("core_features", has_core & of_spurious_class, weights),
            }
        if there.any():
            result[METRICS["share"]] = balanced_accuracy(share[there], labels[there], weights[:, there])
        return result

    counts = dict.fromkeys(("core_accuracy", "spurious_accuracy", "rcs"), int(has_core.sum())) | {
        "core_accuracy_by_feature": int(has_spurious.sum()),
        "spurious_accuracy_by_feature": int((has_core & of_spurious_class).sum()),
        METRICS["share"]: int(there.sum()),
    }
    strata = labels * 4 + 2 * has_core + has_spurious
    cluster = clusters.read(clusters.Images(root, [index.paths[i] for i in at]))
    summary = summarise(statistic, strata, settings.bootstrap, settings.seed, labels, cluster, counts=counts)
    core, spurious = (float(summary.metrics[f"{name}_accuracy"]["value"]) for name in ("core", "spurious"))
    remarks = unanswered(found[:, 0], found) | {"saturated": saturated({"rcs": (core, spurious)})}
    remarks |= gradient_remarks(share[parted], len(at))
    outcomes = with_clusters(hits | {"clean": clean, "label": labels, METRICS["share"]: share}, cluster=cluster)
    return Evaluation(*summary, outcomes, passes.skipped, remarks)
