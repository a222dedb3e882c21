"""Do the intervals of the two sweeps cover, and are their verdicts right as often as they say?

    python performance/calibration_sweeps.py [--unseen 0.25] [--margin 0.05]

As performance/calibration.py for the main grid: studies whose effect is known, with the noise that a default run has
shown, are put through the code that decides on claims. A world of a sweep has the errors by images of its replicate's
other worlds in part (their photographs are the same), and a training of its own. Trainings vary over a sweep as the
analysis takes it (all alike; of the gap of ImageNet-9, in proportion to p (1 - p)), or a quarter as much at the lower
end as at the upper one, which is what copies have shown: sd of the gap 0.004, 0.010 and 0.014 at scales 0.2, 0.4 and 1,
of clean accuracy where the correlation is broken 0.004, 0.018 and 0.031 at correlations 0, 0.8 and 0.9 (three or four
trainings each). Curves are smooth, or as rough as the run has shown, its own noise included. Prints a Markdown table.
"""

import argparse
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.benchmarks.attack_metrics import Attack, margin_name, metric_name
from tradeoffs.claims import correlation_effects, scale_effects
from tradeoffs.claims.row import CONTRADICTED, EQUIVALENT, SUPPORTED
from tradeoffs.claims.sweep_line import line_weights
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import Rule, verdict
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model

Array = NDArray[np.float64]
REPLICATES = (1, 2, 3, 5, 10)
STUDIES = 1000  # of one replicate; of r replicates, an r-th of them and 120 at least


class Curve(NamedTuple):
    """Of one quantity of a default run: values over the sweep, their sd by images, and the sd of one training."""

    values: tuple[float, ...]
    images: tuple[float, ...]
    trainings: float


# The default run of 26 November 2026 on two cores of an AMD EPYC; trainings: sd of three copies in one world.
CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9)
ATTACK = "linf", 1.0  # in place of all: the curve below is the mean over attacks
QUANTITIES = {
    metric_name(Attack("preserved")): Curve(
        (0.913, 0.880, 0.913, 0.887, 0.900, 0.893), (0.030, 0.035, 0.024, 0.022, 0.029, 0.027), 0.020
    ),
    metric_name(Attack("preserved", *ATTACK)): Curve(
        (0.467, 0.469, 0.513, 0.503, 0.508, 0.571), (0.048, 0.055, 0.040, 0.037, 0.044, 0.056), 0.014
    ),
    margin_name("preserved"): Curve(
        (0.625, 0.648, 0.777, 0.745, 0.765, 0.851), (0.080, 0.090, 0.091, 0.095, 0.098, 0.134), 0.039
    ),
    metric_name(Attack("broken")): Curve(
        (0.907, 0.893, 0.900, 0.840, 0.720, 0.453), (0.036, 0.040, 0.021, 0.037, 0.037, 0.057), 0.018
    ),
    metric_name(Attack("broken", *ATTACK)): Curve(
        (0.477, 0.457, 0.475, 0.385, 0.331, 0.212), (0.044, 0.053, 0.043, 0.041, 0.032, 0.037), 0.012
    ),
    margin_name("broken"): Curve(
        (0.676, 0.645, 0.666, 0.506, 0.413, 0.071), (0.072, 0.092, 0.081, 0.078, 0.075, 0.096), 0.011
    ),
}
ALIKE_WORLDS = 0.85  # correlation by images between neighbouring places of the sweep
CLUSTERS = 10

SCALES = (0.2, 0.4, 0.7, 1.0)
GAPS = {
    ("none", 0.0): Curve((0.027, 0.058, 0.149, 0.209), (0.007, 0.019, 0.039, 0.061), 0.013),
    ("linf", 8.0): Curve((0.000, 0.016, 0.122, 0.244), (0.003, 0.012, 0.015, 0.046), 0.013),
    ("l2", 1.0): Curve((0.009, 0.029, 0.133, 0.236), (0.003, 0.014, 0.022, 0.054), 0.013),
}
SAME = (0.966, 0.963, 0.939, 0.928)  # accuracy on mixed_same, mean of the three
ALIKE_SCALES, ALIKE_TRAININGS = 0.7, 0.8  # correlations by images: of neighbouring scales, of models of one scale
GAP_DF = 4


