"""A sweep: values over what is swept, and what changes from one end of it to the other.

The change is that of the line fitted by least squares through all points, from the smallest to the largest: a weighted
sum of the values that rests on every point and not on the two ends alone. Every point is a world and a training of its
own. Trainings are independent by construction, and what they add to the variance is a sum over points. Images are not:
worlds of one replicate show the same digits and the same photographs, and what those do to all points alike does not
change the line. Where bootstrap draws of all points are of the same units (photographs, or images) from the same seed,
what images add is therefore the variance over draws of the weighted sum; where they are not, a sum over points, as if
images were independent.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.training_noise import scaled
from tradeoffs.claims.variance import Estimate, Part, Replicate, estimate, satterthwaite
from tradeoffs.results.evaluations import Array, Drawn


class Images(NamedTuple):
    """Bootstrap draws [draws] of a value over images, the degrees of freedom of their variance, and what they are of.

    Draws of two points are paired where ``drawn`` is the same; None: of none.
    """

    draws: Array
    df: float
    drawn: Drawn | None = None


class Point(NamedTuple):
    """A value at one place of a sweep, and its draws.

    ``trainings``: the variance by training of this value, in units of that of one model's value (of a difference of
    two models, 2).
    """

    x: float
    value: float
    images: Images
    trainings: float = 1.0


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


def stacked(listed: Sequence[Images]) -> Array:
    """Return the draws of several points [points, draws], of each as many as all have."""
    fewest = min(len(images.draws) for images in listed)
    return np.stack([images.draws[:fewest] for images in listed])


def by_images(listed: Sequence[Images], weights: Array) -> Part:
    """Variance by images of a weighted sum [points] of values of one replicate."""
    known = {images.drawn for images in listed}
    if None not in known and len(known) == 1:
        draws = weights @ stacked(listed)
        return Part(float(draws.var(ddof=1)), min(images.df for images in listed))
    return satterthwaite(
        [
            Part(float(weight**2 * images.draws.var(ddof=1)), images.df)
            for weight, images in zip(weights, listed, strict=True)
        ]
    )


def _replicate(points: Sequence[Point], weights: Array, noise: Part) -> Replicate:
    of_models = [float(weight) * point.trainings**0.5 for weight, point in zip(weights, points, strict=True)]
    value = float(np.dot(weights, [point.value for point in points]))
    return Replicate(value, (by_images([point.images for point in points], weights), scaled(noise, of_models)))
