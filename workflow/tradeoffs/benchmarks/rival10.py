"""RIVAL10: relative foreground sensitivity, RFS (Moayeri, Pope, Balaji, Feizi, CVPR 2022).

A 10-class linear head is fitted on the network's frozen features of the train split. Gaussian noise is put on the
test images' foreground (object mask) or background (its complement), with a_fg and a_bg the class-balanced
accuracies:

    RFS = (a_bg - a_fg) / (2 min(a, 1 - a)),  a = (a_fg + a_bg) / 2,  0 where a is 0 or 1

Higher: relies more on the foreground. Two noise variants: ``linf`` (standard deviation sigma) and ``l2`` (the masked
noise has a fixed l2 norm, so a small mask gets stronger noise). RFS is given per level, and once over all levels of a
variant from the level-averaged accuracies, as the paper does when it compares models.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tradeoffs.benchmarks.evaluation import Evaluation, run
from tradeoffs.benchmarks.noise import corrupt, draw
from tradeoffs.benchmarks.predict import features, to_tensor
from tradeoffs.benchmarks.statistics import Array, balanced_accuracy, normalised_gap, summarise
from tradeoffs.data import images, rival10
from tradeoffs.data.images import Geometry
from tradeoffs.errors import exit_code
from tradeoffs.models.linear_head import fit
from tradeoffs.models.networks import Network

SPEC: dict[str, type | tuple[type, ...]] = {
    "size": int,  # images and masks are resized to size x size
    "linf_levels": list,  # sigma, pixel units
    "l2_levels": list,  # l2 norm of the masked noise, pixel units
    "l2_penalty": float,  # of the linear head
    "batch_size": int,
}


def evaluate(network: Network, spec: dict[str, Any], roots: dict[str, Path], device: torch.device) -> Evaluation:
    """Fit the head on the train split and measure the test split under noise."""
    geometry = Geometry(resize=spec["size"], square=True)
    train = rival10.read(roots["rival10"], "train")
    test = rival10.read(roots["rival10"], "test")
    head = fit(
        features(network, train.paths, geometry, spec["batch_size"], device),
        train.labels,
        len(train.class_names),
        spec["l2_penalty"],
    )

    def is_correct(x: torch.Tensor, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        with torch.no_grad():
            found = network.features(x).double().cpu().numpy()
        hit: NDArray[np.bool_] = head.logits(found).argmax(1) == labels
        return hit

    levels = [("linf", level) for level in spec["linf_levels"]] + [("l2", level) for level in spec["l2_levels"]]
    outcomes: dict[str, list[NDArray[np.bool_]]] = {"clean": []}
    pictures = images.batches(test.paths, geometry, spec["batch_size"])
    masks = images.mask_batches([[mask] for mask in test.masks], geometry, spec["batch_size"])
    start = 0
    for pixels, soft in zip(pictures, masks, strict=True):
        x, mask = to_tensor(pixels, device), torch.from_numpy(soft).to(device)
        labels = test.labels[start : start + len(x)]
        noise = draw(x.shape, spec["seed"] + start, device)
        start += len(x)
        outcomes["clean"].append(is_correct(x, labels))
        for kind, level in levels:
            for region, where in (("foreground", mask), ("background", 1 - mask)):
                hits = is_correct(corrupt(x, where, noise, kind=kind, level=level), labels)
                outcomes.setdefault(f"{region}_{kind}_{level:g}", []).append(hits)
    correct = {name: np.concatenate(parts) for name, parts in outcomes.items()}

    def statistic(weights: Array) -> dict[str, Array]:
        found = {"accuracy": balanced_accuracy(correct["clean"], test.labels, weights)}
        for kind in ("linf", "l2"):
            means = {}
            for region in ("foreground", "background"):
                names = [f"{region}_{kind}_{level:g}" for level in spec[f"{kind}_levels"]]
                for name in names:
                    found[f"accuracy_{name}"] = balanced_accuracy(correct[name], test.labels, weights)
                means[region] = np.mean([found[f"accuracy_{name}"] for name in names], axis=0)
            for level in spec[f"{kind}_levels"]:
                a, b = (found[f"accuracy_{region}_{kind}_{level:g}"] for region in ("background", "foreground"))
                found[f"rfs_{kind}_{level:g}"] = normalised_gap(a, b)
            found[f"rfs_{kind}"] = normalised_gap(means["background"], means["foreground"])
        return found

    metrics, draws = summarise(statistic, test.labels, spec["bootstrap"], spec["seed"])
    return Evaluation(metrics, draws, correct | {"label": test.labels})


def main() -> None:
    """Command line of the step."""
    run("rival10", SPEC, ("rival10",), evaluate, "RIVAL10: relative foreground sensitivity of one model")


if __name__ == "__main__":
    sys.exit(exit_code(main))
