"""Accuracies, gaps and bootstrap intervals as plain functions of arrays.

Every statistic takes ``weights`` [b, n], how often each image counts, and returns b values: ones give the statistic
itself, bootstrap draws its distribution. The draws depend only on the images' strata and a seed, so those of two
models on one data set are paired: the interval of a difference is that of the difference of their draws.

A draw may hold no image of a small class (:func:`resample`). What is a mean over classes weights each image by the size
of its class in the data, and a group's accuracy without any of its images is what it is in the data.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tradeoffs.step.errors import InputError

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Correct = NDArray[np.bool_] | Array  # whether each image is classified correctly, or in which share of trials
Metrics = dict[str, dict[str, float | int]]
_AT_ONCE = 8_000_000  # weights that a statistic is given at once: 64 MB, a few times over within it


def accuracy(correct: Correct, weights: Array) -> Array:
    """Weighted share of correct images: ``correct`` [n], ``weights`` [b, n], result [b] in [0, 1].

    Where all weights are 0, the share without weights.
    """
    total = weights.sum(1)
    found: Array = np.divide(
        weights @ correct.astype(float), total, out=np.full(len(weights), np.mean(correct)), where=total > 0
    )
    return found


def group_accuracies(correct: Correct, groups: Labels, weights: Array) -> Array:
    """Accuracy within each of the groups that occur, in ascending order of group: [b, groups].

    Where all weights of a group are 0, its accuracy without weights.
    """
    sums, totals = _by_group(correct, groups, weights)
    plain, sizes = _by_group(correct, groups, np.ones((1, len(groups))))
    found: Array = np.divide(sums, totals, out=np.repeat(plain / sizes, len(weights), axis=0), where=totals > 0)
    return found


def balanced_accuracy(correct: Correct, labels: Labels, weights: Array) -> Array:
    """Mean over classes of the accuracy within the class (as in the RIVAL10 and Salient ImageNet code): [b].

    Each image counts as often as its weight, divided by the number of images of its class: so a class of which a draw
    has more or fewer than its images has more or less of a part in the mean, and one of which it has none has none.
    """
    sums, totals = _by_group(correct, labels, weights)
    sizes = np.unique(labels, return_counts=True)[1]
    part = (totals / sizes).sum(1)
    plain = balanced_accuracy(correct, labels, np.ones((1, len(labels)))) if not part.all() else np.zeros(1)
    found: Array = np.divide((sums / sizes).sum(1), part, out=np.repeat(plain, len(weights)), where=part > 0)
    return found


def _by_group(correct: Correct, groups: Labels, weights: Array) -> tuple[Array, Array]:
    """Weight of the correct images and of all images of each group that occurs, in ascending order: [b, groups]."""
    order = np.argsort(groups, kind="stable")
    starts = np.unique(groups[order], return_index=True)[1]
    by_group = weights[:, order]
    return np.add.reduceat(by_group * correct[order], starts, axis=1), np.add.reduceat(by_group, starts, axis=1)


def normalised_gap(a: Array, b: Array) -> Array:
    """(a - b) / (2 min(m, 1 - m)) with m = (a + b) / 2, in [-1, 1]; 0 where m is 0 or 1.

    The denominator is the largest gap possible at mean accuracy m. RFS (Moayeri et al. 2022) and RCS (Singla et al.
    2022) are this gap; a and b are fractions, not percent.
    """
    mean = (a + b) / 2
    room = 2 * np.minimum(mean, 1 - mean)
    gap: Array = np.divide(a - b, room, out=np.zeros_like(mean), where=room > 1e-12)
    return gap


def saturated(gaps: dict[str, tuple[float, float]]) -> list[str]:
    """Say which normalised gaps, name -> its two accuracies, are no measurement, and why; empty where none is.

    Where one accuracy is exactly 0 or 1 the gap is 1 or -1, or 0 where both are, whatever the other one: the formula
    then divides the difference by itself. Its bootstrap draws are the same number, and its interval has no width.
    """
    found = []
    for name, (a, b) in gaps.items():
        if a in (0, 1) or b in (0, 1):
            gap = float(normalised_gap(np.array([a]), np.array([b]))[0])
            found.append(
                f"{name}: of accuracies {a:g} and {b:g}; with one of them 0 or 1 it is {gap:+g} by its formula"
            )
    return found


def resample(strata: Labels, draws: int, seed: int, units: Labels | None = None) -> NDArray[np.uint8]:
    """Bootstrap weights [draws, n], how often each image counts: in each stratum as many as it has, drawn at random.

    In a stratum of n images every weight has mean 1 and variance 1, which makes the variance of a mean over the stratum
    the unbiased one, s^2 / n. (Plain draws with replacement have 1 - 1 / n: intervals of no width in strata of one
    image, of 0.71 of the right width in strata of two; Rao and Wu 1988.) These are one-one resampling designs (Antal
    and Tille 2011); the one here draws from Polya's urn, which holds n - 2 balls for each image and gets another one of
    the same image for each that is drawn: chances from a Dirichlet distribution with all parameters n - 2, then draws
    with replacement; of two images, one of them twice. The larger n, the more alike to plain draws.

    One image says nothing of how its stratum varies. All such strata are pooled (Cochran 1977, collapsed strata), which
    errs, if at all, on the side of wider intervals; a single one joins the stratum before it. Where ``units`` [n] are
    given, two data sets, say, that is done within each, and beyond only with one that is a single image.

    Bytes, because a set can have a million images; none of them is ever drawn 256 times. InputError for one image.
    """
    if len(strata) == 1:
        raise InputError("one image has no interval; expected at least two in the data set")
    rng = np.random.default_rng(seed)
    weights = np.zeros((draws, len(strata)), dtype=np.uint8)
    for members in _pooled(strata, np.zeros_like(strata) if units is None else units):
        n = len(members)
        chances = rng.dirichlet(np.full(n, n - 2.0), size=draws) if n > 2 else np.eye(n)[rng.integers(0, n, draws)]
        weights[:, members] = rng.multinomial(n, chances)
    return weights


def _pooled(strata: Labels, units: Labels) -> list[NDArray[np.int64]]:
    """Positions of the images of each stratum, those of one image pooled, within their unit where that has others."""
    found: list[NDArray[np.int64]] = []
    for unit in np.unique(units):
        own = np.flatnonzero(units == unit)
        own = own[np.argsort(strata[own], kind="stable")]
        found += _collapsed(np.split(own, np.unique(strata[own], return_index=True)[1][1:]))
    return _collapsed(found)


def _collapsed(groups: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Put the groups of one image together; a single one joins the group before it, the first the one after it."""
    large = [group for group in groups if len(group) > 1]
    single = [group for group in groups if len(group) == 1]
    if len(single) > 1:
        return [*large, np.concatenate(single)]
    if single and large:
        place = max(0, next(i for i, group in enumerate(groups) if len(group) == 1) - 1)
        large[place] = np.concatenate([large[place], *single])
        return large
    return groups


def summarise(
    statistic: Callable[[Array], dict[str, Array]],
    strata: Labels,
    draws: int,
    seed: int,
    units: Labels | None = None,
) -> tuple[Metrics, dict[str, NDArray[np.float32]]]:
    """Return each metric of ``statistic(weights)`` with its 95 % percentile interval, and its bootstrap draws."""
    values = statistic(np.ones((1, len(strata))))
    weights = resample(strata, draws, seed, units)
    each = max(1, _AT_ONCE // len(strata))
    parts = [statistic(weights[start : start + each].astype(float)) for start in range(0, draws, each)]
    replicates = {name: np.concatenate([part[name] for part in parts]) for name in values}
    metrics: Metrics = {}
    for name, value in values.items():
        low, high = np.quantile(replicates[name], [0.025, 0.975])
        metrics[name] = {"value": float(value[0]), "ci_low": float(low), "ci_high": float(high), "n": len(strata)}
    return metrics, {name: draw.astype(np.float32) for name, draw in replicates.items()}
