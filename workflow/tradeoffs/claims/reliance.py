"""Claim: adversarially trained models rely on backgrounds more than standardly trained ones.

For every metric, norm and architecture

    effect = mean over the budgets of (metric of the model - metric of the standard model of that architecture),

with its sign turned where a low metric means much reliance, so that positive is always *more reliance*. Bootstrap draws
of two models on one data set are paired, hence the interval is that of the mean of differences. The trend is Kendall's
rank correlation of the oriented metric with epsilon, the standard model at 0, with its exact permutation p-value
(:mod:`tradeoffs.claims.trend`). The verdict needs both (:mod:`tradeoffs.claims.verdicts`). With several seeds a
model stands for the mean of its seeds.

Models of the user's own are compared one by one, with the standard model they name or that of their architecture
(:func:`baseline`); where there is none, a row says so. There is no trend in one model, so their p-value is the
bootstrap's. They have no part in what is concluded about the grid.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.row import UNDECIDED, Claim
from tradeoffs.claims.trend import Block, curve, forked, trend
from tradeoffs.claims.verdicts import Array, Assessment, all_of_claim, assess, over_seeds
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import METRICS, TITLES, Metric, saturated
from tradeoffs.results.table import Model

PVALUE = "p: permutation test of the metric's rank correlation with the budget, two-sided"


class Difference(NamedTuple):
    """One adversarially trained model against the standard one of its architecture and seed: oriented, paired."""

    model: Model
    standard: tuple[str, ...]  # ids; several stand for their mean
    metric: Metric
    value: float
    draws: Array
    n: int


class Cell(NamedTuple):
    """One metric, architecture and norm: the budgets and, for each, oriented values as means over seeds."""

    architecture: str
    norm: str
    epsilons: list[float]
    standard: float  # the oriented metric of the standard model
    values: list[float]  # ... and of the model at each budget
    effect: float
    draws: Array
    models: list[str]


def differences(measured: Measurements, models: Sequence[Model], metric: Metric) -> list[Difference]:
    """Return every adversarially trained model against its standard one; none where one of them was not measured."""
    found = []
    for model in models:
        if model.role not in ("main", "extra") or model.norm == "none":
            continue
        ours = measured.get((model.id, metric.benchmark, metric.name))
        names = baseline(models, model)
        theirs = [measured[key] for name in names if (key := (name, metric.benchmark, metric.name)) in measured]
        if ours is not None and theirs:
            value = metric.sign * (ours.value - float(np.mean([m.value for m in theirs])))
            draws = metric.sign * (ours.draws - np.mean([m.draws for m in theirs], axis=0))
            found.append(Difference(model, names, metric, value, draws, ours.n))
    return found


def baseline(models: Sequence[Model], model: Model) -> tuple[str, ...]:
    """Return the ids of the standard models that a model is compared with; several stand for their mean.

    For a model of the grid, the one of its architecture and seed. For a model of the user's own, its ``reference``;
    where it names none, those of the grid of its architecture, one per seed; where there are none, the first listed
    among the user's own; else none.
    """
    if model.reference is not None:
        return (model.reference,)
    standard = [m for m in models if m.norm == "none" and m.architecture == model.architecture]
    grid = [m for m in standard if m.role == "main"]
    if model.role == "main":
        return tuple(m.id for m in grid if m.seed == model.seed)
    return tuple(m.id for m in grid) or tuple(m.id for m in standard if m.role == "extra")[:1]


def cells(measured: Measurements, models: Sequence[Model], metric: Metric) -> list[Cell]:
    """Return the cells of one metric's grid in the order in which the study lists them."""
    grouped: dict[tuple[str, str], list[Difference]] = {}
    for difference in differences(measured, models, metric):
        if difference.model.role == "main":
            grouped.setdefault((difference.model.architecture, difference.model.norm), []).append(difference)
    found = []
    for (architecture, norm), members in grouped.items():
        epsilons = sorted({d.model.epsilon for d in members})
        seeds = sorted({d.model.seed for d in members})
        standard = float(np.mean([_standard(measured, models, metric, architecture, seed) for seed in seeds]))
        by_epsilon = [float(np.mean([d.value for d in members if d.model.epsilon == e])) for e in epsilons]
        of_seed = [[d for d in members if d.model.seed == seed] for seed in seeds]
        effect, draws = over_seeds(
            np.array([np.mean([d.value for d in group]) for group in of_seed]),
            np.stack([np.mean([d.draws for d in group], axis=0) for group in of_seed]),
        )
        values = [standard + value for value in by_epsilon]
        ids = [d.model.id for d in members]
        found.append(Cell(architecture, norm, epsilons, standard, values, effect, draws, ids))
    return found


