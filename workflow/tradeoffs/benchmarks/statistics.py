"""Accuracies, gaps and bootstrap intervals as plain functions of arrays.

Every statistic takes ``weights`` [b, n], how often each image counts, and returns b values: ones give the statistic
itself, bootstrap draws its distribution. The draws depend only on the images' strata and clusters and a seed, so those
of two models on one data set are paired: the interval of a difference is that of the difference of their draws.

A draw may hold no image of a small class (:func:`resample`). What is a mean over classes weights each image by the size
of its class in the data, and a group's accuracy without any of its images is what it is in the data.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tradeoffs.step.errors import InputError

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Correct = NDArray[np.bool_] | Array  # whether each image is classified correctly, or in which share of trials
Metrics = dict[str, dict[str, float | int]]
_AT_ONCE = 8_000_000  # weights that a statistic is given at once: 64 MB, a few times over within it


class Resampled(NamedTuple):
    """How many units (images, or clusters of them) the bootstrap draws from, and in how many strata.

    ``units - strata`` are the degrees of freedom of a variance over the draws.
    """

    units: int
    strata: int


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

    ``correct`` [n], or [b, n] where each draw has answers of its own. Where all weights of a group are 0, its accuracy
    without weights.
    """
    sums, totals = _by_group(correct, groups, weights)
    plain, sizes = _by_group(correct, groups, np.ones((1, len(groups))))
    without = np.broadcast_to(plain / sizes, totals.shape).copy()
    found: Array = np.divide(sums, totals, out=without, where=totals > 0)
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
    return np.add.reduceat(by_group * correct[..., order], starts, axis=1), np.add.reduceat(by_group, starts, axis=1)


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


def resample(
    strata: Labels, draws: int, seed: int, within: Labels | None = None, clusters: Labels | None = None
) -> tuple[NDArray[np.uint8], Resampled]:
    """Bootstrap weights [draws, n], how often each image counts: in each stratum as many as it has, drawn at random.

    In a stratum of n images every weight has mean 1 and variance 1, which makes the variance of a mean over the stratum
    the unbiased one, s^2 / n. (Plain draws with replacement have 1 - 1 / n: intervals of no width in strata of one
    image, of 0.71 of the right width in strata of two; Rao and Wu 1988.) These are one-one resampling designs (Antal
    and Tille 2011); the one here draws from Polya's urn, which holds n - 2 balls for each image and gets another one of
    the same image for each that is drawn: chances from a Dirichlet distribution with all parameters n - 2, then draws
    with replacement; of two images, one of them twice. The larger n, the more alike to plain draws.

    One image says nothing of how its stratum varies. All such strata are pooled (Cochran 1977, collapsed strata), which
    errs, if at all, on the side of wider intervals; a single one joins the stratum before it. Where ``within`` [n] is
    given, two data sets, say, that is done within each, and beyond only with one that is a single image.

    ``clusters`` [n]: images of one cluster share what their answers may depend on (a photograph), so what is drawn is
    clusters, in the order of their numbers, and all images of a cluster count alike. Strata that share a cluster are
    one. None: each image is its own, and clusters of one image each give the same draws.

    Bytes, because a set can have a million images; none of them is ever drawn 256 times. InputError for one unit.
    """
    within = np.zeros_like(strata) if within is None else within
    unit_of = np.arange(len(strata))
    if clusters is not None:
        unit_of = np.unique(clusters, return_inverse=True)[1]
        strata, within = _of_units(strata, within, unit_of)
    units = len(strata)
    if units < 2:
        what = "one image" if len(unit_of) < 2 else f"one cluster, of {len(unit_of)} images,"
        raise InputError(f"{what} has no interval; expected at least two in the data set")
    rng = np.random.default_rng(seed)
    weights = np.zeros((draws, units), dtype=np.uint8)
    groups = _pooled(strata, within)
    for members in groups:
        n = len(members)
        chances = rng.dirichlet(np.full(n, n - 2.0), size=draws) if n > 2 else np.eye(n)[rng.integers(0, n, draws)]
        weights[:, members] = rng.multinomial(n, chances)
    return weights if clusters is None else weights[:, unit_of], Resampled(units, len(groups))


