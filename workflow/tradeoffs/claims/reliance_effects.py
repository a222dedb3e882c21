"""Adversarially trained models against standard ones: the numbers that the claims of reliance are about.

In each replicate, for a measure of reliance, oriented so that positive is always *more reliance*,

    effect = mean over architectures and norms of the mean over budgets of (model - standard),

where *standard* is the mean of the standard models of that architecture and replicate, or, for a measure beyond
accuracy, what the line through standard models gives at the model's own clean accuracy
(:mod:`tradeoffs.results.beyond_accuracy`). Either way the effect is a linear contrast of the values of models, and its
variance has three parts (:mod:`tradeoffs.claims.variance`):

* images: the variance of its bootstrap draws, which are paired between the models of a world;
* trainings of adversarially trained models: what a value is off a smooth curve in the logarithm of the budget;
* trainings of standard models: how far copies differ, or standard models from their line. Where there is one standard
  model for each architecture its noise is taken to be that of an adversarially trained one. Where the line goes through
  networks of other architectures, an adversarially trained one is off it by as much as they are for its architecture
  alone, which all of its models share, at every budget.

A model of the user's own was trained once. Its noise is taken to be that of the grid. A standard one of these is
compared only where it names a ``reference``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.contrasts import Contrast, Difference, Noise, contrast, pooled_noise
from tradeoffs.claims.training_noise import Curve, along_curves, between_copies
from tradeoffs.claims.variance import Part
from tradeoffs.results import beyond_accuracy as lines
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Metric, beyond_accuracy, saturated
from tradeoffs.results.standard import is_standard
from tradeoffs.results.study import Model


class Compared(NamedTuple):
    """All comparisons of one measure: those of the grid by replicate, with their noise, and those of own models.

    ``outside``: ids of those that are judged by the continuation of a line, at an accuracy that no standard model has.
    """

    grid: dict[int, list[Difference]]
    noise: dict[int, Noise]
    own: list[Difference]
    outside: frozenset[str] = frozenset()

    @property
    def cells(self) -> dict[tuple[str, str], list[str]]:
        """Ids of the models of each architecture and norm, in the order in which the study lists them."""
        found: dict[tuple[str, str], list[str]] = {}
        for members in self.grid.values():
            for each in members:
                found.setdefault(each.cell, []).append(each.model.id)
        return found


def compare(measured: Measurements, models: Sequence[Model], metric: Metric) -> Compared:
    """Compare every model that is no standard one with these; none where one of them was not measured."""
    found = differences(measured, models, metric)
    grid = _by_replicate(found)
    copies: dict[tuple[int, str], list[float]] = {}
    for model in models:
        if model.role == "main" and is_standard(model) and (key := (model.id, *_key(metric))) in measured:
            copies.setdefault((model.replicate, model.architecture), []).append(measured[key].value)
    noise = {
        replicate: _noise(members, _between([group for (of, _), group in copies.items() if of == replicate]))
        for replicate, members in grid.items()
    }
    return Compared(grid, noise, [each for each in found if each.model.role == "extra"])


def compare_beyond_accuracy(measured: Measurements, models: Sequence[Model], metric: Metric) -> Compared:
    """Compare every model that is no standard one with one of equal clean accuracy, on a raw ``metric``."""
    beyond = beyond_accuracy(metric)
    of_world = {world: lines.line(measured, models, metric, world) for world in {model.world for model in models}}
    found = []
    for model in models:
        line, own = of_world[model.world], measured.get((model.id, *_key(beyond)))
        if is_compared(model) and not is_standard(model) and line is not None and own is not None:
            shares = dict(zip(line.standard, line.shares[model.id].tolist(), strict=True))
            oriented = (metric.sign * own.value, metric.sign * own.draws)
            alone = model.architecture if model.id in line.along_others else None
            found.append(Difference(model, shares, *oriented, own.freedom, own.n, alone))
    grid = _by_replicate(found)
    noise = {}
    for replicate, members in grid.items():
        line = of_world[members[0].model.world]
        assert line is not None
        squares = float(np.square(line.residuals).sum())
        noise[replicate] = _noise(members, Part(squares / line.df, float(line.df)))
    outside = frozenset(name for line in of_world.values() if line is not None for name in line.outside)
    return Compared(grid, noise, [each for each in found if each.model.role == "extra"], outside)


def differences(measured: Measurements, models: Sequence[Model], metric: Metric) -> list[Difference]:
    """Return every compared model less its standard ones; none where one of them was not measured."""
    found = []
    for model in models:
        names = [name for name in baseline(models, model) if (name, *_key(metric)) in measured]
        if not is_compared(model) or (model.id, *_key(metric)) not in measured or not names:
            continue
        found.append(difference(measured, metric, model, names))
    return found


def difference(measured: Measurements, metric: Metric, model: Model, names: Sequence[str]) -> Difference:
    """Return a model less the mean of others, oriented. KeyError where one of them was not measured."""
    ours, *theirs = (measured[(name, *_key(metric))] for name in (model.id, *names))
    value = metric.sign * (ours.value - float(np.mean([each.value for each in theirs])))
    draws = metric.sign * (ours.draws - np.mean([each.draws for each in theirs], axis=0))
    return Difference(model, dict.fromkeys(names, 1 / len(names)), value, draws, ours.freedom, ours.n)


def baseline(models: Sequence[Model], model: Model) -> tuple[str, ...]:
    """Return the ids of the standard models that a model is compared with; several stand for their mean.

    For a model of the grid, those of its architecture and replicate. For a model of the user's own, its ``reference``;
    where it names none, those of the grid of its architecture; where there are none, the first listed among the user's
    own; else none.
    """
    if model.reference is not None:
        return (model.reference,)
    standard = [m for m in models if is_standard(m) and m.architecture == model.architecture]
    grid = [m for m in standard if m.role == "main"]
    if model.role == "main":
        return tuple(m.id for m in grid if m.replicate == model.replicate)
    return tuple(m.id for m in grid) or tuple(m.id for m in standard if m.role == "extra")[:1]


def contrasts(compared: Compared, cell: tuple[str, str] | None = None) -> list[Contrast]:
    """Return the contrast of each replicate of the grid, or that of one architecture and norm."""
    found = []
    for replicate, members in compared.grid.items():
        chosen = [each for each in members if cell is None or each.cell == cell]
        if chosen:
            found.append(contrast(chosen, compared.noise[replicate]))
    return found


def noise_of(compared: Compared, model: Model) -> Noise:
    """Return the noise of a model's comparison: that of its replicate, of an own model that of all of the grid."""
    if model.role == "main":
        return compared.noise[model.replicate]
    found = pooled_noise(list(compared.noise.values()))
    return Noise(found.standard or found.adversarial, None) if is_standard(model) else found