def _standard(measured: Measurements, models: Sequence[Model], metric: Metric, architecture: str, seed: int) -> float:
    """Oriented metric of the standard model of one architecture and seed."""
    wanted = ("main", "none", architecture, seed)
    name = next(m.id for m in models if (m.role, m.norm, m.architecture, m.seed) == wanted)
    return metric.sign * measured[name, metric.benchmark, metric.name].value


def claims(measured: Measurements, models: Sequence[Model]) -> list[Claim]:
    """Return the overall row, then per metric a summary row, one per architecture and norm, one per own model."""
    rows: list[Claim] = []
    parts: dict[str, tuple[Metric, Assessment]] = {}
    for metric in METRICS:
        found = cells(measured, models, metric)
        if not found:
            rows += own_models(measured, models, metric)
            continue
        combined, kendall = together(found)
        parts.setdefault(metric.benchmark, (metric, combined))
        title, how = TITLES[metric.benchmark], _direction(metric)
        key = f"background_reliance.{metric.benchmark}.{metric.name}"
        sign = "" if metric.sign > 0 else "minus "
        statistic = f"{sign}mean over budgets of {metric.name} - standard; {PVALUE}"
        rows.append(
            combined.claim(
                key,
                f"On {title}, adversarially trained models rely on backgrounds more than standard ones ({how}).",
                statistic,
                f"{metric.benchmark}: mean of {_names(found)}; Kendall's tau {kendall:.2f}"
                + _no_measurements(
                    measured, metric, _with_standard(models, [m for cell in found for m in cell.models])
                ),
            )
        )
        for cell in found:
            effect, kendall = alone(cell)
            rows.append(
                effect.claim(
                    f"{key}.{cell.architecture}.{cell.norm}",
                    f"On {title}, {cell.norm}-trained {cell.architecture} networks rely on backgrounds more than the "
                    f"standard one ({how}).",
                    statistic,
                    f"{metric.benchmark}: {', '.join(cell.models)} against the standard {cell.architecture}; "
                    f"Kendall's tau {kendall:.2f}"
                    + _no_measurements(measured, metric, _with_standard(models, cell.models)),
                )
            )
        rows += own_models(measured, models, metric)
    if parts:
        rows.insert(
            0,
            all_of_claim(
                "background_reliance",
                f"Adversarially trained models rely on backgrounds more than standard ones on every benchmark "
                f"({', '.join(TITLES[benchmark] for benchmark in parts)}).",
                [effect for _, effect in parts.values()],
                "; ".join(
                    f"{benchmark} {metric.name}: {effect.verdict()}" for benchmark, (metric, effect) in parts.items()
                ),
            ),
        )
    return rows + not_compared(measured, models)


