"""Adversarial accuracy over a range of l2 and linf budgets, where a spurious correlation holds and where it does not.

White-box attack of :mod:`tradeoffs.attacks` (projected gradient on the margin, random restarts, falling step size).
Accuracy at a budget is that under the strongest of the attacks run at it or below. A domain is a validation folder:
in the miniature ``val`` keeps the training world's spurious correlation and ``val_decorrelated`` breaks it.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tradeoffs.attacks import accuracy_curve
from tradeoffs.benchmarks.evaluation import Evaluation, run
from tradeoffs.benchmarks.predict import to_tensor
from tradeoffs.benchmarks.statistics import Array, Metrics, accuracy, summarise
from tradeoffs.data import imagenet, images
from tradeoffs.data.images import Geometry
from tradeoffs.errors import exit_code
from tradeoffs.models.ids import pixel_epsilon
from tradeoffs.models.networks import Network

SPEC: dict[str, type | tuple[type, ...]] = {
    "resize": int,  # shortest side
    "crop": int,  # centre crop
    "images": int,  # images attacked in each domain, spread evenly over the classes
    "domains": dict,  # name in the metrics -> validation folder
    "budgets": dict,  # l2 in pixel units, linf in 1/255
    "steps": int,
    "restarts": int,
    "batch_size": int,
}


def evaluate(network: Network, spec: dict[str, Any], roots: dict[str, Path], device: torch.device) -> Evaluation:
    """Which images of each domain withstand each budget."""
    geometry = Geometry(resize=spec["resize"], crop=spec["crop"])
    robust: dict[str, NDArray[np.bool_]] = {}
    strata: dict[str, NDArray[np.int64]] = {}
    names: dict[str, list[str]] = {}
    for domain, folder in spec["domains"].items():
        index = imagenet.read(roots["imagenet"], folder)
        # Sorted by class, so even steps take the same share of every class.
        chosen = np.linspace(0, len(index.paths) - 1, min(spec["images"], len(index.paths))).astype(int)
        x = to_tensor(images.load([index.paths[i] for i in chosen], geometry), device)
        labels = torch.from_numpy(index.labels[chosen]).to(device)
        strata[domain] = index.labels[chosen]
        outcomes: dict[str, Tensor] = {}
        for norm, budgets in spec["budgets"].items():
            curve = accuracy_curve(
                network,
                x,
                labels,
                norm=norm,
                epsilons=[0.0, *(pixel_epsilon(norm, budget) for budget in budgets)],
                steps=spec["steps"],
                restarts=spec["restarts"],
                generator=torch.Generator(device).manual_seed(spec["seed"]),
                batch_size=spec["batch_size"],
            )
            outcomes[f"accuracy_{domain}"] = curve[0]
            for budget, stands in zip(budgets, curve[1:], strict=True):
                outcomes[f"adversarial_accuracy_{domain}_{norm}_eps{budget:g}"] = stands
        names[domain] = list(outcomes)
        robust |= {name: stands.cpu().numpy() for name, stands in outcomes.items()}

    metrics: Metrics = {}
    draws: dict[str, NDArray[np.float32]] = {}
    for domain, labels_of_domain in strata.items():

        def statistic(weights: Array, domain: str = domain) -> dict[str, Array]:
            return {name: accuracy(robust[name], weights) for name in names[domain]}

        of_domain = summarise(statistic, labels_of_domain, spec["bootstrap"], spec["seed"])
        metrics |= of_domain[0]
        draws |= of_domain[1]
    return Evaluation(metrics, draws, robust)


def main() -> None:
    """Command line of the step."""
    run("adversarial", SPEC, ("imagenet",), evaluate, "Adversarial accuracy of one model over budgets")


if __name__ == "__main__":
    sys.exit(exit_code(main))
