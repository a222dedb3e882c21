"""The headline claims of a study: the first measure of reliance of each benchmark, tested all together.

A look (:mod:`tradeoffs.claims.look`) asks for no more than these. They are a family of Holm's procedure; so
are they once more beyond accuracy, that is, against standard models of equal accuracy. Every other measure is tested by
itself.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tradeoffs.claims import regime
from tradeoffs.claims.all_of import Together, together
from tradeoffs.claims.contrasts import Contrast, effect
from tradeoffs.claims.reliance_effects import Compared, compare, contrasts
from tradeoffs.claims.row import RELIANCE, UNDECIDED
from tradeoffs.claims.verdicts import Finding, Rule, findings
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Metric
from tradeoffs.results.study import Study

Warnings = Mapping[tuple[str, str], str]  # by benchmark and metric


class Tested(NamedTuple):
    """A raw measure, the contrasts of its replicates, and what was found.

    ``finding``: None where nothing says how its effect varies. ``warning``: why no verdict is drawn, if none is.
    """

    metric: Metric
    contrasts: list[Contrast]
    finding: Finding | None
    warning: str | None

    @property
    def conclusive(self) -> Finding | None:
        """What was found, if a verdict may be drawn from it."""
        return None if self.warning else self.finding

    @property
    def verdict(self) -> str:
        """The verdict within its family."""
        return UNDECIDED if self.conclusive is None else self.conclusive.verdict


def family(study: Study, listed: Sequence[tuple[Metric, Compared]], warnings: Warnings) -> list[Tested]:
    """Test the effects of several measures over the grid together, by Holm's procedure, in the given order.

    Each is given as the raw measure with its comparisons, which may be beyond accuracy.
    """
    found = [contrasts(compared) for _, compared in listed]
    effects = [effect(each, study.unseen_variance) if each else None for each in found]
    known = [(one, rule(study, metric)) for one, (metric, _) in zip(effects, listed, strict=True) if one is not None]
    tested = iter(findings([one for one, _ in known], [how for _, how in known]))
    return [
        Tested(metric, each, None if one is None else next(tested), warnings.get((metric.benchmark, metric.name)))
        for (metric, _), each, one in zip(listed, found, effects, strict=True)
    ]


def rule(study: Study, metric: Metric) -> Rule:
    """Return what the verdict on a raw measure depends on, which is the same beyond accuracy."""
    return Rule(study.level, study.margin(metric.name))


def overall(parts: Sequence[Tested]) -> Together:
    """Return what follows of all measures together."""
    return together([part.conclusive for part in parts])


def headlines(measured: Measurements, study: Study, level: float) -> dict[str, Tested]:
    """Return what was found of each headline claim, by name, at a level that all share by Holm's procedure (1979)."""
    metrics = [benchmark.reliance[0] for benchmark in study.benchmarks if benchmark.reliance]
    listed = [(metric, compare(measured, study.models, metric)) for metric in metrics]
    tested = family(study._replace(level=level), listed, warnings_of(measured, study))
    return {name(each.metric): each for each in tested}


def warnings_of(measured: Measurements, study: Study) -> Warnings:
    """Return the measures on which no verdict is drawn, by benchmark and metric, and why."""
    return regime.warnings(measured, study)


def name(metric: Metric) -> str:
    """Return what the claim about a measure is called in the table."""
    return f"{RELIANCE}.{metric.benchmark}.{metric.name}"
