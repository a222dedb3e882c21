"""Reliance beyond accuracy: how much more or less a model relies on backgrounds than a standard one of equal accuracy.

Adversarially trained models are less accurate than standard ones, and less accurate standard models rely on backgrounds
too. So a measure of reliance M is compared along the line, fitted by least squares to the standard models, through

    M against logit(clean accuracy),

as Taori et al. (NeurIPS 2020) do for accuracies. M beyond accuracy = M - what the line gives at the model's clean
accuracy: it has the direction of M. Clean accuracy is that of the benchmark ``imagenet``.

Standard models (:mod:`tradeoffs.results.standard`) are all of the same world: main ones, controls and the user's own.
An architecture with at least three that differ in accuracy has an intercept of its own, all others share one; the slope
is common. Every bootstrap draw has lines of its own. Models better or worse than every standard one of their line are
judged by its continuation (``Line.outside``). Effective robustness is beyond accuracy by its definition, and is left as
it is.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.results import effective_robustness, standard
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.evaluations import Array
from tradeoffs.results.metrics import Metric, beyond_accuracy
from tradeoffs.results.standard_line import (
    FEWEST_STANDARD_MODELS,
    Labels,
    Marks,
    differing,
    logit,
    residuals,
    weights,
)
from tradeoffs.results.study import Model
from tradeoffs.step.errors import InputError

CLEAN_ACCURACY = ("imagenet", "accuracy")
ROLES = ("main", "control", "extra")  # whose standard models the lines go through
JUDGED = ("main", "extra")
ADJUSTED = frozenset(effective_robustness.metric(protocol) for protocol in effective_robustness.PROTOCOLS)
Numbers = Mapping[tuple[str, str, str], Measured]  # by model id, benchmark and metric


class Line(NamedTuple):
    """The lines of one measure through the standard models of one world, and the models that are judged by them.

    ``residuals`` [standard] are those of the standard models, in the order of ``standard``, around their lines, with
    ``df`` degrees of freedom: models - intercepts - 1. ``shares`` [standard] say for each judged model how much each
    standard one counts in what its line gives (they sum to 1). ``along_others``: judged models whose line goes through
    standard ones of other architectures as well, so that their own architecture may be off it.
    """

    standard: tuple[str, ...]
    residuals: Array
    df: int
    shares: dict[str, Array]
    outside: tuple[str, ...]
    along_others: frozenset[str] = frozenset()


class _Compared(NamedTuple):
    """The models of one world that have a measure and a clean accuracy; draws follow the value in a column each."""

    models: list[Model]
    x: Array  # logit of clean accuracy [models, 1 + draws]
    y: Array  # the measure [models, 1 + draws]
    is_standard: Marks
    group: Labels


def of_models(
    measured: Numbers, models: Sequence[Model], metrics: Sequence[Metric]
) -> dict[tuple[str, str, str], Measured]:
    """Return each measure of reliance beyond accuracy, of main models and the user's own, with its draws.

    By model id, benchmark and name of the metric. :func:`left_out` says what is not there, and why.
    """
    found = {}
    for metric in adjustable(metrics):
        for world in _worlds(models):
            compared = _compared(measured, models, metric, world)
            if isinstance(compared, str):
                continue
            beyond = residuals(compared.x, compared.y, compared.is_standard, compared.group)
            for model, row in zip(compared.models, beyond, strict=True):
                if model.role in JUDGED:
                    n = measured[model.id, metric.benchmark, metric.name].n
                    key = (model.id, metric.benchmark, beyond_accuracy(metric).name)
                    found[key] = Measured(float(row[0]), row[1:], n)
    return found


def line(measured: Numbers, models: Sequence[Model], metric: Metric, world: str) -> Line | None:
    """Return the lines of a measure in a world, None where there are none."""
    compared = _compared(measured, models, metric, world)
    if isinstance(compared, str):
        return None
    kept, x, y, is_standard, group = compared
    judged = [i for i, model in enumerate(kept) if model.role in JUDGED]
    shares = weights(x[:, 0], is_standard, group)
    outside, along_others = [], set()
    for i in judged:
        beside = np.flatnonzero(is_standard & (group == group[i]))
        own = x[beside, 0]
        if not own.min() <= x[i, 0] <= own.max():
            outside.append(kept[i].id)
        if {kept[j].architecture for j in beside} != {kept[i].architecture}:
            along_others.add(kept[i].id)
    fitted = tuple(model.id for model, is_one in zip(kept, is_standard, strict=True) if is_one)
    around = residuals(x[:, :1], y[:, :1], is_standard, group)[is_standard, 0]
    df = len(fitted) - len(set(group)) - 1
    of_judged = {kept[i].id: shares[i] for i in judged}
    return Line(fitted, around, df, of_judged, tuple(outside), frozenset(along_others))


def outside(measured: Numbers, models: Sequence[Model], metrics: Sequence[Metric]) -> list[str]:
    """Return the models that are judged by the continuation of a line of any of the measures."""
    worlds = _worlds(models)
    found = [line(measured, models, metric, each) for metric in adjustable(metrics) for each in worlds]
    named = {model for each in found if each is not None for model in each.outside}
    return [model.id for model in models if model.id in named]


def left_out(measured: Numbers, models: Sequence[Model], metrics: Sequence[Metric]) -> dict[str, str]:
    """Say of which measures, by the name beyond accuracy, there is nothing or not all, and why."""
    reasons: dict[str, str] = {}
    measures = {(benchmark, name) for _, benchmark, name in measured}
    for metric in adjustable(metrics):
        if (metric.benchmark, metric.name) not in measures:
            continue
        for world in _worlds(models):
            compared = _compared(measured, models, metric, world)
            if isinstance(compared, str):
                reason = compared
            elif lonely := _lonely(measured, models, metric, compared):
                reason = (
                    f"no standard model is of the architecture of {', '.join(lonely)}, or of another without a line"
                )
            else:
                continue
            reasons.setdefault(f"{metric.benchmark}.{beyond_accuracy(metric).name}", reason)
    return reasons


def adjustable(metrics: Sequence[Metric]) -> list[Metric]:
    """Return the measures that are not beyond accuracy already."""
    return [metric for metric in metrics if metric.name not in ADJUSTED]


def _worlds(models: Sequence[Model]) -> list[str]:
    return list(dict.fromkeys(model.world for model in models if model.role in ROLES))


def _with_both(measured: Numbers, models: Sequence[Model], metric: Metric, world: str) -> list[Model]:
    keys = ((metric.benchmark, metric.name), CLEAN_ACCURACY)
    return [
        model
        for model in models
        if model.role in ROLES and model.world == world and all((model.id, *key) in measured for key in keys)
    ]


def _compared(measured: Numbers, models: Sequence[Model], metric: Metric, world: str) -> _Compared | str:
    """Return the models that a measure can be compared of, or why there is no line to compare them with."""
    kept = _with_both(measured, models, metric, world)
    if not kept:
        return f"clean accuracy (benchmark {CLEAN_ACCURACY[0]}) was not measured"
    accuracies = [measured[(model.id, *CLEAN_ACCURACY)] for model in kept]
    values = [measured[model.id, metric.benchmark, metric.name] for model in kept]
    for model, one, other in zip(kept, accuracies, values, strict=True):
        if len(one.draws) != len(other.draws):
            raise InputError(
                f"{model.id}: {len(other.draws)} bootstrap draws of {metric.benchmark} and {len(one.draws)} of "
                f"{CLEAN_ACCURACY[0]}; evaluate it on both with the same number"
            )
    accuracy, value = _columns(accuracies), _columns(values)
    is_standard = np.array([standard.is_standard(model) for model in kept], dtype=bool)
    if (differ := differing(accuracy[is_standard, 0])) < FEWEST_STANDARD_MODELS:
        return (
            f"its line goes through standard models that differ in clean accuracy; there are {differ}, expected at "
            f"least {FEWEST_STANDARD_MODELS}; add some to the controls, or of your own"
        )
    group = groups([model.architecture for model in kept], accuracy[:, 0], is_standard)
    judged = group >= 0
    x = logit(accuracy, min(one.n for one in accuracies))
    rest = [model for model, is_one in zip(kept, judged, strict=True) if is_one]
    return _Compared(rest, x[judged], value[judged], is_standard[judged], group[judged])


def groups(architectures: Sequence[str], accuracy: Array, is_standard: Marks) -> Labels:
    """Number the intercepts, from 0: for each model that of its architecture, or the one of all other architectures.

    ``accuracy`` [models]. -1: an architecture without an intercept of its own, where no standard model is of another;
    all models, where too few standard ones differ in accuracy for any line.
    """
    names = np.array(architectures)
    if differing(accuracy[is_standard]) < FEWEST_STANDARD_MODELS:
        return np.full(len(names), -1, dtype=np.int64)
    own = [
        name
        for name in dict.fromkeys(architectures)
        if differing(accuracy[is_standard & (names == name)]) >= FEWEST_STANDARD_MODELS
    ]
    found = np.array([own.index(name) if name in own else len(own) for name in architectures], dtype=np.int64)
    if not (is_standard & (found == len(own))).any():
        found[found == len(own)] = -1
    return found


def _lonely(measured: Numbers, models: Sequence[Model], metric: Metric, compared: _Compared) -> list[str]:
    """Return the models to be judged that no line goes with."""
    there = {model.id for model in compared.models}
    listed = _with_both(measured, models, metric, compared.models[0].world)
    return [model.id for model in listed if model.role in JUDGED and model.id not in there]


def _columns(measured: Sequence[Measured]) -> Array:
    """Value and draws of each: [models, 1 + draws]."""
    return np.stack([np.concatenate([[one.value], one.draws]) for one in measured])
