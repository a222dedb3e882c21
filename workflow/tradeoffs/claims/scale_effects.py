"""The effect of adversarial training at each scale of the background: the numbers that the claims are about.

    effect = mean over the norm's budgets of (gap of the model - gap of the standard model of its world and replicate),

paired by image within a world. How much a gap varies from one training to another is what gaps are off smooth curves in
the scale, one for the standard models and one for each norm and budget, all pooled.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.sweep_line import Point, at_one_place, change, images, places
from tradeoffs.claims.training_noise import Curve, along_curves
from tradeoffs.claims.variance import Estimate, Part
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model
from tradeoffs.step.errors import InputError

ROLE = "background_scale_sweep"
BENCHMARK, METRIC = "imagenet9", "bg_gap"


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
    standard = {m.world: measured[m.id, BENCHMARK, METRIC] for m in swept if m.norm == "none"}
    for model in swept:
        if model.world not in standard:
            raise InputError(f"--spec: {model.id} has no standard model of its world; add it to the models")
    pairs: dict[int, dict[float, list[tuple[Measured, Measured]]]] = {}
    for model in swept:
        if model.norm == norm:
            assert model.background_scale is not None
            of_replicate = pairs.setdefault(model.replicate, {})
            own = measured[model.id, BENCHMARK, METRIC]
            of_replicate.setdefault(model.background_scale, []).append((own, standard[model.world]))
    points = {
        number: [_point(scale, of_scale[scale]) for scale in sorted(of_scale)] for number, of_scale in pairs.items()
    }
    return Effects(points, {number: noise(measured, swept, number) for number in points}, unseen)


def _point(scale: float, pairs: Sequence[tuple[Measured, Measured]]) -> Point:
    """Return the mean difference at one scale of one replicate; its models' own noise, and the standard one's."""
    draws = np.mean([ours.draws - theirs.draws for ours, theirs in pairs], axis=0)
    value = float(np.mean([ours.value - theirs.value for ours, theirs in pairs]))
    return Point(scale, value, images(draws, min(ours.freedom for ours, _ in pairs)), 1 / len(pairs) + 1)


def noise(measured: Measurements, swept: Sequence[Model], replicate: int) -> Part:
    """Variance of one model's gap from one training to another, seen in one replicate of the sweep."""
    curves: dict[tuple[str, float], list[tuple[float, float]]] = {}
    for model in swept:
        if model.replicate == replicate and model.background_scale is not None:
            at = (model.background_scale, measured[model.id, BENCHMARK, METRIC].value)
            curves.setdefault((model.norm, model.epsilon), []).append(at)
    return along_curves([Curve(*zip(*sorted(points), strict=True)) for points in curves.values()])
