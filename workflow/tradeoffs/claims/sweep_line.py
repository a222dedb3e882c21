"""A sweep: values over what is swept, and what changes from one end of it to the other.

The change is that of the line fitted by least squares through all points, from the smallest to the largest: a weighted
sum of the values that rests on every point and not on the two ends alone. Every point is a world and a training of its
own, so what images and trainings add to its variance are sums over points. Of the trainings that is so by construction.
Worlds of one replicate share digits and photographs, and where the correlation is broken at test they show the very
same images: that what images add is independent is not so, and makes intervals wider (the standard error by images by 2
to 47 % in a default run).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.training_noise import scaled
from tradeoffs.claims.variance import Estimate, Part, Replicate, estimate, satterthwaite
from tradeoffs.results.evaluations import Array


class Point(NamedTuple):
    """A value at one place of a sweep: ``images`` is its variance by images.

    ``trainings``: the variance by training of this value, in units of that of one model's value (of a difference of
    two models, 2).
    """

    x: float
    value: float
    images: Part
    trainings: float = 1.0


def images(draws: Array, df: float) -> Part:
    """Return the variance over bootstrap draws [draws]."""
    return Part(float(draws.var(ddof=1)), df)


def line_weights(x: Sequence[float]) -> Array:
    """How much each point counts in the change of the fitted line from the smallest to the largest x; two at least."""
    centred = np.asarray(x, dtype=float) - np.mean(x)
    weights: Array = np.ptp(centred) * centred / np.square(centred).sum()
    return weights


def change(points: Mapping[int, Sequence[Point]], noise: Mapping[int, Part], unseen: float) -> Estimate | None:
    """Return the change along a sweep, its points given by replicate, as the variance of one training.

    None where nothing says how it varies, and where there are fewer than two places.
    """
    replicates = []
    for number, own in points.items():
        if len({point.x for point in own}) < 2:
            return None
        weights = line_weights([point.x for point in own])
        replicates.append(_replicate(own, weights, noise[number]))
    return estimate(replicates, unseen) if replicates else None


def at_one_place(points: Mapping[int, Point], noise: Mapping[int, Part], unseen: float) -> Estimate | None:
    """Return the mean over replicates of the value at one place; None where nothing says how it varies."""
    replicates = [_replicate([point], np.ones(1), noise[number]) for number, point in points.items()]
    return estimate(replicates, unseen) if replicates else None


def places(points: Iterable[Sequence[Point]]) -> list[float]:
    """Return where there are points, in ascending order."""
    return sorted({point.x for own in points for point in own})


def _replicate(points: Sequence[Point], weights: Array, noise: Part) -> Replicate:
    of_images = satterthwaite(
        [
            Part(float(weight**2) * point.images.variance, point.images.df)
            for weight, point in zip(weights, points, strict=True)
        ]
    )
    of_models = [float(weight) * point.trainings**0.5 for weight, point in zip(weights, points, strict=True)]
    value = float(np.dot(weights, [point.value for point in points]))
    return Replicate(value, (of_images, scaled(noise, of_models)))