def _of_units(strata: Labels, within: Labels, unit_of: Labels) -> tuple[Labels, Labels]:
    """Stratum and ``within`` of each unit, from those of the images: strata that share a unit become the least one."""
    pairs, stratum_of = np.unique(np.stack([within, strata]), axis=1, return_inverse=True)
    units = int(unit_of.max()) + 1
    size = units + pairs.shape[1]
    links = coo_array((np.ones(len(strata)), (unit_of, units + stratum_of)), shape=(size, size))
    part_of = connected_components(links, directed=False)[1]
    least = np.full(part_of.max() + 1, pairs.shape[1])
    np.minimum.at(least, part_of[units:], np.arange(pairs.shape[1]))
    of_unit: Labels = least[part_of[:units]]
    return of_unit, pairs[0][of_unit]


def _pooled(strata: Labels, within: Labels) -> list[NDArray[np.int64]]:
    """Positions of the units of each stratum, those of one unit pooled, inside their ``within`` where it has others."""
    found: list[NDArray[np.int64]] = []
    for part in np.unique(within):
        own = np.flatnonzero(within == part)
        own = own[np.argsort(strata[own], kind="stable")]
        found += _collapsed(np.split(own, np.unique(strata[own], return_index=True)[1][1:]))
    return _collapsed(found)


def _collapsed(groups: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Put the groups of one unit together; a single one joins the group before it, the first the one after it."""
    large = [group for group in groups if len(group) > 1]
    single = [group for group in groups if len(group) == 1]
    if len(single) > 1:
        return [*large, np.concatenate(single)]
    if single and large:
        place = max(0, next(i for i, group in enumerate(groups) if len(group) == 1) - 1)
        large[place] = np.concatenate([large[place], *single])
        return large
    return groups


class Summary(NamedTuple):
    """What :func:`summarise` returns, and the first fields of an evaluation."""

    metrics: Metrics
    draws: dict[str, NDArray[np.float32]]
    resampled: Resampled


def summarise(
    statistic: Callable[[Array], dict[str, Array]],
    strata: Labels,
    draws: int,
    seed: int,
    within: Labels | None = None,
    clusters: Labels | None = None,
    *,
    counts: Mapping[str, int] | None = None,
) -> Summary:
    """Return each metric of ``statistic(weights)`` with its 95 % percentile interval, and its bootstrap draws.

    ``counts``: how many images a metric rests on, of those that do not rest on all. The other arguments are those of
    :func:`resample`.
    """
    drawn = resample(strata, draws, seed, within, clusters)
    return summarise_draws(lambda weights, _: statistic(weights), *drawn, counts=counts)


def summarise_draws(
    statistic: Callable[[Array, slice | None], dict[str, Array]],
    weights: NDArray[np.uint8],
    resampled: Resampled,
    *,
    counts: Mapping[str, int] | None = None,
) -> Summary:
    """As :func:`summarise`, of weights [draws, n] and a statistic that is told which of the draws its weights are.

    For what depends on more than the weights of the images measured; None: weights of 1, which are no draw.
    """
    draws, n = weights.shape
    values = statistic(np.ones((1, n)), None)
    each = max(1, _AT_ONCE // n)
    blocks = [slice(start, min(start + each, draws)) for start in range(0, draws, each)]
    parts = [statistic(weights[block].astype(float), block) for block in blocks]
    replicates = {name: np.concatenate([part[name] for part in parts]) for name in values}
    behind = {name: (counts or {}).get(name, n) for name in values}
    metrics: Metrics = {}
    for name, value in values.items():
        low, high = np.quantile(replicates[name], [0.025, 0.975])
        metrics[name] = {"value": float(value[0]), "ci_low": float(low), "ci_high": float(high), "n": behind[name]}
    return Summary(metrics, {name: draw.astype(np.float32) for name, draw in replicates.items()}, resampled)
