"""Claim: adversarially trained models rely on backgrounds more than standardly trained ones.

The effects and their tests are those of :mod:`tradeoffs.claims.reliance_effects`; the verdict needs both
(:mod:`tradeoffs.claims.verdicts`). Here are the rows: one for each measure of reliance that a benchmark declares, and
an overall one, which rests on the first of each benchmark.

Models of the user's own are compared one by one, with the standard model they name or that of their architecture; where
there is none, a row says so. There is no trend in one model, so their p-value is the bootstrap's. They have no part in
what is concluded about the grid.
"""

from collections.abc import Sequence

from tradeoffs.claims.reliance_effects import (
    Cell,
    Difference,
    alone,
    baseline,
    cells,
    differences,
    no_measurements,
    together,
    with_standard,
)
from tradeoffs.claims.row import CONCLUSION, DETAIL, NETWORKS, UNDECIDED, Claim
from tradeoffs.claims.verdicts import Assessment, all_of_claim, assess
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Benchmark, Metric
from tradeoffs.results.study import Study

PVALUE = "p: permutation test of the metric's rank correlation with the budget, two-sided"


def claims(measured: Measurements, study: Study) -> list[Claim]:
    """Return the overall row, then per metric a summary row, one per architecture and norm, one per own model."""
    rows: list[Claim] = []
    parts: dict[str, tuple[Metric, Assessment]] = {}
    for benchmark in study.benchmarks:
        for metric in benchmark.reliance:
            found = cells(measured, study.models, metric)
            if found:
                combined, kendall = together(found)
                parts.setdefault(benchmark.title, (metric, combined))
                rows.append(metric_row(measured, study, benchmark, metric, found, combined, kendall))
                rows += [cell_row(measured, study, benchmark, metric, cell) for cell in found]
            rows += own_models(measured, study, benchmark, metric)
    return [*overall(parts), *rows, *not_compared(measured, study)]


def overall(parts: dict[str, tuple[Metric, Assessment]]) -> list[Claim]:
    """Return the row over all benchmarks, from the first measure of each: title -> measure, effect."""
    if not parts:
        return []
    return [
        all_of_claim(
            "background_reliance",
            f"Adversarially trained models rely on backgrounds more than standard ones on every benchmark "
            f"({', '.join(parts)}).",
            [effect for _, effect in parts.values()],
            "; ".join(f"{metric.benchmark} {metric.name}: {effect.verdict()}" for metric, effect in parts.values()),
        )
    ]


def metric_row(
    measured: Measurements,
    study: Study,
    benchmark: Benchmark,
    metric: Metric,
    found: Sequence[Cell],
    combined: Assessment,
    kendall: float,
) -> Claim:
    """Return the row of one measure over all architectures and norms."""
    models = with_standard(study.models, [model for cell in found for model in cell.models])
    return combined.claim(
        _key(metric),
        f"On {benchmark.title}, adversarially trained models rely on backgrounds more than standard ones "
        f"({_direction(metric)}).",
        _statistic(metric),
        f"{metric.benchmark}: mean of {_names(found)}; Kendall's tau {kendall:.2f}"
        + _no_measurements(measured, metric, models),
    )


def cell_row(measured: Measurements, study: Study, benchmark: Benchmark, metric: Metric, cell: Cell) -> Claim:
    """Return the row of one measure, architecture and norm."""
    effect, kendall = alone(cell)
    return effect.claim(
        f"{_key(metric)}.{cell.architecture}.{cell.norm}",
        f"On {benchmark.title}, {cell.norm}-trained {cell.architecture} networks rely on backgrounds more than the "
        f"standard one ({_direction(metric)}).",
        _statistic(metric),
        f"{metric.benchmark}: {', '.join(cell.models)} against the standard {cell.architecture}; "
        f"Kendall's tau {kendall:.2f}" + _no_measurements(measured, metric, with_standard(study.models, cell.models)),
        scope=DETAIL,
        norm=cell.norm,
    )


def own_models(measured: Measurements, study: Study, benchmark: Benchmark, metric: Metric) -> list[Claim]:
    """Return a row for each adversarially trained model of the user's own."""
    return [
        assess(found.value, found.draws).claim(
            f"{_key(metric)}.{found.model.id}",
            f"On {benchmark.title}, {found.model.id} ({found.model.norm}-trained, a model of your own) relies "
            f"on backgrounds more than {_standard_name(found)} ({_direction(metric)}).",
            f"{'' if metric.sign > 0 else 'minus '}({metric.name} - standard); p: bootstrap, two-sided",
            f"{metric.benchmark}: {found.model.id} against {', '.join(found.standard)}"
            + _no_measurements(measured, metric, [found.model.id, *found.standard]),
            scope=DETAIL,
            norm=found.model.norm,
        )
        for found in differences(measured, study.models, metric)
        if found.model.role == "extra"
    ]


def not_compared(measured: Measurements, study: Study) -> list[Claim]:
    """Return an undecided row, without a number, for each own model that was measured beside no standard one.

    Its evidence names the benchmarks, what is missing there, and the key of the config that says what to compare with.
    """
    pairs = {
        (d.model.id, metric.benchmark) for metric in study.reliance for d in differences(measured, study.models, metric)
    }
    about = {metric.benchmark for metric in study.reliance}
    rows = []
    for model in study.models:
        if model.role != "extra" or model.norm == "none":
            continue
        of_model = dict.fromkeys(benchmark for name, benchmark, _ in measured if name == model.id)
        lonely = [name for name in of_model if name in about and (model.id, name) not in pairs]
        if not lonely:
            continue
        names = baseline(study.models, model)
        if names:
            why = f"its standard model {', '.join(names)} was not measured there; add them to the benchmarks of both"
        else:
            why = (
                f"no standard model (norm none) of architecture {model.architecture} is in the study; name one by the "
                f"key reference in the entry of {model.id} under imagenet.extra"
            )
        rows.append(
            Claim(
                f"background_reliance.{model.id}",
                f"{model.id} ({model.norm}-trained, a model of your own) relies on backgrounds more than a standard "
                f"one: not compared on {', '.join(study.titles[name] for name in lonely)}.",
                "none: no standard model to compare with",
                *(None, None, None, None),
                UNDECIDED,
                *(NETWORKS, CONCLUSION, model.norm, None),
                f"{', '.join(lonely)}: {why}",
            )
        )
    return rows


def _key(metric: Metric) -> str:
    return f"background_reliance.{metric.benchmark}.{metric.name}"


def _statistic(metric: Metric) -> str:
    return f"{'' if metric.sign > 0 else 'minus '}mean over budgets of {metric.name} - standard; {PVALUE}"


def _direction(metric: Metric) -> str:
    """Say which way of the metric is more reliance, and what it means."""
    return f"{metric.name} {'higher' if metric.sign > 0 else 'lower'}: {metric.meaning}"


def _standard_name(found: Difference) -> str:
    reference = found.model.reference
    return f"the standard {found.model.architecture}" if reference is None else f"its reference {reference}"


def _names(found: Sequence[Cell]) -> str:
    """Name the cells in words."""
    return ", ".join(f"{cell.architecture} {cell.norm} ({len(cell.models)} models)" for cell in found)


def _no_measurements(measured: Measurements, metric: Metric, ids: Sequence[str]) -> str:
    """Name the models whose value is saturated; empty where none is."""
    named = no_measurements(measured, metric, ids)
    return f"; saturated, and so no measurement: {', '.join(named)}" if named else ""
