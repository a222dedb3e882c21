"""The effect of adversarial training at each scale of the background: the numbers that the claims are about.

    effect = mean over the norm's budgets of (gap of the model - gap of the standard model of its world and replicate),

paired by image within a world. How much a gap varies from one training to another is best seen in the main grid, whose
models see the same images: between copies of its standard models, and off smooth curves in its budgets. Where the
background has little contrast nearly all answers are right, whatever the training: the variance is taken to be in
proportion to p (1 - p), summed over the two accuracies p that the gap is of, with one factor for all
(:mod:`tradeoffs.claims.training_noise`). Without a grid of models that are trained on as many images, it is what gaps
are off smooth curves in the scale, one for the standard models and one for each norm and budget, less what images
explain of it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.sweep_line import Images, Point, at_one_place, change, places, stacked
from tradeoffs.claims.training_noise import Curve, along_curves, between_copies, together
from tradeoffs.claims.variance import Estimate, Part
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.standard import is_standard
from tradeoffs.results.study import Model
from tradeoffs.step.errors import InputError

ROLE = "background_scale_sweep"
KEY = "background_scale"  # how the names of the claims begin
BENCHMARK, METRIC = "imagenet9", "bg_gap"
ACCURACIES = ("accuracy_mixed_same", "accuracy_mixed_rand")  # whose difference it is


class Gap(NamedTuple):
    """A model's gap, and what its variance by trainings is in proportion to."""

    gap: Measured
    units: float


class Effects(NamedTuple):
    """The effects of training against one norm: points over the scale, and noise of one model, by replicate."""

    points: dict[int, list[Point]]
    noise: dict[int, Part]
    unseen: float

    @property
    def scales(self) -> list[float]:
        """Where there are any, in ascending order."""
        return places(self.points.values())

    def at(self, scale: float, sign: int = 1) -> Estimate | None:
        """Return ``sign`` times the effect at one scale; None where nothing says how it varies."""
        found = {
            number: point._replace(value=sign * point.value)
            for number, own in self.points.items()
            for point in own
            if point.x == scale
        }
        return at_one_place(found, self.noise, self.unseen)

    @property
    def growth(self) -> Estimate | None:
        """The change from the smallest to the largest scale, along the line; None where nothing says how it varies."""
        return change(self.points, self.noise, self.unseen)


def swept_models(models: Sequence[Model]) -> list[Model]:
    """Return the models of the sweep that were put through the benchmark."""
    return [m for m in models if m.role == ROLE and m.background_scale is not None and BENCHMARK in m.benchmarks]


def effects(measured: Measurements, models: Sequence[Model], norm: str, unseen: float = 0.0) -> Effects:
    """Return the effects of training against ``norm``. InputError for a model without a standard one of its world."""
    swept = swept_models(models)
    standard = {m.world: gap(measured, m) for m in swept if is_standard(m)}
    for model in swept:
        if model.world not in standard:
            raise InputError(f"--spec: {model.id} has no standard model of its world; add it to the models")
    pairs: dict[int, dict[float, list[tuple[Gap, Gap]]]] = {}
    for model in swept:
        if model.norm == norm:
            assert model.background_scale is not None
            of_replicate = pairs.setdefault(model.replicate, {})
            pair = gap(measured, model), standard[model.world]
            of_replicate.setdefault(model.background_scale, []).append(pair)
    points = {
        number: [_point(scale, of_scale[scale]) for scale in sorted(of_scale)] for number, of_scale in pairs.items()
    }
    return Effects(points, {number: noise(measured, models, number) for number in points}, unseen)


def gap(measured: Measurements, model: Model) -> Gap:
    """Return a model's gap; accuracies of 0 and 1 are moved by half an image, where trainings still vary a little."""
    units = 0.0
    for name in ACCURACIES:
        accuracy = measured[model.id, BENCHMARK, name]
        p = float(np.clip(accuracy.value, 0.5 / accuracy.n, 1 - 0.5 / accuracy.n))
        units += p * (1 - p)
    return Gap(measured[model.id, BENCHMARK, METRIC], units)


def _point(scale: float, pairs: Sequence[tuple[Gap, Gap]]) -> Point:
    """Return the mean difference at one scale of one replicate; its models' own noise, and the standard one's."""
    draws = np.mean([ours.gap.draws - theirs.gap.draws for ours, theirs in pairs], axis=0)
    value = float(np.mean([ours.gap.value - theirs.gap.value for ours, theirs in pairs]))
    first, standard = pairs[0]  # all are of one world: draws of the same, one standard model
    noise = sum(ours.units for ours, _ in pairs) / len(pairs) ** 2 + standard.units
    return Point(scale, value, Images(draws, first.gap.freedom, first.gap.drawn), noise)


def noise(measured: Measurements, models: Sequence[Model], replicate: int) -> Part:
    """Variance of one model's gap from one training to another, in its units, seen in one replicate.

    The grid's models, where any are trained on as many images, else the sweep's own.
    """
    swept = [m for m in swept_models(models) if m.replicate == replicate]
    sizes = {m.images for m in swept}
    grid = [m for m in models if (m.role, m.replicate) == ("main", replicate) and BENCHMARK in m.benchmarks]
    gaps = {m: gap(measured, m) for m in grid if m.images in sizes}
    copies: dict[str, list[Gap]] = {}
    curves: dict[tuple[str, str], dict[float, Gap]] = {}
    for model, found in gaps.items():
        if is_standard(model):
            copies.setdefault(model.architecture, []).append(found)
        else:
            curves.setdefault((model.architecture, model.norm), {})[math.log2(model.epsilon)] = found
    of_grid = together(
        [
            between_copies([_in_units(group) for group in copies.values()]),
            along_curves([_curve(points) for points in curves.values()]),
        ]
    )
    if of_grid.df > 0:
        return of_grid
    curves = {}
    for model in swept:
        assert model.background_scale is not None
        curves.setdefault((model.norm, f"{model.epsilon}"), {})[model.background_scale] = gap(measured, model)
    return along_curves([_curve(points, several_worlds=True) for points in curves.values()])


def _in_units(group: Sequence[Gap]) -> list[float]:
    """Return gaps of copies in the root of their mean units."""
    root = math.sqrt(float(np.mean([each.units for each in group])))
    return [each.gap.value / root for each in group]


def _curve(points: Mapping[float, Gap], several_worlds: bool = False) -> Curve:
    """Return gaps over the budget or the scale; only in several worlds images take them off their curve."""
    listed = [points[x] for x in sorted(points)]
    images = [Images(each.gap.draws, each.gap.freedom, each.gap.drawn) for each in listed]
    values, units = [each.gap.value for each in listed], [each.units for each in listed]
    return Curve(sorted(points), values, stacked(images) if several_worlds else None, units)