class Case(NamedTuple):
    """A way in which trainings vary: their sd at the lower end of a sweep, as a share of that at the upper one.

    None: as the analysis takes it. ``rough``: whether the true curves are what the run has shown, its noise included,
    or smooth.
    """

    name: str
    first: float | None
    rough: bool


CASES = (
    Case("trainings vary as is assumed", None, False),
    Case("a quarter as much at the lower end", 0.25, False),
    Case("as assumed, curves as rough as measured", None, True),
)


class Found(NamedTuple):
    """What one study says of one effect, and what is true."""

    estimate: Estimate
    truth: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Calibration of the sweeps")
    parser.add_argument(
        "--unseen", type=float, default=0.25, help="claims.unseen_variance, and by how much worlds differ"
    )
    parser.add_argument("--margin", type=float, default=0.05, help="smallest relevant difference")
    options = parser.parse_args()
    print(
        "| case | sweep | replicates | coverage, mean over effects | least | most | false difference "
        "| false equivalence | wrong sign |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for case in CASES:
        for sweep, simulate in (("correlation", correlation_study), ("background_scale", scale_study)):
            for replicates in REPLICATES:
                rng = np.random.default_rng(0)
                found: dict[str, list[Found]] = {}
                for _ in range(max(STUDIES // replicates, 120)):
                    for name, one in simulate(case, replicates, options.unseen, rng):
                        found.setdefault(name, []).append(one)
                print(f"| {case.name} | {sweep} | {replicates} | {said(found, options.margin)} |")


def said(found: Mapping[str, list[Found]], margin: float) -> str:
    """Return the cells of one row: effects are moved to 0 for false differences, to the margin for the others."""
    covered = []
    for listed in found.values():
        intervals = [one.estimate.interval() for one in listed]
        covered.append(np.mean([a <= one.truth <= b for (a, b), one in zip(intervals, listed, strict=True)]))
    flat = [one for listed in found.values() for one in listed]
    rule = Rule(0.05, margin)
    none = [verdict(moved(one, 0.0), Rule(0.05)) for one in flat]
    at_margin = [verdict(moved(one, margin), rule) for one in flat]
    shares = [
        np.mean([each in (SUPPORTED, CONTRADICTED) for each in none]),
        np.mean([each == EQUIVALENT for each in at_margin]),
        np.mean([each == CONTRADICTED for each in at_margin]),
    ]
    return " | ".join(f"{share:.3f}" for share in (np.mean(covered), min(covered), max(covered), *shares))


def moved(one: Found, effect: float) -> Estimate:
    """Return the estimate of a study that differs by its true effect alone."""
    return one.estimate._replace(value=one.estimate.value - one.truth + effect)


def correlation_study(
    case: Case, replicates: int, unseen: float, rng: np.random.Generator
) -> Iterator[tuple[str, Found]]:
    """Simulate a sweep of the correlation: what is found of each quantity in each domain, and what is true."""
    x: Array = np.array(CORRELATIONS)
    models: list[Model] = []
    measured: Measurements = {}
    curves = {name: curve(case, np.log2(1 - x), each, 3) for name, each in QUANTITIES.items()}
    for replicate in range(1, replicates + 1):
        own = [swept(f"{at:g}_{replicate}", replicate, correlation=float(at)) for at in x]
        models += own
        for name, each in QUANTITIES.items():
            alike: Array = np.power(ALIKE_WORLDS, distances(len(x)))
            errors = by_images(each.images, alike, CLUSTERS, rng)
            spread = each.trainings * np.linspace(1 if case.first is None else case.first, 1, len(x))
            world = rng.normal(0, np.sqrt(unseen * variance(line_weights(CORRELATIONS), errors.covariance, spread)))
            values = curves[name] + errors.values + rng.normal(0, spread) + world * slope(x)
            measured |= cards(own, "adversarial", name, values, errors.draws, CLUSTERS - 1)
    sweep = correlation_effects.sweep_of(measured, models, 0.0, 1.0)
    for found in correlation_effects.effects(sweep, {"preserved": 1, "broken": 1}, unseen):
        if found.norm or found.estimate is None:
            continue
        clean, margin = curves[metric_name(Attack(found.domain))], curves[margin_name(found.domain)]
        under = curves[metric_name(Attack(found.domain, *ATTACK))]
        truth = {
            correlation_effects.CLEAN: clean,
            correlation_effects.UNDER_ATTACK: under,
            correlation_effects.RETAINED: under / clean,
            correlation_effects.MARGIN: margin,
        }[found.quantity]
        yield f"{found.domain} {found.quantity}", Found(found.estimate, float(line_weights(CORRELATIONS) @ truth))


def scale_study(case: Case, replicates: int, unseen: float, rng: np.random.Generator) -> Iterator[tuple[str, Found]]:
    """Simulate a sweep of the background's scale: what is found at each scale and of the growth, and what is true."""
    x, count = np.array(SCALES), len(GAPS)
    curves = {training: curve(case, x, each, 2) for training, each in GAPS.items()}
    of_grid = GAPS["none", 0.0].trainings  # its world is that of the largest scale
    same = np.where(np.eye(count) > 0, 1.0, ALIKE_TRAININGS)
    alike = np.asarray(np.kron(same, np.power(ALIKE_SCALES, distances(len(x)))), dtype=np.float64)
    sd = [value for each in GAPS.values() for value in each.images]
    models: list[Model] = []
    measured: Measurements = {}
    for replicate in range(1, replicates + 1):
        errors = by_images(sd, alike, GAP_DF + 1, rng)
        grid = main_grid(replicate)
        models += grid
        measured |= gaps(grid, GAPS["none", 0.0].values[-1] + rng.normal(0, of_grid, len(grid)), SAME[-1])
        for number, ((norm, epsilon), truth) in enumerate(curves.items()):
            own = [
                swept(f"{norm}{at:g}_{replicate}", replicate, norm=norm, epsilon=epsilon, background_scale=float(at))
                for at in x
            ]
            models += own
            at = slice(number * len(x), (number + 1) * len(x))
            accuracies = np.array([SAME, np.array(SAME) - truth])
            units = (accuracies * (1 - accuracies)).sum(0)
            shares = np.sqrt(units / units[-1]) if case.first is None else np.linspace(case.first, 1, len(x))
            spread = of_grid * shares
            # What no replicate sees of another is a share of the variance of what is compared, at every scale.
            both = errors.covariance[at, at].diagonal() * 2 * (1 - ALIKE_TRAININGS) + 2 * spread**2
            world = 0.0 if norm == "none" else rng.normal(0, 1) * np.sqrt(unseen * both)
            values = truth + errors.values[at] + rng.normal(0, spread) + world
            measured |= gaps(own, values, np.array(SAME), errors.draws[at])
    for norm in ("linf", "l2"):
        found = scale_effects.effects(measured, models, norm, unseen)
        true = next(value for (of, _), value in curves.items() if of == norm) - curves["none", 0.0]
        listed = {f"{norm} {scale:g}": (found.at(scale), float(true[i])) for i, scale in enumerate(SCALES)}
        listed[f"{norm} growth"] = found.growth, float(line_weights(SCALES) @ true)
        for name, (estimate, truth_of_one) in listed.items():
            if estimate is not None:
                yield name, Found(estimate, truth_of_one)


class Errors(NamedTuple):
    """Errors by images [places], their covariance, and draws [places, clusters] that say how large they are."""

    values: Array
    covariance: Array
    draws: Array


def by_images(sd: tuple[float, ...] | list[float], alike: Array, clusters: int, rng: np.random.Generator) -> Errors:
    """Draw errors that are means over clusters, and what a bootstrap of these clusters has as its variance."""
    covariance = np.outer(sd, sd) * alike
    each = rng.multivariate_normal(np.zeros(len(sd)), covariance * clusters, clusters)
    mean = each.mean(0)
    return Errors(mean, covariance, (each - mean).T / np.sqrt(clusters))


def curve(case: Case, x: Array, of: Curve, degree: int) -> Array:
    """Return the true values over x: a polynomial through those of the run, or these themselves."""
    values = np.array(of.values)
    return values if case.rough else np.asarray(np.polyval(np.polyfit(x, values, degree), x), dtype=np.float64)


def distances(count: int) -> Array:
    """How many places lie between two: [count, count]."""
    found: Array = np.abs(np.subtract.outer(np.arange(count), np.arange(count))).astype(float)
    return found


def variance(weights: Array, covariance: Array, spread: Array) -> float:
    """Return the variance of a weighted sum by images and trainings."""
    return float(weights @ covariance @ weights + np.square(weights * spread).sum())


def slope(x: Array) -> Array:
    """Return a line over x whose change from end to end is 1."""
    found: Array = (x - x.mean()) / np.ptp(x)
    return found


def swept(name: str, replicate: int, **fields: object) -> Model:
    """Return a model of a sweep in a world of its own, or in that of its scale."""
    role = correlation_effects.ROLE if "correlation" in fields else scale_effects.ROLE
    benchmark = correlation_effects.BENCHMARK if "correlation" in fields else scale_effects.BENCHMARK
    known = {"norm": "none", "epsilon": 0.0, "correlation": None, "background_scale": None} | fields
    world = f"{known['correlation']}_{known['background_scale']}_{replicate}"
    said = {"architecture": "basic", "seed": 0, "world": world, "benchmarks": (benchmark,), "images": None}
    return Model(id=f"{role}_{name}", role=role, replicate=replicate, **(known | said))  # type: ignore[arg-type]


def main_grid(replicate: int) -> list[Model]:
    """Return the models of the main grid: copies of the standard ones, and five budgets of each norm."""
    return [
        swept(f"{architecture}_{norm}{epsilon:g}_{copy}_{replicate}", replicate, norm=norm, epsilon=epsilon)._replace(
            role="main", architecture=architecture, world=f"main_{replicate}"
        )
        for architecture in ("basic", "bottleneck")
        for norm, epsilons in {"none": (0.0,), "linf": (0.5, 1, 2, 4, 8), "l2": (0.125, 0.25, 0.5, 1, 2)}.items()
        for epsilon in epsilons
        for copy in range(3 if norm == "none" else 1)
    ]


def gaps(models: list[Model], values: Array, same: Array | float, draws: Array | None = None) -> Measurements:
    """Return the gaps of models and the accuracies that they are of."""
    draws = np.zeros((len(models), GAP_DF + 1)) if draws is None else draws
    of_same = np.broadcast_to(same, len(models))
    found = cards(models, scale_effects.BENCHMARK, scale_effects.METRIC, values, draws, GAP_DF)
    for name, accuracy in zip(scale_effects.ACCURACIES, (of_same, of_same - values), strict=True):
        found |= cards(models, scale_effects.BENCHMARK, name, accuracy, draws, GAP_DF)
    return found


def cards(models: list[Model], benchmark: str, metric: str, values: Array, draws: Array, df: int) -> Measurements:
    """Return the values of models with their draws, all of the same units."""
    return {
        (model.id, benchmark, metric): Measured(float(value), value + own, 150, float(df), (0,))
        for model, value, own in zip(models, values, draws, strict=True)
    }


if __name__ == "__main__":
    main()
