"""ImageNet-9, the Backgrounds Challenge (Xiao, Engstrom, Ilyas, Madry, ICLR 2021).

A prediction among the network's classes is mapped to one of the super-classes; a class that belongs to none counts as
wrong. Accuracy is measured on each of the eight variants of the same foregrounds.

    BG-gap = accuracy(mixed_same) - accuracy(mixed_rand)

How much a background of the foreground's own class helps over one of a random class: higher relies more on the
background. Challenge accuracy: the share of foregrounds that no background of the set turns into an error, pasted
through their masks; it depends on how many foregrounds and backgrounds are crossed, which the card states.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.evaluation import Evaluation, run
from tradeoffs.benchmarks.predict import logits, to_tensor
from tradeoffs.benchmarks.statistics import Array, accuracy, summarise
from tradeoffs.data import imagenet9, images
from tradeoffs.data.images import Geometry
from tradeoffs.errors import InputError, exit_code
from tradeoffs.models.networks import Network

SPEC: dict[str, type | tuple[type, ...]] = {
    "challenge_foregrounds": int,  # crossed with ...
    "challenge_backgrounds": int,  # ... this many backgrounds, spread evenly over the set; 0: no challenge
    "batch_size": int,
}


def evaluate(network: Network, spec: dict[str, Any], roots: dict[str, Path], device: torch.device) -> Evaluation:
    """Accuracy on every variant, the gap, and the challenge."""
    root = roots["imagenet9"]
    mapping = imagenet9.class_mapping(root / "in_to_in9.json", spec["classes"])
    correct: dict[str, NDArray[np.bool_]] = {}
    names: dict[str, list[str]] = {}
    for variant in imagenet9.VARIANTS:
        index = imagenet9.read(root, variant)
        found = logits(network, index.paths, Geometry(), spec["batch_size"], device).argmax(1).numpy()
        correct[variant] = mapping[found] == index.labels
        names[variant] = [path.name for path in index.paths]
        labels = index.labels
    for variant in imagenet9.VARIANTS:
        if names[variant] != names["original"]:
            raise InputError(f"{root}: variant {variant} does not hold the images of variant original; unpack it again")

    chosen, withstood = challenge(network, mapping, spec, root, device)

    def statistic(weights: Array) -> dict[str, Array]:
        result = {f"accuracy_{variant}": accuracy(hit, weights) for variant, hit in correct.items()}
        result["bg_gap"] = result["accuracy_mixed_same"] - result["accuracy_mixed_rand"]
        if len(chosen):
            result["challenge_accuracy"] = accuracy(withstood, weights[:, chosen])
        return result

    strata = labels * 2 + np.isin(np.arange(len(labels)), chosen)
    metrics, draws = summarise(statistic, strata, spec["bootstrap"], spec["seed"])
    outcomes = correct | {"challenge": withstood, "challenge_image": chosen, "label": labels}
    return Evaluation(metrics, draws, outcomes)


def challenge(
    network: Network, mapping: NDArray[np.int64], spec: dict[str, Any], root: Path, device: torch.device
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which foregrounds were tried (positions among the images) and whether each withstood every background."""
    foregrounds = imagenet9.foregrounds(root)
    tiled = imagenet9.read(root, "only_bg_t")
    chosen = spread(len(foregrounds.paths), spec["challenge_foregrounds"])
    behind = spread(len(tiled.paths), spec["challenge_backgrounds"])
    if not len(chosen) or not len(behind):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    fronts = to_tensor(images.load([foregrounds.paths[i] for i in chosen], Geometry()), device)
    mask = torch.from_numpy(images.load_masks([foregrounds.masks[i] for i in chosen])).to(device)
    super_class = torch.from_numpy(mapping).to(device)
    labels = torch.from_numpy(foregrounds.labels[chosen]).to(device)
    standing = torch.arange(len(chosen), device=device)
    for pixels in images.batches([tiled.paths[i] for i in behind], Geometry(), 1):
        if len(standing) == 0:
            break
        background = to_tensor(pixels, device)
        hit = [
            super_class[paste(network, fronts[part], mask[part], background)] == labels[part]
            for part in standing.split(spec["batch_size"])
        ]
        standing = standing[torch.cat(hit)]
    return chosen, np.isin(np.arange(len(chosen)), standing.cpu().numpy())


@torch.no_grad()
def paste(network: Network, fronts: Tensor, mask: Tensor, background: Tensor) -> Tensor:
    """Predicted classes [n] of foregrounds [n, 3, h, w] pasted through masks [n, 1, h, w] on one background."""
    return network(fronts * mask + background * (1 - mask)).argmax(1)


def spread(n: int, wanted: int) -> NDArray[np.int64]:
    """Positions of at most ``wanted`` of ``n`` items, spread evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, wanted)).astype(np.int64)) if wanted else np.zeros(0, dtype=np.int64)


def main() -> None:
    """Command line of the step."""
    run("imagenet9", SPEC, ("imagenet9",), evaluate, "ImageNet-9: background gap of one model")


if __name__ == "__main__":
    sys.exit(exit_code(main))
