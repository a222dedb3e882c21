"""Do the intervals at equal accuracy cover, along lines of one architecture and along a line that many share?

    python performance/calibration_accuracy.py [--studies 1000] [--unseen 0.25]

As performance/calibration.py, for what a model measures beyond a standard one of its accuracy: studies without an
effect, in which a measure is a line in the logit of clean accuracy and what images, trainings and architectures add,
are put through the code that decides on claims. In the miniature each architecture has copies and controls of its own,
and a line; in the imagenet study two architectures are judged by a line through fifteen others, from which each
architecture is off by as much as another. Adversarially trained models are less accurate than their standard ones, some
of them than all of the line. Prints a Markdown table.
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.claims.contrasts import effect
from tradeoffs.claims.reliance_effects import compare_beyond_accuracy, contrasts
from tradeoffs.claims.variance import Estimate
from tradeoffs.results import beyond_accuracy
from tradeoffs.results.beyond_accuracy import CLEAN_ACCURACY
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Metric
from tradeoffs.results.study import Model

METRIC = Metric("imagenet9", "bg_gap", direction="more")
BUDGETS = {"linf": (0.5, 1.0, 2.0, 4.0, 8.0), "l2": (0.125, 0.25, 0.5, 1.0, 2.0)}
SLOPE = -0.1  # of the measure over the logit of accuracy: as bg_gap's in a default run
CLUSTERS, ALIKE = 10, 0.8  # of images, and the correlation of what they do to two models
IMAGES = {False: 0.03, True: 0.008}  # sd by them: of the miniature, and of thousands of images


class Case(NamedTuple):
    """A study: whether a line is shared, sd of a training and of an architecture around it, number of replicates."""

    name: str
    shared: bool
    training: float
    architecture: float
    replicates: int = 1


CASES = (
    Case("miniature, a line for each architecture", False, 0.02, 0.02),
    Case("miniature, a line for each architecture", False, 0.02, 0.02, 3),
    Case("imagenet, one line, architectures alike", True, 0.02, 0.0),
    Case("imagenet, one line, architectures differ", True, 0.01, 0.02),
    Case("imagenet, one line, architectures differ much", True, 0.01, 0.05),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=1000, help="simulated for each case")
    parser.add_argument("--unseen", type=float, default=0.25, help="claims.unseen_variance of the analysis")
    options = parser.parse_args()
    print("| study | sd of a training | of an architecture | replicates | coverage | false difference | half-width |")
    print("|---|---|---|---|---|---|---|")
    for case in CASES:
        rng = np.random.default_rng(0)
        found = [one for _ in range(options.studies) if (one := study(case, options.unseen, rng)) is not None]
        ends = np.array([one.interval() for one in found])
        covered = np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0))
        different = np.mean([one.p_value() <= 0.05 for one in found])
        width = np.median(ends[:, 1] - ends[:, 0]) / 2
        print(
            f"| {case.name} | {case.training:g} | {case.architecture:g} | {case.replicates} | {covered:.3f} "
            f"| {different:.3f} | {width:.3f} |",
            flush=True,
        )


def study(case: Case, unseen: float, rng: np.random.Generator) -> Estimate | None:
    """Simulate a study without effect beyond accuracy, and return what is found of it."""
    models: list[Model] = []
    measured: Measurements = {}
    for replicate in range(1, case.replicates + 1):
        listed = list(_imagenet(replicate) if case.shared else _miniature(replicate))
        own = [model for model, _ in listed]
        offsets = {name: rng.normal(0, case.architecture) for name in sorted({m.architecture for m in own})}
        models += own
        measured |= _measured(listed, offsets, case, rng)
    measured |= beyond_accuracy.of_models(measured, models, [METRIC])
    return effect(contrasts(compare_beyond_accuracy(measured, models, METRIC)), unseen)


def _measured(
    listed: list[tuple[Model, float]], offsets: dict[str, float], case: Case, rng: np.random.Generator
) -> Measurements:
    """Return clean accuracy and the measure of each model, whose accuracies are given, with draws by clusters."""
    covariance = IMAGES[case.shared] ** 2 * (ALIKE + (1 - ALIKE) * np.eye(len(listed))) * CLUSTERS
    each = rng.multivariate_normal(np.zeros(len(listed)), covariance, CLUSTERS)
    error, draws = each.mean(0), (each - each.mean(0)).T / np.sqrt(CLUSTERS)
    found: Measurements = {}
    for (model, accuracy), of_images, own in zip(listed, error, draws, strict=True):
        line = SLOPE * float(np.log(accuracy / (1 - accuracy))) + offsets[model.architecture]
        value = 0.4 + line + rng.normal(0, case.training) + of_images
        found[model.id, METRIC.benchmark, METRIC.name] = _of(value, own)
        found[(model.id, *CLEAN_ACCURACY)] = _of(accuracy, np.zeros(CLUSTERS))
    return found


def _of(value: float, draws: NDArray[np.float64]) -> Measured:
    return Measured(float(value), value + draws, 500, float(CLUSTERS - 1))


def _miniature(replicate: int) -> Iterator[tuple[Model, float]]:
    """Yield the models of both architectures, and their accuracies."""
    for name in ("basic", "bottleneck"):
        for copy in range(3):
            yield _model(f"{name}_standard{copy}_{replicate}", "main", name, replicate), 0.85 + 0.005 * copy
        for accuracy in (0.78, 0.80, 0.88, 0.91) if replicate == 1 else (0.78, 0.80, 0.91):  # of images, the ends
            yield _model(f"{name}_control{accuracy}_{replicate}", "control", name, replicate), accuracy
        yield from _grid(name, replicate, 0.87, 0.81)


def _imagenet(replicate: int) -> Iterator[tuple[Model, float]]:
    """Yield two architectures and the controls, each of an architecture of its own, and their accuracies."""
    for name, best in (("resnet18", 0.70), ("resnet50", 0.76)):
        yield _model(f"{name}_standard_{replicate}", "main", name, replicate), best
        yield from _grid(name, replicate, best - 0.01, best - 0.22)
    for number, accuracy in enumerate(np.linspace(0.40, 0.82, 15)):
        name = f"control{number}"
        yield _model(f"{name}_{replicate}", "control", name, replicate), float(accuracy)


def _grid(name: str, replicate: int, first: float, last: float) -> Iterator[tuple[Model, float]]:
    """Yield the adversarially trained models of an architecture, less accurate the larger their budget."""
    for norm, budgets in BUDGETS.items():
        for budget, accuracy in zip(budgets, np.linspace(first, last, len(budgets)), strict=True):
            made = _model(f"{name}_{norm}_eps{budget:g}_{replicate}", "main", name, replicate)
            yield made._replace(norm=norm, epsilon=budget), float(accuracy)


def _model(name: str, role: str, architecture: str, replicate: int) -> Model:
    known = dict.fromkeys(Model._fields) | {"id": name, "role": role, "architecture": architecture, "norm": "none"}
    rest = {"epsilon": 0.0, "seed": 0, "world": f"world{replicate}", "benchmarks": (), "replicate": replicate}
    return Model(**(known | rest))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
