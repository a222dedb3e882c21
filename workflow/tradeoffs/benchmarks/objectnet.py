"""ObjectNet: accuracy drop under shifts of viewpoint, rotation and background (Barbu et al., NeurIPS 2019).

Measured on the classes that ObjectNet shares with the network's own, by two protocols:

* ``official``: argmax over all classes, mapped to ObjectNet; a prediction outside the shared classes is wrong.
* ``restricted``: argmax over the shared classes only (Taori et al. 2020, testbed), which gives higher numbers.

The same protocol on the validation images of the shared classes is the accuracy to compare with.
Drop = validation - ObjectNet, as published. It shrinks as a weak model nears zero, so two others stand beside it:
relative drop = drop / validation, and effective robustness, which needs a set of standard models and is added in the
summary. Where a table ``factors.csv`` beside the images says which one thing each of them changes (the published set
has none; the miniature's says background, rotation or size), each factor has an accuracy and a drop of its own, by the
official protocol. No head is ever fitted on ObjectNet
(its licence forbids it).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings, with_clusters
from tradeoffs.benchmarks.inference import Passes, over_images
from tradeoffs.benchmarks.statistics import Array, accuracy, summarise
from tradeoffs.benchmarks.unanswered import unanswered
from tradeoffs.benchmarks.validation import read_validation
from tradeoffs.data import clusters, objectnet
from tradeoffs.data.images import Geometry
from tradeoffs.models.answers import NOT_FINITE, answers
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import InputError


@dataclass(frozen=True)
class Settings(EvaluationSettings):
    """Settings of this benchmark."""

    resize: int  # shortest side of an ObjectNet image, after its border is cut
    validation_resize: int  # shortest side of a validation image
    crop: int  # centre crop
    border: int  # pixels cut from each side of an ObjectNet image (its red border)


PROTOCOLS = ("official", "restricted")
Hits = dict[str, NDArray[np.bool_]]


def predictions(logits: Tensor, mapping: Tensor) -> Tensor:
    """ObjectNet classes [n, protocols], or -1, from logits [n, classes] and the mapping [classes] (-1: not shared).

    No answer (:mod:`tradeoffs.models.answers`) to an image is given by either protocol where any of its logits is
    not finite.
    """
    official = answers(logits, mapping)
    shared = mapping >= 0
    restricted = answers(logits[:, shared], mapping[shared])
    return torch.stack([official, torch.where(official == NOT_FINITE, NOT_FINITE, restricted)], dim=1)


def evaluate(network: Network, settings: Settings, data: dict[str, Path], device: torch.device) -> Evaluation:
    """Accuracy on ObjectNet and on the validation images of the shared classes, by both protocols."""
    index = objectnet.read(data["objectnet"])
    mapping = index.imagenet_to_objectnet
    if len(mapping) != settings.classes:
        raise InputError(
            f"{data['objectnet']}: mappings are of {len(mapping)} classes; the network has {settings.classes}"
        )
    has_counterpart = np.flatnonzero(np.isin(index.labels, mapping))
    validation = read_validation(data["imagenet"], "val", settings.classes)
    shared = np.flatnonzero(mapping[validation.labels] >= 0)
    passes = Passes(device, settings.unreadable)
    to_objectnet = passes.tensor(mapping)

    def hits(
        paths: list[Path], labels: NDArray[np.int64], geometry: Geometry
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Hits]:
        """Positions of the images that were read, their answers by each protocol, and which of these are right."""
        at, predicted = over_images(passes, paths, geometry, lambda x: predictions(network(x), to_objectnet))
        right: NDArray[np.bool_] = predicted == labels[at][:, None]
        return at, predicted, dict(zip(PROTOCOLS, right.T, strict=True))

    at, there, there_hits = hits(
        [index.paths[i] for i in has_counterpart],
        index.labels[has_counterpart],
        Geometry(border=settings.border, resize=settings.resize, crop=settings.crop),
    )
    here_at, here, here_hits = hits(
        [validation.paths[i] for i in shared],
        mapping[validation.labels[shared]],
        Geometry(resize=settings.validation_resize, crop=settings.crop),
    )
    shifted_at, here_at = has_counterpart[at], shared[here_at]
    labels, here_labels = index.labels[shifted_at], mapping[validation.labels[here_at]]
    n = len(labels)
    for folder, size in ((data["objectnet"], n), (data["imagenet"] / "val", len(here_labels))):
        if size == 1:
            raise InputError(f"{folder}: one image of the shared classes has no interval; expected at least two")

    paths = [index.paths[i] for i in shifted_at]
    factor, factor_names = factors(data["objectnet"], paths)

    def statistic(weights: Array) -> dict[str, Array]:
        result: dict[str, Array] = {}
        for number, name in enumerate(factor_names):
            own = np.flatnonzero(factor == number)
            changed = accuracy(there_hits["official"][own], weights[:, own])
            result[f"objectnet_accuracy_{name}"] = changed
            result[f"drop_{name}"] = accuracy(here_hits["official"], weights[:, n:]) - changed
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

    counts = {f"objectnet_accuracy_{p}": n for p in PROTOCOLS}
    counts |= {f"validation_accuracy_{p}": len(here_labels) for p in PROTOCOLS}
    for number, name in enumerate(factor_names):
        own = int((factor == number).sum())
        counts |= {f"objectnet_accuracy_{name}": own, f"drop_{name}": own + len(here_labels)}

    # ObjectNet and validation images are resampled apart, within classes and factors, but where they share clusters.
    classes = labels.max() + 1
    strata = np.concatenate([labels + classes * factor, here_labels + classes * max(1, len(factor_names))])
    which_set = np.repeat([0, 1], [n, len(here_labels)])
    here_paths = [validation.paths[i] for i in here_at]
    cluster = clusters.read(clusters.Images(data["objectnet"], paths), clusters.Images(data["imagenet"], here_paths))
    summary = summarise(statistic, strata, settings.bootstrap, settings.seed, which_set, cluster, counts=counts)
    outcomes: dict[str, NDArray[Any]] = {f"objectnet_{p}": hit for p, hit in there_hits.items()}
    outcomes |= {f"validation_{p}": hit for p, hit in here_hits.items()}
    outcomes |= {"objectnet_label": labels, "validation_label": here_labels}
    if factor_names:
        outcomes["objectnet_factor"] = np.array(factor_names)[factor]
    if cluster is not None:
        outcomes = with_clusters(outcomes, objectnet_cluster=cluster[:n], validation_cluster=cluster[n:])
    answered = np.concatenate([there, here])
    remarks = unanswered(answered[:, 0], answered) | {
        "saturated": [
            f"relative_drop_{p}: there is nothing to lose, as the validation accuracy is 0"
            for p in PROTOCOLS
            if not here_hits[p].any()
        ]
    }
    if said := objectnet.pixels(data["objectnet"]):
        remarks["pixels"] = said
    return Evaluation(*summary, outcomes, passes.skipped, remarks)


def factors(root: Path, paths: list[Path]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the number of the factor that each image changes, int64 [n], and the factors' names: none published."""
    found = objectnet.factors(root, paths)
    if found is None:
        return np.zeros(len(paths), dtype=np.int64), []
    names, numbers = np.unique(found, return_inverse=True)
    return numbers.astype(np.int64), [str(name) for name in names]
