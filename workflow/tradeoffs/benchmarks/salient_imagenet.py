"""Salient ImageNet: core and spurious accuracy, and relative core sensitivity, RCS.

Salient ImageNet (Singla and Feizi, ICLR 2022) marks, for classes and neural features of an ImageNet network, soft
masks of where the feature is; workers said which features are core (the object) and which spurious. Gaussian noise of
standard deviation sigma is added through a mask and the image clamped to [0, 1].

* RCS (Singla, Moayeri, Feizi 2022): the core region is the dilated pixel-wise maximum of an image's core masks.
  Core accuracy = accuracy with noise outside the core region, spurious accuracy = with noise inside it, both
  class-balanced means over trials; RCS = normalised gap (core, spurious).
* ICLR 2022 definitions (``*_by_feature``): core accuracy = accuracy with noise in the *spurious* masks, on the images
  that have one; spurious accuracy = accuracy with noise in the core masks, on images of the same classes.

Images with an empty core mask are left out.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.evaluation import Evaluation, run
from tradeoffs.benchmarks.noise import corrupt, draw
from tradeoffs.benchmarks.predict import to_tensor
from tradeoffs.benchmarks.statistics import Array, balanced_accuracy, normalised_gap, summarise
from tradeoffs.data import images, salient_imagenet
from tradeoffs.data.images import Geometry
from tradeoffs.errors import exit_code
from tradeoffs.models.networks import Network

SPEC: dict[str, type | tuple[type, ...]] = {
    "resize": int,  # shortest side
    "crop": int,  # centre crop
    "sigma": float,  # pixel units
    "trials": int,
    "dilation": int,  # iterations; each grows the core region by two pixels along the axes
    "batch_size": int,
}


def dilate(mask: Tensor, iterations: int) -> Tensor:
    """Grow soft masks [n, 1, h, w] by two pixels along the axes per iteration, then divide each by its maximum."""
    for _ in range(iterations):
        mask = torch.maximum(F.max_pool2d(mask, (5, 1), 1, (2, 0)), F.max_pool2d(mask, (1, 5), 1, (0, 2)))
    return mask / mask.amax((1, 2, 3), keepdim=True).clamp(min=1e-12)


def union(groups: list[list[Path]], geometry: Geometry, like: Tensor) -> Tensor:
    """Pixel-wise maximum of each image's masks, [n, 1, h, w]; zero for an image without any."""
    result = like.new_zeros(len(like), 1, *like.shape[2:])
    some = [i for i, group in enumerate(groups) if group]
    if some:
        result[some] = torch.from_numpy(images.load_mask_unions([groups[i] for i in some], geometry)).to(like)
    return result


def evaluate(network: Network, spec: dict[str, Any], roots: dict[str, Path], device: torch.device) -> Evaluation:
    """Accuracy with noise inside and outside the core region, and through the masks of single features."""
    geometry = Geometry(resize=spec["resize"], crop=spec["crop"])
    root = roots["salient_imagenet"]
    index = salient_imagenet.read(root, root / "train", root / "mturk_results" / "discover_spurious_features.csv")
    n = len(index.paths)
    kinds = ("core_region", "outside_core", "core_features", "spurious_features")
    hits = {kind: np.zeros((spec["trials"], n), dtype=bool) for kind in kinds}
    clean = np.zeros(n, dtype=bool)
    has_core = np.array([bool(masks) for masks in index.core_masks])
    has_spurious = np.array([bool(masks) for masks in index.spurious_masks])

    def is_correct(x: Tensor, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        with torch.no_grad():
            hit: NDArray[np.bool_] = network(x).argmax(1).cpu().numpy() == labels
        return hit

    for start in range(0, n, spec["batch_size"]):
        part = slice(start, start + spec["batch_size"])
        labels = index.labels[part]
        x = to_tensor(images.load(index.paths[part], geometry), device)
        core = union(index.core_masks[part], geometry, x)
        spurious = union(index.spurious_masks[part], geometry, x)
        has_core[part] &= core.amax((1, 2, 3)).cpu().numpy() > 0
        region = dilate(core, spec["dilation"])
        where = dict(zip(kinds, (region, 1 - region, core, spurious), strict=True))
        clean[part] = is_correct(x, labels)
        for trial in range(spec["trials"]):
            noise = draw(x.shape, spec["seed"] + 7919 * trial + start, device)
            for kind, mask in where.items():
                corrupted = corrupt(x, mask, noise, kind="linf", level=spec["sigma"])
                hits[kind][trial, part] = is_correct(corrupted, labels)

    # Classes without a spurious feature have no spurious accuracy either in the ICLR definitions.
    spurious_classes = np.unique(index.labels[has_spurious])
    of_spurious_class = np.isin(index.labels, spurious_classes)

    def mean_accuracy(kind: str, kept: NDArray[np.bool_], weights: Array) -> Array:
        trials = [balanced_accuracy(hit[kept], index.labels[kept], weights[:, kept]) for hit in hits[kind]]
        mean: Array = np.mean(trials, axis=0)
        return mean

    def statistic(weights: Array) -> dict[str, Array]:
        core = mean_accuracy("outside_core", has_core, weights)
        spurious = mean_accuracy("core_region", has_core, weights)
        return {
            "accuracy": balanced_accuracy(clean, index.labels, weights),
            "core_accuracy": core,
            "spurious_accuracy": spurious,
            "rcs": normalised_gap(core, spurious),
            "core_accuracy_by_feature": mean_accuracy("spurious_features", has_spurious, weights),
            "spurious_accuracy_by_feature": mean_accuracy("core_features", has_core & of_spurious_class, weights),
        }

    strata = index.labels * 4 + 2 * has_core + has_spurious
    metrics, draws = summarise(statistic, strata, spec["bootstrap"], spec["seed"])
    return Evaluation(metrics, draws, hits | {"clean": clean, "label": index.labels})


def main() -> None:
    """Command line of the step."""
    run("salient_imagenet", SPEC, ("salient_imagenet",), evaluate, "Salient ImageNet: RCS of one model")


if __name__ == "__main__":
    sys.exit(exit_code(main))
