"""How much a model's value varies from one training to another, seen within one replicate.

Nobody trains every model of a grid several times, but the grid itself tells: along the budgets of one architecture and
norm a metric follows a smooth curve, and what is left over a quadratic through it is noise of training (and of the
images, which makes it a little too large, never too small; so does a curve that is no quadratic). Standard models are
copies of each other that differ by their seed alone.

Along a sweep more of what is left is known. Models of different worlds do not show the same images, so that images take
a value off its curve as trainings do: what bootstrap draws are off the curve is taken out, or images would be counted
twice. And trainings do not vary alike where nearly all answers are right and where they are not: the noise of each
value can be given up to one factor for all, as by a variance function (McCullagh and Nelder 1989, "Generalized Linear
Models", sections 4.5 and 9.2: what is left is weighted by it, and gives the factor).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.variance import Part
from tradeoffs.results.evaluations import Array

DEGREE = 2


class Curve(NamedTuple):
    """Values [points] over what they are a smooth function of: the logarithm of the budget, say.

    ``draws`` [points, draws] by images; None: what images take a value off the curve counts as noise of training.
    ``units`` [points]: what the variance of each value by trainings is in proportion to; None: it is alike.
    """

    x: Sequence[float]
    values: Sequence[float]
    draws: Array | None = None
    units: Sequence[float] | None = None


def along_curves(curves: Sequence[Curve]) -> Part:
    """Variance of a value around quadratics, in its units, pooled over curves.

    A curve of n > 3 points has n - 3 degrees of freedom, three points have one around a line, and fewer have none.
    Images may explain all that is off a few points' curve and more, by chance. Trainings are no less noisy for it, so
    that 2 / (df + 2) of it is left to them at least: by so much the unbiased estimate of a variance exceeds the one of
    least squared error, which is to say that less cannot be told from it.
    """
    squares, by_images, df = 0.0, 0.0, 0
    for curve in curves:
        count = len(curve.values)
        x = np.asarray(curve.x, dtype=float)
        reach = float(np.ptp(x))
        if reach <= 1e-9 * np.abs(x).max():
            continue
        x = (x - x.mean()) / reach
        degree = min(DEGREE, len(np.unique(x.round(9))) - 2)  # points at one place say nothing of a curve's form
        if degree < 1:
            continue
        spread = np.ones(count) if curve.units is None else np.sqrt(curve.units)
        design = np.vander(x, degree + 1) / spread[:, None]
        squares += float(np.square(_off(design, np.asarray(curve.values) / spread)).sum())
        if curve.draws is not None:
            by_images += float(_off(design, curve.draws / spread[:, None]).var(axis=1, ddof=1).sum())
        df += count - degree - 1
    return Part(max(squares - by_images, 2 / (df + 2) * squares) / df if df else 0.0, float(df))


def _off(design: Array, values: Array) -> Array:
    """Return what values [points, ...] are off the least squares fit."""
    found: Array = values - design @ np.linalg.lstsq(design, values)[0]
    return found


def between_copies(groups: Sequence[Sequence[float]]) -> Part:
    """Variance of a value within groups of models that differ by their seed alone, pooled over groups."""
    squares = sum(float(np.var(group)) * len(group) for group in groups if len(group) > 1)
    df = sum(len(group) - 1 for group in groups if len(group) > 1)
    return Part(squares / df if df else 0.0, float(df))


def together(parts: Sequence[Part]) -> Part:
    """Variance that several sources tell of, by their degrees of freedom; those without any tell nothing."""
    known = [part for part in parts if part.df > 0]
    df = sum(part.df for part in known)
    return Part(sum(part.df * part.variance for part in known) / df if df else 0.0, df)


def scaled(noise: Part, weights: Sequence[float]) -> Part:
    """Variance of a weighted sum of values that each have this noise, independently."""
    return Part(noise.variance * float(np.square(weights).sum()), noise.df)
