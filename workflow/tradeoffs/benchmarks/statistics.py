"""Accuracies, gaps and bootstrap intervals as plain functions of arrays.

Every statistic takes ``weights`` [b, n], how often each image counts, and returns b values: ones give the statistic
itself, bootstrap draws its distribution. The draws depend only on the images' strata and a seed, so those of two
models on one data set are paired: the interval of a difference is that of the difference of their draws.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Correct = NDArray[np.bool_] | Array  # whether each image is classified correctly, or in which share of trials
Metrics = dict[str, dict[str, float | int]]
_AT_ONCE = 8_000_000  # weights that a statistic is given at once: 64 MB, a few times over within it


def accuracy(correct: Correct, weights: Array) -> Array:
    """Weighted share of correct images: ``correct`` [n], ``weights`` [b, n], result [b] in [0, 1]."""
    result: Array = weights @ correct.astype(float) / weights.sum(1)
    return result


def group_accuracies(correct: Correct, groups: Labels, weights: Array) -> Array:
    """Accuracy within each of the groups that occur, in ascending order of group: [b, groups]."""
    order = np.argsort(groups, kind="stable")
    starts = np.unique(groups[order], return_index=True)[1]
    by_group = weights[:, order]
    found: Array = np.add.reduceat(by_group * correct[order], starts, axis=1) / np.add.reduceat(
        by_group, starts, axis=1
    )
    return found


def balanced_accuracy(correct: Correct, labels: Labels, weights: Array) -> Array:
    """Mean over classes of the accuracy within the class (as in the RIVAL10 and Salient ImageNet code): [b]."""
    found: Array = group_accuracies(correct, labels, weights).mean(1)
    return found


def normalised_gap(a: Array, b: Array) -> Array:
    """(a - b) / (2 min(m, 1 - m)) with m = (a + b) / 2, in [-1, 1]; 0 where m is 0 or 1.

    The denominator is the largest gap possible at mean accuracy m. RFS (Moayeri et al. 2022) and RCS (Singla et al.
    2022) are this gap; a and b are fractions, not percent.
    """
    mean = (a + b) / 2
    room = 2 * np.minimum(mean, 1 - mean)
    gap: Array = np.divide(a - b, room, out=np.zeros_like(mean), where=room > 1e-12)
    return gap


def resample(strata: Labels, draws: int, seed: int) -> NDArray[np.uint8]:
    """Bootstrap weights [draws, n]: in each stratum, as many images as it has are drawn with replacement.

    Bytes, because a set can have a million images; none of them is ever drawn 256 times.
    """
    rng = np.random.default_rng(seed)
    weights = np.zeros((draws, len(strata)), dtype=np.uint8)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        weights[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws)
    return weights


def summarise(
    statistic: Callable[[Array], dict[str, Array]], strata: Labels, draws: int, seed: int
) -> tuple[Metrics, dict[str, NDArray[np.float32]]]:
    """Return each metric of ``statistic(weights)`` with its 95 % percentile interval, and its bootstrap draws."""
    values = statistic(np.ones((1, len(strata))))
    weights = resample(strata, draws, seed)
    each = max(1, _AT_ONCE // len(strata))
    parts = [statistic(weights[start : start + each].astype(float)) for start in range(0, draws, each)]
    replicates = {name: np.concatenate([part[name] for part in parts]) for name in values}
    metrics: Metrics = {}
    for name, value in values.items():
        low, high = np.quantile(replicates[name], [0.025, 0.975])
        metrics[name] = {"value": float(value[0]), "ci_low": float(low), "ci_high": float(high), "n": len(strata)}
    return metrics, {name: draw.astype(np.float32) for name, draw in replicates.items()}
