"""ImageNet: accuracy on the validation images, top-1, without any corruption or attack.

What the released models are published with, so that a model that was loaded wrongly shows here first.
"""

import sys
from pathlib import Path
from typing import Any

import torch

from tradeoffs.benchmarks.evaluation import Evaluation, run
from tradeoffs.benchmarks.inference import Passes
from tradeoffs.benchmarks.predict import over_images
from tradeoffs.benchmarks.statistics import accuracy, summarise
from tradeoffs.benchmarks.unanswered import unanswered
from tradeoffs.benchmarks.validation import read_validation
from tradeoffs.data.images import Geometry
from tradeoffs.models.answers import answers
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import exit_code

SPEC: dict[str, type | tuple[type, ...]] = {
    "resize": int,  # shortest side
    "crop": int,  # centre crop
}


def evaluate(network: Network, spec: dict[str, Any], roots: dict[str, Path], device: torch.device) -> Evaluation:
    """Which validation images are classified correctly."""
    index = read_validation(roots["imagenet"], "val", spec["classes"])
    passes = Passes(device, spec["unreadable"])
    geometry = Geometry(resize=spec["resize"], crop=spec["crop"])
    at, predicted = over_images(passes, index.paths, geometry, lambda x: answers(network(x)))
    labels = index.labels[at]
    correct = predicted == labels
    metrics, draws = summarise(
        lambda weights: {"accuracy": accuracy(correct, weights)}, labels, spec["bootstrap"], spec["seed"]
    )
    return Evaluation(metrics, draws, {"correct": correct, "label": labels}, passes.skipped, unanswered(predicted))


def main() -> None:
    """Command line of the step."""
    run("imagenet", SPEC, ("imagenet",), evaluate, "ImageNet: clean accuracy of one model")


if __name__ == "__main__":
    sys.exit(exit_code(main))
