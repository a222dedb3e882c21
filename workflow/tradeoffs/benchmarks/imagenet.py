"""ImageNet: accuracy on the validation images, top-1, without any corruption or attack.

What the released models are published with, so that a model that was loaded wrongly shows here first.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings, with_clusters
from tradeoffs.benchmarks.inference import Passes, over_images
from tradeoffs.benchmarks.statistics import accuracy, summarise
from tradeoffs.benchmarks.unanswered import unanswered
from tradeoffs.benchmarks.validation import read_validation
from tradeoffs.data import clusters
from tradeoffs.data.images import Geometry
from tradeoffs.models.answers import answers
from tradeoffs.models.networks import Network


@dataclass(frozen=True)
class Settings(EvaluationSettings):
    """Settings of this benchmark."""

    resize: int  # shortest side
    crop: int  # centre crop


def evaluate(network: Network, settings: Settings, data: dict[str, Path], device: torch.device) -> Evaluation:
    """Which validation images are classified correctly."""
    index = read_validation(data["imagenet"], "val", settings.classes)
    passes = Passes(device, settings.unreadable)
    geometry = Geometry(resize=settings.resize, crop=settings.crop)
    at, predicted = over_images(passes, index.paths, geometry, lambda x: answers(network(x)))
    labels = index.labels[at]
    correct = predicted == labels
    cluster = clusters.read(clusters.Images(data["imagenet"], [index.paths[i] for i in at]))
    found = summarise(
        lambda weights: {"accuracy": accuracy(correct, weights)},
        labels,
        settings.bootstrap,
        settings.seed,
        clusters=cluster,
    )
    outcomes = with_clusters({"correct": correct, "label": labels}, cluster=cluster)
    return Evaluation(*found, outcomes, passes.skipped, unanswered(predicted))
