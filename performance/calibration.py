"""Do intervals cover, are verdicts right as often as they say, and does a rerun say the same as often as it is said?

    python performance/calibration.py [--results results/miniature] [--unseen 0.25] [--correlation 0.5] [--margin 0.05]

Simulates studies whose effect is known, with the noise that a run has shown (``--results``: its folder; without, the
figures below), at the level of the values of models and of clusters of images, and puts them through the code that
decides on claims. Noise of trainings is independent, or correlated between the budgets of one architecture and norm,
which residuals along the budgets cannot see; or worlds differ by more than images and trainings explain. The setting
``claims.unseen_variance`` is what these replicates would show, or, in the last cases, another. In the last two all
replicates have the same photographs, as in the miniature, and what these do to the effect is the same in all of them:
it is part of what is asked for, or not. Prints tables in Markdown. With several replicates in ``--results`` it says how
large that setting should be: the mean over headline measures of S^2 / V - 1, S^2 being the variance between replicates
and V what one replicate sees.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.contrasts import Contrast, pooled_noise
from tradeoffs.claims.reliance_effects import Compared, compare, contrasts
from tradeoffs.claims.row import CONTRADICTED, EQUIVALENT, SUPPORTED, UNDECIDED
from tradeoffs.claims.training_noise import Curve, along_curves, between_copies, scaled
from tradeoffs.claims.variance import Estimate, Part, Replicate, estimate, satterthwaite
from tradeoffs.claims.verdicts import Rule, findings, verdict
from tradeoffs.results.evaluations import read
from tradeoffs.results.measurements import measure
from tradeoffs.results.metrics import Metric
from tradeoffs.results.study import Settings, Study, study_of
from tradeoffs.step.cards import read_card

CELLS, BUDGETS, ARCHITECTURES, COPIES = 4, 5, 2, 3  # of the miniature: two architectures x two norms, five budgets
REPLICATES = (1, 2, 3, 5, 10)
POOL = 6000  # replicates simulated for each measure; studies are made of them without using one twice


class Noise(NamedTuple):
    """Of one measure: sd of a value by trainings, sd of the effect by clusters of images, and their df."""

    adversarial: float
    standard: float
    images: float
    df: int


# A default run of 27 November 2026 on two cores of an AMD EPYC. What is off a quadratic in the budget counts as noise.
MEASURED = {
    "rival10 rfs_linf": Noise(0.073, 0.083, 0.037, 9),
    "salient_imagenet rcs": Noise(0.031, 0.017, 0.021, 9),
    "imagenet9 bg_gap": Noise(0.024, 0.036, 0.026, 4),
    "waterbirds background_swap_gap": Noise(0.052, 0.040, 0.035, 8),
    "objectnet drop_official": Noise(0.015, 0.016, 0.010, 14),
}


class Case(NamedTuple):
    """A way in which replicates vary: correlation between budgets, and the share of variance none of them sees.

    ``setting``: of the analysis, ``claims.unseen_variance``; None where it is what these replicates show.
    ``photographs``: ``new`` ones in every replicate, or the same, and whether the effect is asked on ``these`` or on
    ``others``.
    """

    name: str
    correlation: float
    unseen: float
    setting: float | None = None
    photographs: str = "new"


def main() -> None:
    """Print the noise, and a table for each case."""
    parser = argparse.ArgumentParser(description="Calibration of intervals and verdicts")
    parser.add_argument("--results", type=Path, help="results/<study> of a run, to take the noise from")
    parser.add_argument(
        "--unseen", type=float, default=0.25, help="claims.unseen_variance, and by how much worlds differ"
    )
    parser.add_argument("--correlation", type=float, default=0.5, help="of trainings, between budgets")
    parser.add_argument("--margin", type=float, default=0.05, help="smallest relevant difference")
    options = parser.parse_args()
    noise = MEASURED if options.results is None else measured_noise(options.results)
    print("| measure | sd of a training, adversarial | standard | sd of the effect by images | df |")
    print("|---|---|---|---|---|")
    for name, each in noise.items():
        print(f"| {name} | {each.adversarial:.3f} | {each.standard:.3f} | {each.images:.3f} | {each.df} |")
    related = f"correlation {options.correlation:g} between budgets"
    cases = [
        Case("trainings independent", 0.0, 0.0),
        Case(related, options.correlation, 0.0),
        Case(f"worlds differ by {options.unseen:.0%} more", 0.0, options.unseen),
        Case("trainings independent", 0.0, 0.0, options.unseen),
        Case(related, options.correlation, 0.0, 0.0),
        Case("the same photographs, effect on these", 0.0, 0.0, options.unseen, "these"),
        Case("the same photographs, effect on others", 0.0, 0.0, options.unseen, "others"),
    ]
    print(
        f"\nMargin {options.margin:g}; not seen: share of variance that one replicate does not see, and the setting\n"
    )
    print(
        "| case | not seen | setting | replicates | coverage (least of a measure) | false difference "
        "| false equivalence | wrong sign | family: any false difference | effect of twice the margin supported "
        "| no effect equivalent | rerun: said, seen |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for case in cases:
        for row in table(noise, case, options.margin):
            print(row)


def table(noise: dict[str, Noise], case: Case, margin: float) -> Iterator[str]:
    """Rows of one case, one for each number of replicates."""
    rng = np.random.default_rng(0)
    pools = [[replicate(each, case, rng) for _ in range(POOL)] for each in noise.values()]
    share = float(np.mean([true_share(each, pool, case) for each, pool in zip(noise.values(), pools, strict=True)]))
    unseen = max(0.0, share) if case.setting is None else case.setting
    for count in REPLICATES:
        studies = POOL // count
        found = [
            [one for k in range(studies) if (one := estimate(pool[k * count : (k + 1) * count], unseen)) is not None]
            for pool in pools
        ]
        if case.photographs == "others":
            found = [
                [moved(one, float(rng.normal(0, of.images))) for one in listed]
                for of, listed in zip(noise.values(), found, strict=True)
            ]
        flat = [one for listed in found for one in listed]
        rule = Rule(0.05, margin)
        covered = [np.mean([low <= 0 <= high for low, high in (one.interval() for one in listed)]) for listed in found]
        different = np.mean([one.p_value() <= 0.05 for one in flat])
        at_margin = [verdict(moved(one, margin), rule) for one in flat]
        none = [verdict(one, rule) for one in flat]
        twice = [verdict(moved(one, 2 * margin), rule) for one in flat]
        families = [findings(list(each), [Rule()] * len(each)) for each in zip(*found, strict=True)]
        any_false = np.mean([any(one.verdict != UNDECIDED for one in each) for each in families])
        said, seen = reruns(found, rule, rng)
        yield (
            f"| {case.name} | {round(share, 2) + 0.0:.2f} | {unseen:.2f} | {count} "
            f"| {np.mean(covered):.3f} ({min(covered):.3f}) | {different:.3f} "
            f"| {share_of(at_margin, EQUIVALENT)} | {share_of(at_margin, CONTRADICTED)} | {any_false:.3f} "
            f"| {share_of(twice, SUPPORTED)} | {share_of(none, EQUIVALENT)} | {said:.2f}, {seen:.2f} |"
        )


def replicate(noise: Noise, case: Case, rng: np.random.Generator) -> Replicate:
    """Simulate a replicate without effect, and estimate its variance as the claims do."""
    budgets = np.arange(BUDGETS, dtype=float)
    together = np.sqrt(case.correlation) * rng.normal(0, noise.adversarial, (CELLS, 1))
    alone = np.sqrt(1 - case.correlation) * rng.normal(0, noise.adversarial, (CELLS, BUDGETS))
    values = 0.01 * (budgets - budgets.mean()) + together + alone  # with a slope that averages to nothing
    copies = rng.normal(0, noise.standard, (ARCHITECTURES, COPIES))
    clusters = rng.normal(0, noise.images * np.sqrt(noise.df + 1), noise.df + 1)
    seen = noise.images**2 + noise.adversarial**2 / values.size + noise.standard**2 / copies.size
    world = rng.normal(0, np.sqrt(case.unseen * seen))
    parts = (
        Part(float(clusters.var(ddof=1) / len(clusters)), float(noise.df)),
        scaled(
            along_curves([Curve(budgets.tolist(), own.tolist()) for own in values]), [1 / values.size] * values.size
        ),
        scaled(between_copies(copies.tolist()), [1 / copies.size] * copies.size),
    )
    by_images = clusters.mean() if case.photographs == "new" else 0.0
    return Replicate(float(values.mean() - copies.mean() + by_images + world), parts)


def true_share(noise: Noise, pool: list[Replicate], case: Case) -> float:
    """Return what replicates vary by beyond what they see on average, as a share of it."""
    seen = np.mean([sum(part.variance for part in each.parts) for each in pool])
    trainings = noise.adversarial**2 * (case.correlation / CELLS + (1 - case.correlation) / (CELLS * BUDGETS))
    plain = noise.images**2 + noise.adversarial**2 / (CELLS * BUDGETS) + noise.standard**2 / (ARCHITECTURES * COPIES)
    by_images = noise.images**2 if case.photographs == "new" else 0.0
    varies = by_images + trainings + noise.standard**2 / (ARCHITECTURES * COPIES) + case.unseen * plain
    return float(varies / seen - 1)


def reruns(found: list[list[Estimate]], rule: Rule, rng: np.random.Generator) -> tuple[float, float]:
    """Return the chance of the same verdict that studies state, and how often the next study says the same.

    Effects are drawn evenly between -4 and 4 margins: before it is done, a study knows nothing of its effect.
    """
    assert rule.margin is not None
    said, same = [], []
    for listed in found:
        for one, other in zip(listed[::2], listed[1::2], strict=False):
            effect = float(rng.uniform(-4, 4)) * rule.margin
            (first,), again = findings([moved(one, effect)], [rule]), verdict(moved(other, effect), rule)
            said.append(first.rerun)
            same.append(first.verdict == again)
    return float(np.mean(said)), float(np.mean(same))


def moved(one: Estimate, effect: float) -> Estimate:
    """Return an estimate of a study that differs by its effect alone."""
    return one._replace(value=one.value + effect)


def share_of(verdicts: list[str], one: str) -> str:
    """Return how often a verdict is drawn."""
    return f"{verdicts.count(one) / len(verdicts):.3f}"


def measured_noise(folder: Path) -> dict[str, Noise]:
    """Return the noise of the headline measures in a run's results, and print how much replicates do not see."""
    settings = Settings(**read_card(folder / "cards/claims.json")["spec"])
    study = study_of(settings)
    measured = measure(read(folder / "evaluations", study.models), study.models, study.reliance)
    compared = {f"{m.benchmark} {m.name}": compare(measured, study.models, m) for m in first_measures(study)}
    found = {name: noise_of(each) for name, each in compared.items() if each.grid}
    print_unseen({name: contrasts(each) for name, each in compared.items() if len(each.grid) > 1})
    return found


