"""How much a model's value varies from one training to another, seen within one replicate.

Nobody trains every model of a grid several times, but the grid itself tells: along the budgets of one architecture and
norm a metric follows a smooth curve, and what is left over a quadratic through it is noise of training (and of the
images, which makes it a little too large, never too small; so does a curve that is no quadratic). Standard models are
copies of each other that differ by their seed alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.variance import Part

DEGREE = 2


class Curve(NamedTuple):
    """Values over what they are a smooth function of: the logarithm of the budget, say."""

    x: Sequence[float]
    values: Sequence[float]


def along_curves(curves: Sequence[Curve]) -> Part:
    """Variance of a value around quadratics, pooled over curves.

    A curve of n > 3 points has n - 3 degrees of freedom, three points have one around a line, and fewer have none.
    """
    squares, df = 0.0, 0
    for curve in curves:
        x, values = np.asarray(curve.x, dtype=float), np.asarray(curve.values, dtype=float)
        degree = min(DEGREE, len(values) - 2)
        if degree < 1:
            continue
        design = np.vander((x - x.mean()) / np.ptp(x), degree + 1)
        left = values - design @ np.linalg.lstsq(design, values)[0]
        squares += float(left @ left)
        df += len(values) - degree - 1
    return Part(squares / df if df else 0.0, float(df))


def between_copies(groups: Sequence[Sequence[float]]) -> Part:
    """Variance of a value within groups of models that differ by their seed alone, pooled over groups."""
    squares = sum(float(np.var(group)) * len(group) for group in groups if len(group) > 1)
    df = sum(len(group) - 1 for group in groups if len(group) > 1)
    return Part(squares / df if df else 0.0, float(df))


def scaled(noise: Part, weights: Sequence[float]) -> Part:
    """Variance of a weighted sum of values that each have this noise, independently."""
    return Part(noise.variance * float(np.square(weights).sum()), noise.df)