def _between(groups: Sequence[Sequence[float]]) -> Part | None:
    """Return how far copies of standard models differ; None where there are none."""
    found = between_copies(groups)
    return found if found.df > 0 else None


def _noise(members: Sequence[Difference], standard: Part | None) -> Noise:
    """Return the noise in one replicate of the grid, given what the standard models say of theirs."""
    curves: dict[tuple[str, str], list[Difference]] = {}
    for each in members:
        curves.setdefault(each.cell, []).append(each)
    adversarial = along_curves(
        [
            Curve(np.log2([each.model.epsilon for each in curve]).tolist(), [each.value for each in curve])
            for curve in curves.values()
        ]
    )
    return Noise(adversarial, standard)


def _by_replicate(found: Sequence[Difference]) -> dict[int, list[Difference]]:
    grid: dict[int, list[Difference]] = {}
    for each in found:
        if each.model.role == "main":
            grid.setdefault(each.model.replicate, []).append(each)
    return grid


def is_judged(model: Model) -> bool:
    """Whether claims are about it: it is of the grid, or the user's own."""
    return model.role in ("main", "extra")


def is_compared(model: Model) -> bool:
    """Whether it is compared with standard models: it is none of them, or names one to be compared with."""
    return is_judged(model) and (not is_standard(model) or model.reference is not None)


def _key(metric: Metric) -> tuple[str, str]:
    return metric.benchmark, metric.name


def no_measurements(measured: Measurements, metric: Metric, ids: Sequence[str]) -> list[str]:
    """Return those of the models whose value is saturated."""
    if not metric.normalised:
        return []
    return [
        name
        for name in ids
        if (found := measured.get((name, *_key(metric)))) is not None
        and saturated(found.value, float(found.draws.min()), float(found.draws.max()))
    ]


def with_standard(models: Sequence[Model], ids: Sequence[str]) -> list[str]:
    """Return the ids of adversarially trained models and of the standard ones they are compared with."""
    found = [model for model in models if model.id in ids]
    return list(dict.fromkeys([model.id for model in found] + [name for m in found for name in baseline(models, m)]))