def own_models(measured: Measurements, models: Sequence[Model], metric: Metric) -> list[Claim]:
    """Return a row for each adversarially trained model of the user's own."""
    return [
        assess(found.value, found.draws).claim(
            f"background_reliance.{metric.benchmark}.{metric.name}.{found.model.id}",
            f"On {TITLES[metric.benchmark]}, {found.model.id} ({found.model.norm}-trained, a model of your own) relies "
            f"on backgrounds more than {_standard_name(found)} ({_direction(metric)}).",
            f"{'' if metric.sign > 0 else 'minus '}({metric.name} - standard); p: bootstrap, two-sided",
            f"{metric.benchmark}: {found.model.id} against {', '.join(found.standard)}"
            + _no_measurements(measured, metric, [found.model.id, *found.standard]),
        )
        for found in differences(measured, models, metric)
        if found.model.role == "extra"
    ]


def _standard_name(found: Difference) -> str:
    reference = found.model.reference
    return f"the standard {found.model.architecture}" if reference is None else f"its reference {reference}"


def not_compared(measured: Measurements, models: Sequence[Model]) -> list[Claim]:
    """Return an undecided row, without a number, for each own model that was measured beside no standard one.

    Its evidence names the benchmarks, what is missing there, and the key of the config that says what to compare with.
    """
    pairs = {(d.model.id, metric.benchmark) for metric in METRICS for d in differences(measured, models, metric)}
    about = {metric.benchmark for metric in METRICS}
    rows = []
    for model in models:
        if model.role != "extra" or model.norm == "none":
            continue
        of_model = dict.fromkeys(benchmark for name, benchmark, _ in measured if name == model.id)
        alone = [name for name in of_model if name in about and (model.id, name) not in pairs]
        if not alone:
            continue
        names = baseline(models, model)
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
                f"one: not compared on {', '.join(TITLES[name] for name in alone)}.",
                "none: no standard model to compare with",
                *(None, None, None, None),
                UNDECIDED,
                f"{', '.join(alone)}: {why}",
            )
        )
    return rows


def _direction(metric: Metric) -> str:
    """Say which way of the metric is more reliance, and what it means."""
    return f"{metric.name} {'higher' if metric.sign > 0 else 'lower'}: {metric.meaning}"


def alone(cell: Cell) -> tuple[Assessment, float]:
    """Effect and trend of one cell, and Kendall's tau."""
    found = trend([curve([0.0, *cell.epsilons], [cell.standard, *cell.values])])
    return assess(cell.effect, cell.draws, found), found.tau


def together(found: Sequence[Cell]) -> tuple[Assessment, float]:
    """Mean effect and joint trend of the cells, and Kendall's tau.

    The norms of one architecture share its standard model, so the values of an architecture are permuted together and
    budgets of different norms are not compared.
    """
    architectures = list(dict.fromkeys(cell.architecture for cell in found))
    blocks: list[Block] = []
    for architecture in architectures:
        own = [cell for cell in found if cell.architecture == architecture]
        blocks.append(forked(own[0].standard, [(cell.epsilons, cell.values) for cell in own]))
    joint = trend(blocks)
    effect = float(np.mean([cell.effect for cell in found]))
    draws = np.mean([cell.draws for cell in found], axis=0)
    return assess(effect, draws, joint), joint.tau


def _names(found: Sequence[Cell]) -> str:
    """Name the cells in words."""
    return ", ".join(f"{cell.architecture} {cell.norm} ({len(cell.models)} models)" for cell in found)


def _with_standard(models: Sequence[Model], ids: Sequence[str]) -> list[str]:
    """Return the ids of adversarially trained models and of the standard ones they are compared with."""
    found = [model for model in models if model.id in ids]
    return list(dict.fromkeys([model.id for model in found] + [name for m in found for name in baseline(models, m)]))


def _no_measurements(measured: Measurements, metric: Metric, ids: Sequence[str]) -> str:
    """Name the models whose value is saturated; empty where none is."""
    named = [
        name
        for name in ids
        if (found := measured.get((name, metric.benchmark, metric.name))) is not None
        and saturated(metric.name, found.value, float(found.draws.min()), float(found.draws.max()))
    ]
    return f"; saturated, and so no measurement: {', '.join(named)}" if named else ""
