"""How far an effect could have come out otherwise: other images, other trainings, another world.

A replicate is one run of the whole study in a world of its own. Its effect d is a linear contrast of the values of its
models, and its variance is the sum of

* **images**: the variance of d over bootstrap draws of images, or of clusters of images that share a photograph;
* **trainings**: the sum of squared weights of the contrast times the variance of a value from one training to another,
  which the grid itself shows (:mod:`tradeoffs.claims.training_noise`). Trainings are independent, given the world,
  because every model has a seed of its own.

Degrees of freedom of the sum are Satterthwaite's (1946).

What one replicate cannot see of another world (trainings that share a world are alike in more than the images show) is
added to the sum as a share of it, ``unseen``, a setting: one replicate expects the variance V = sum (1 + unseen).
The share is measured over replicates and over measures, and for a single measure it may be another: it is taken to be
known as well as a variance with 20 degrees of freedom is, within a third. So V has f degrees of freedom, where
1 / f = 1 / (those of the sum) + 1 / 20.

Over several replicates the effect is the mean, and the variance of one replicate is pooled from V and from the variance
S^2 between the r replicates, which holds whatever differs between them, worlds included:

    s^2 = (f V + (r - 1) S^2) / (f + r - 1),   with f + r - 1 degrees of freedom

(the moderated variance of Smyth 2004, with V in the place of the prior; f is that of one replicate however many there
are, so that S^2 has the say where there are many). Where S^2 is larger than V by more than chance (F test at 2 %), V
misses something, and S^2 stands alone. Intervals and p-values are those of Student's t.

Where all replicates were measured on the same images (published data sets), S^2 holds nothing of the images, and what
they add to the variance of the mean does not shrink with the number of replicates: it is a part of its own, ``common``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

UNSEEN_DF = 20.0
LARGER_BY_CHANCE = 0.02


class Part(NamedTuple):
    """A variance and its degrees of freedom; none (0) means that it is not known."""

    variance: float
    df: float


class Replicate(NamedTuple):
    """The effect in one replicate, and what each source adds to its variance, in the same order in every replicate."""

    value: float
    parts: tuple[Part, ...]


class Estimate(NamedTuple):
    """An effect, its standard error, degrees of freedom, and the number of replicates it rests on."""

    value: float
    standard_error: float
    df: float
    replicates: int

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the two-sided interval of a confidence in (0, 1)."""
        reach = quantile(0.5 + confidence / 2, self.df) * self.standard_error
        return self.value - reach, self.value + reach

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided p-value, in [0, 1], of the effect being ``null``."""
        if self.standard_error == 0:
            return float(self.value == null)
        return 2 * beyond(abs(self.value - null) / self.standard_error, self.df)

    def p_relevant(self, margin: float) -> float:
        """P-value of the effect being at least ``margin`` > 0 in size: of two one-sided tests the larger p."""
        if self.standard_error == 0:
            return float(abs(self.value) >= margin)
        return beyond((margin - abs(self.value)) / self.standard_error, self.df)


def satterthwaite(parts: Sequence[Part]) -> Part:
    """Sum of independent variances, with the degrees of freedom of Satterthwaite (1946); 0 if one is not known."""
    total = sum(part.variance for part in parts)
    if any(part.df <= 0 for part in parts):
        return Part(total, 0.0)
    spread = sum(part.variance**2 / part.df for part in parts)
    return Part(total, total**2 / spread if spread > 0 else min(part.df for part in parts))


def estimate(replicates: Sequence[Replicate], unseen: float = 0.0, common: Part | None = None) -> Estimate | None:
    """Return the mean effect of one or more replicates; None where nothing says how it varies, or it does not at all.

    ``common``: variance of the mean by what all replicates share, which is then no part of any of them.
    """
    values = np.array([replicate.value for replicate in replicates])
    count = len(values)
    sources = [
        Part(float(np.mean([part.variance for part in source])), min(part.df for part in source))
        for source in zip(*(replicate.parts for replicate in replicates), strict=True)
    ]
    within = satterthwaite(sources)
    if within.df > 0:
        within = Part(within.variance * (1 + unseen), 1 / (1 / within.df + 1 / UNSEEN_DF))
    one = within if count == 1 else pooled(within, Part(float(values.var(ddof=1)), count - 1.0))
    if within.df <= 0:  # of a few values that lie near each other by chance at least what is known of images remains
        one = one._replace(variance=max(one.variance, sum(part.variance for part in sources if part.df > 0)))
    mean = one._replace(variance=one.variance / count)
    if common is not None:
        mean = satterthwaite([common, mean])
    if mean.df <= 0 or mean.variance <= 0:  # no certainty: values that cannot differ, or that happen not to
        return None
    return Estimate(float(values.mean()), float(np.sqrt(mean.variance)), mean.df, count)


def pooled(within: Part, between: Part) -> Part:
    """Variance of one replicate from what is seen within replicates and between them."""
    if within.df <= 0:
        return between
    if within.variance == 0:
        return within if between.variance == 0 else between
    if special.fdtrc(between.df, within.df, between.variance / within.variance) < LARGER_BY_CHANCE:
        return between
    df = within.df + between.df
    return Part((within.df * within.variance + between.df * between.variance) / df, df)


def quantile(share: float, df: float) -> float:
    """Return the value of Student's t that a share, in (0, 1), of its distribution lies below."""
    return float(special.stdtrit(df, share))


def beyond(value: float, df: float) -> float:
    """Return the chance, in [0, 1], that Student's t exceeds a value."""
    return float(special.stdtr(df, -value))
