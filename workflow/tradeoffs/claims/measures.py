"""The measures of reliance that claims are about, raw and beyond accuracy, and what is said of them in words."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.contrasts import Contrast, on_other_photographs
from tradeoffs.claims.reliance_effects import Compared, compare, compare_beyond_accuracy, is_judged, no_measurements
from tradeoffs.claims.row import EXPLORATORY, Said
from tradeoffs.results import beyond_accuracy as lines
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Metric, beyond_accuracy
from tradeoffs.results.study import Study


class Measure(NamedTuple):
    """A measure of reliance, raw or beyond accuracy, and its comparisons. ``headline``: whether it is one."""

    title: str  # of its benchmark
    raw: Metric
    metric: Metric  # what is compared: ``raw``, or it beyond accuracy
    compared: Compared
    headline: bool

    @property
    def beyond(self) -> bool:
        """Whether it is beyond accuracy."""
        return self.metric != self.raw

    @property
    def of_grid(self) -> bool:
        """Whether it has a row about the grid; beyond accuracy, own models without a grid have rows alone."""
        return bool(self.compared.grid or not self.beyond or not self.compared.own)

    @property
    def others(self) -> str:
        """What models are compared with."""
        return "standard ones of equal accuracy" if self.beyond else "standard ones"


def measures(measured: Measurements, study: Study) -> list[Measure]:
    """Return the measures that models were measured by, each followed by it beyond accuracy if there is such."""
    judged = {model.id for model in study.models if is_judged(model)}
    there = {(benchmark, metric) for model, benchmark, metric in measured if model in judged}
    found = []
    for benchmark in study.benchmarks:
        for metric in benchmark.reliance:
            if (benchmark.name, metric.name) not in there:
                continue
            headline = metric == benchmark.reliance[0]
            raw = compare(measured, study.models, metric)
            found.append(Measure(benchmark.title, metric, metric, raw, headline))
            if not lines.adjustable([metric]):
                continue
            beyond = compare_beyond_accuracy(measured, study.models, metric)
            if raw.grid or beyond.own:
                found.append(Measure(benchmark.title, metric, beyond_accuracy(metric), beyond, headline))
    return found


def statistic(measure: Measure) -> str:
    """Say what the value of the row over several models is, and its p-value."""
    of_line = " along the line of standard models at equal accuracy" if measure.beyond else ""
    mean = f"{oriented(measure.raw)}mean over budgets of {measure.raw.name} - standard{of_line}"
    return f"{mean}; p: Student's t, two-sided"


def oriented(metric: Metric) -> str:
    """Return what stands before a difference whose sign is turned."""
    return "" if metric.sign > 0 else "minus "


def direction(metric: Metric) -> str:
    """Say which way of the metric is more reliance, and what it means."""
    return f"{metric.name} {'higher' if metric.sign > 0 else 'lower'}: {metric.meaning}"


def sources(found: Sequence[Contrast], unseen: float) -> str:
    """Say how much of the standard error of one replicate comes from where; of several, what other photographs change.

    ``unseen``: as in :func:`tradeoffs.claims.contrasts.effect`.
    """
    parts = {
        "images": [each.images for each in found],
        "adversarial trainings": [each.adversarial for each in found],
        "standard trainings": [each.standard for each in found],
    }
    named = [f"{source} {np.sqrt(np.mean([part.variance for part in listed])):.3f}" for source, listed in parts.items()]
    said = f"standard error within a replicate by {', '.join(named)}"
    if (elsewhere := on_other_photographs(found, unseen)) is not None:
        low, high = elsewhere.interval()
        said += f"; 95 % interval on other photographs than the replicates' [{low:+.3f}, {high:+.3f}]"
    return said


def said_of(
    measure: Measure,
    words: tuple[str, str, str],
    evidence: str,
    models: str,
    scope: str = EXPLORATORY,
    norm: str | None = None,
) -> Said:
    """Return what a row about a measure says; ``words``: its claim, statement and statistic."""
    raw = measure.raw
    return Said(*words, evidence, scope, norm, None, raw.benchmark, raw.name, models, measure.beyond)


def compared_ids(compared: Compared, cell: tuple[str, str] | None = None) -> str:
    """Return the ids, separated by spaces, of the grid's models, or a cell's, and of what they are compared with."""
    members = [each for own in compared.grid.values() for each in own if cell in (None, each.cell)]
    ids = [each.model.id for each in members] + [name for each in members for name in each.standard]
    return " ".join(dict.fromkeys(ids))


def remarks(measured: Measurements, measure: Measure, ids: Sequence[str]) -> str:
    """Name the models whose value is saturated, and those at an accuracy that no standard model has; empty: none."""
    saturated = no_measurements(measured, measure.raw, ids)
    outside = [name for name in ids if name in measure.compared.outside]
    said = {
        "saturated, and so no measurement": saturated,
        "at accuracies that no standard model of its line has, judged by the line's continuation": outside,
    }
    return "".join(f"; {what}: {', '.join(named)}" for what, named in said.items() if named)