def first_measures(study: Study) -> list[Metric]:
    """Return the headline measure of each benchmark."""
    return [benchmark.reliance[0] for benchmark in study.benchmarks if benchmark.reliance]


def noise_of(compared: Compared) -> Noise:
    """Return the noise of a measure, over replicates."""
    noise = pooled_noise(list(compared.noise.values()))
    images = [each.images for each in contrasts(compared)]
    spread = float(np.sqrt(np.mean([part.variance for part in images])))
    both = (noise.adversarial, noise.standard or noise.adversarial)
    adversarial, standard = (float(np.sqrt(part.variance)) for part in both)
    return Noise(adversarial, standard, spread, int(min(part.df for part in images)))


def print_unseen(found: dict[str, list[Contrast]]) -> None:
    """Print S^2 / V - 1 of each measure, their mean, and its standard error: of variances with so many df."""
    if not found:
        return
    shares, errors = [], []
    for name, listed in found.items():
        parts = [satterthwaite([each.images, *each.trained]) for each in listed]
        ratio = float(np.var([each.value for each in listed], ddof=1) / np.mean([part.variance for part in parts]))
        df = sum(part.df for part in parts)
        shares.append(ratio - 1)
        errors.append(ratio * np.sqrt(2 / (len(listed) - 1) + 2 / df))
        print(f"{name}: variance between {len(listed)} replicates / within - 1 = {ratio - 1:.2f} +- {errors[-1]:.2f}")
    error = np.sqrt(np.square(errors).sum()) / len(errors)
    print(f"unseen_variance: {np.mean(shares):.2f} +- {error:.2f}, one standard error\n")


if __name__ == "__main__":
    main()
