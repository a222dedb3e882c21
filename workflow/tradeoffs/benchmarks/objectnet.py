"""ObjectNet: accuracy drop under shifts of viewpoint, rotation and background (Barbu et al., NeurIPS 2019).

Measured on the classes that ObjectNet shares with the network's own, by two protocols:

* ``official``: argmax over all classes, mapped to ObjectNet; a prediction outside the shared classes is wrong.
* ``restricted``: argmax over the shared classes only (Taori et al. 2020, testbed), which gives higher numbers.

The same protocol on the validation images of the shared classes is the accuracy to compare with.
Drop = validation - ObjectNet. Relative drop = drop / validation: the raw drop shrinks as a weak model nears zero.
Effective robustness needs a set of standard models and is added in the summary. No head is ever fitted on ObjectNet
(its licence forbids it).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.evaluation import Evaluation, run
from tradeoffs.benchmarks.predict import logits
from tradeoffs.benchmarks.statistics import Array, accuracy, summarise
from tradeoffs.data import imagenet, objectnet
from tradeoffs.data.images import Geometry
from tradeoffs.errors import InputError, exit_code
from tradeoffs.models.networks import Network

SPEC: dict[str, type | tuple[type, ...]] = {
    "resize": int,  # shortest side
    "crop": int,  # centre crop
    "border": int,  # pixels cut from each side of an ObjectNet image (its red border)
    "batch_size": int,
}
PROTOCOLS = ("official", "restricted")


def predict(found: Tensor, mapping: NDArray[np.int64], protocol: str) -> NDArray[np.int64]:
    """ObjectNet classes [n], or -1, from logits [n, classes] and the class mapping [classes] (-1: not shared)."""
    if protocol == "restricted":
        found = found.masked_fill(torch.from_numpy(mapping < 0), -torch.inf)
    predicted: NDArray[np.int64] = mapping[found.argmax(1).numpy()]
    return predicted


def evaluate(network: Network, spec: dict[str, Any], roots: dict[str, Path], device: torch.device) -> Evaluation:
    """Accuracy on ObjectNet and on the validation images of the shared classes, by both protocols."""
    index = objectnet.read(roots["objectnet"])
    mapping = index.imagenet_to_objectnet
    if len(mapping) != spec["classes"]:
        raise InputError(
            f"{roots['objectnet']}: mappings are of {len(mapping)} classes; the network has {spec['classes']}"
        )
    has_counterpart = np.flatnonzero(np.isin(index.labels, mapping))
    labels = index.labels[has_counterpart]
    validation = imagenet.read(roots["imagenet"], "val")
    shared = np.flatnonzero(mapping[validation.labels] >= 0)
    size, batch = {"resize": spec["resize"], "crop": spec["crop"]}, spec["batch_size"]
    there = logits(
        network, [index.paths[i] for i in has_counterpart], Geometry(**size, border=spec["border"]), batch, device
    )
    here = logits(network, [validation.paths[i] for i in shared], Geometry(**size), batch, device)
    here_labels = mapping[validation.labels[shared]]
    there_hits = {p: predict(there, mapping, p) == labels for p in PROTOCOLS}
    here_hits = {p: predict(here, mapping, p) == here_labels for p in PROTOCOLS}
    n = len(labels)

    def statistic(weights: Array) -> dict[str, Array]:
        result: dict[str, Array] = {}
        for p in PROTOCOLS:
            shifted = accuracy(there_hits[p], weights[:, :n])
            original = accuracy(here_hits[p], weights[:, n:])
            drop = original - shifted
            relative = np.divide(drop, original, out=np.zeros_like(drop), where=original > 0)
            result |= {
                f"objectnet_accuracy_{p}": shifted,
                f"validation_accuracy_{p}": original,
                f"drop_{p}": drop,
                f"relative_drop_{p}": relative,
            }
        return result

    # ObjectNet and validation images are resampled apart, within classes.
    strata = np.concatenate([labels, here_labels + 1 + labels.max()])
    metrics, draws = summarise(statistic, strata, spec["bootstrap"], spec["seed"])
    outcomes = {f"objectnet_{p}": hit for p, hit in there_hits.items()}
    outcomes |= {f"validation_{p}": hit for p, hit in here_hits.items()}
    return Evaluation(metrics, draws, outcomes | {"objectnet_label": labels, "validation_label": here_labels})


def main() -> None:
    """Command line of the step."""
    run("objectnet", SPEC, ("objectnet", "imagenet"), evaluate, "ObjectNet: accuracy drop of one model")


if __name__ == "__main__":
    sys.exit(exit_code(main))
