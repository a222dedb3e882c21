"""The headline claims of a study: the first measure of reliance of each benchmark, tested all together.

A look (:mod:`tradeoffs.claims.look`) asks for no more than their verdicts. They are a family of Holm's procedure; so
are they once more beyond accuracy, that is, against standard models of equal accuracy. Every other measure is tested by
itself.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tradeoffs.claims.contrasts import Contrast, effect
from tradeoffs.claims.reliance_effects import Compared, compare, contrasts
from tradeoffs.claims.row import CONTRADICTED, EQUIVALENT, SUPPORTED, UNDECIDED
from tradeoffs.claims.verdicts import Finding, Rule, chances, findings, verdict
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Metric
from tradeoffs.results.study import Study

CLAIM = "background_reliance"
Warnings = Mapping[tuple[str, str], str]  # by benchmark and metric


class Tested(NamedTuple):
    """A measure, the contrasts of its replicates, and what was found: None where nothing says how its effect varies.

    ``warning``: why no verdict is drawn, if none is.
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


class Overall(NamedTuple):
    """What follows of several measures together; ``share``: of those supported, each by itself."""

    share: float
    p_value: float | None
    verdict: str
    rerun: float
    replicates: int | None


def family(study: Study, listed: Sequence[tuple[Metric, Compared]], warnings: Warnings) -> list[Tested]:
    """Test the effects of several measures over the grid together, by Holm's procedure."""
    found = [contrasts(compared) for _, compared in listed]
    effects = [effect(each, study.unseen_variance) if each else None for each in found]
    known = [(one, rule(study, metric)) for one, (metric, _) in zip(effects, listed, strict=True) if one is not None]
    tested = iter(findings([one for one, _ in known], [how for _, how in known]))
    return [
        Tested(metric, each, None if one is None else next(tested), warnings.get((metric.benchmark, _raw(metric))))
        for (metric, _), each, one in zip(listed, found, effects, strict=True)
    ]


def rule(study: Study, metric: Metric) -> Rule:
    """Return what the verdict on a measure depends on; beyond accuracy it has the margin of the measure itself."""
    return Rule(study.level, study.margin(_raw(metric)))


def _raw(metric: Metric) -> str:
    """Return the name of the measure that is taken beyond accuracy, or its own."""
    return metric.name.removesuffix("_beyond_accuracy")


def overall(parts: Sequence[Tested]) -> Overall:
    """Return what follows of all measures together.

    Supported if every one is by itself, at the level of one (an intersection-union test, Berger 1982: nothing needs
    correcting), and likewise equivalent; contradicted if one of them is in its family. The chance of a rerun is that
    of measures that vary independently of each other.
    """
    found = [part.conclusive for part in parts]
    single = [UNDECIDED if one is None else verdict(one.effect, one.rule) for one in found]
    if set(single) in ({SUPPORTED}, {EQUIVALENT}):
        decided = single[0]
    else:
        contradicted = any(one is not None and one.verdict == CONTRADICTED for one in found)
        decided = CONTRADICTED if contradicted else UNDECIDED
    known = [one.effect for one in found if one is not None]
    p_value = None
    if len(known) == len(parts):
        p_value = max(one.p_value() if one.value > 0 else 1.0 for one in known)
    replicates = min((one.replicates for one in known), default=None)
    return Overall(single.count(SUPPORTED) / len(parts), p_value, decided, _chances(found)[decided], replicates)


def _chances(found: Sequence[Finding | None]) -> dict[str, float]:
    """Return the chance of each verdict on all together; of one that is not there none is drawn next time either."""
    supported = equivalent = not_contradicted = 1.0
    for one in found:
        if one is None:
            supported = equivalent = 0.0
            continue
        by_itself = chances(one.effect, one.rule)
        supported *= by_itself[SUPPORTED]
        equivalent *= by_itself[EQUIVALENT]
        not_contradicted *= 1 - chances(one.effect, one.rule._replace(level=one.rule.level / len(found)))[CONTRADICTED]
    rest = max(0.0, not_contradicted - supported - equivalent)
    return {SUPPORTED: supported, EQUIVALENT: equivalent, CONTRADICTED: 1 - not_contradicted, UNDECIDED: rest}


def headlines(measured: Measurements, study: Study, level: float) -> dict[str, str]:
    """Return the verdict on each headline claim, by name, at a level that all share by Holm's procedure (1979)."""
    metrics = [benchmark.reliance[0] for benchmark in study.benchmarks if benchmark.reliance]
    listed = [(metric, compare(measured, study.models, metric)) for metric in metrics]
    tested = family(study._replace(level=level), listed, warnings_of(measured, study))
    return {name(each.metric): each.verdict for each in tested}


def warnings_of(measured: Measurements, study: Study) -> Warnings:
    """Return the measures on which no verdict is drawn, by benchmark and metric, and why."""
    return {}


def name(metric: Metric) -> str:
    """Return what the claim about a measure is called in the table."""
    return f"{CLAIM}.{metric.benchmark}.{metric.name}"
