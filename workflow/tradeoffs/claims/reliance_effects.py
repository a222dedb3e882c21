"""Adversarially trained models against standard ones: the numbers that the claims of reliance are about.

For every metric, norm and architecture

    effect = mean over the budgets of (metric of the model - metric of the standard model of that architecture),

with its sign turned where a low metric means much reliance, so that positive is always *more reliance*. Bootstrap draws
of two models on one data set are paired, hence the interval is that of the mean of differences. The trend is Kendall's
rank correlation of the oriented metric with epsilon, the standard model at 0, with its exact permutation p-value
(:mod:`tradeoffs.claims.trend`). With several replicates a model stands for their mean.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.trend import Block, curve, forked, trend
from tradeoffs.claims.verdicts import Array, Assessment, assess, over_seeds
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Metric, saturated
from tradeoffs.results.study import Model


class Difference(NamedTuple):
    """One adversarially trained model against the standard ones of its architecture and replicate: oriented, paired."""

    model: Model
    standard: tuple[str, ...]  # ids; several stand for their mean
    metric: Metric
    value: float
    draws: Array
    n: int


class Cell(NamedTuple):
    """One metric, architecture and norm: the budgets and, for each, oriented values as means over replicates."""

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

    For a model of the grid, those of its architecture and replicate. For a model of the user's own, its ``reference``;
    where it names none, those of the grid of its architecture; where there are none, the first listed among the user's
    own; else none.
    """
    if model.reference is not None:
        return (model.reference,)
    standard = [m for m in models if m.norm == "none" and m.architecture == model.architecture]
    grid = [m for m in standard if m.role == "main"]
    if model.role == "main":
        return tuple(m.id for m in grid if m.replicate == model.replicate)
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
        numbers = sorted({d.model.replicate for d in members})
        standard = float(np.mean([_standard(measured, models, metric, architecture, number) for number in numbers]))
        by_epsilon = [float(np.mean([d.value for d in members if d.model.epsilon == e])) for e in epsilons]
        of_each = [[d for d in members if d.model.replicate == number] for number in numbers]
        effect, draws = over_seeds(
            np.array([np.mean([d.value for d in group]) for group in of_each]),
            np.stack([np.mean([d.draws for d in group], axis=0) for group in of_each]),
        )
        values = [standard + value for value in by_epsilon]
        ids = [d.model.id for d in members]
        found.append(Cell(architecture, norm, epsilons, standard, values, effect, draws, ids))
    return found


def _standard(
    measured: Measurements, models: Sequence[Model], metric: Metric, architecture: str, replicate: int
) -> float:
    """Oriented metric of the standard models of one architecture and replicate, their mean."""
    wanted = ("main", "none", architecture, replicate)
    names = [m.id for m in models if (m.role, m.norm, m.architecture, m.replicate) == wanted]
    return metric.sign * float(np.mean([measured[name, metric.benchmark, metric.name].value for name in names]))


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


def no_measurements(measured: Measurements, metric: Metric, ids: Sequence[str]) -> list[str]:
    """Return those of the models whose value is saturated."""
    if not metric.normalised:
        return []
    return [
        name
        for name in ids
        if (found := measured.get((name, metric.benchmark, metric.name))) is not None
        and saturated(found.value, float(found.draws.min()), float(found.draws.max()))
    ]


def with_standard(models: Sequence[Model], ids: Sequence[str]) -> list[str]:
    """Return the ids of adversarially trained models and of the standard ones they are compared with."""
    found = [model for model in models if model.id in ids]
    return list(dict.fromkeys([model.id for model in found] + [name for m in found for name in baseline(models, m)]))
