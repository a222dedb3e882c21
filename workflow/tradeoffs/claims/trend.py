"""Does a metric rise with the budget? Kendall's rank correlation with an exact permutation test.

For points (x_i, v_i) with distinct x, tau = (concordant pairs - discordant pairs) / pairs, in [-1, 1] (Kendall 1938); a
pair of equal v counts as neither. Under the null hypothesis that x has no bearing on v every order of the values is
equally likely. The p-value is two-sided, the share of orders with |tau| at least as large as the one seen, because a
claim may turn out either way. Six points in perfect order give 2 / 6! = 0.0028; the smallest p of four points is
2 / 4! = 0.083.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_ORDERS = 5040  # enumerated (7 points); beyond, as many are drawn
DRAWS = 19_999


class Trend(NamedTuple):
    """Rank correlation in [-1, 1] and its two-sided permutation p-value in (0, 1]."""

    tau: float
    p_value: float


class Block(NamedTuple):
    """Values [m] that may be exchanged with each other, and the pairs of them that are compared.

    ``direction`` [m, m]: 1 where point j is to the right of point i in a comparison, 0 where the pair is not compared.
    """

    values: Array
    direction: Array


def curve(x: Sequence[float], values: Sequence[float]) -> Block:
    """One curve: every pair of its points (x distinct) is compared."""
    position = np.asarray(x, dtype=float)
    return Block(np.asarray(values, dtype=float), np.asarray(position[:, None] < position[None, :], dtype=float))


def forked(start: float, branches: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Block:
    """Several curves (x > 0, values) that share the point (0, ``start``), not compared with each other."""
    values = [start, *(value for _, branch in branches for value in branch)]
    direction = np.zeros((len(values), len(values)))
    direction[0, 1:] = 1
    offset = 1
    for x, branch in branches:
        part = slice(offset, offset + len(branch))
        direction[part, part] = curve(x, branch).direction
        offset += len(branch)
    return Block(np.asarray(values), direction)


def trend(blocks: Sequence[Block]) -> Trend:
    """Rank correlation over all compared pairs of all blocks; values are permuted within blocks.

    Exact up to ``MOST_ORDERS`` orders, else from ``DRAWS`` random ones, (1 + hits) / (1 + draws), which is valid too.
    """
    pairs = sum(block.direction.sum() for block in blocks)
    seen = sum(_score(block, np.arange(len(block.values))[None])[0] for block in blocks)
    if math.prod(math.factorial(len(block.values)) for block in blocks) <= MOST_ORDERS:
        each = [_score(block, np.array(list(itertools.permutations(range(len(block.values)))))) for block in blocks]
        scores = np.array([sum(combination) for combination in itertools.product(*each)])
        p_value = float(np.mean(np.abs(scores) >= abs(seen)))
    else:
        rng = np.random.default_rng(0)
        hits = sum(int((np.abs(scores) >= abs(seen)).sum()) for scores in _drawn_scores(blocks, rng))
        p_value = (1 + hits) / (1 + DRAWS)
    return Trend(float(seen / pairs), p_value)


def _drawn_scores(blocks: Sequence[Block], rng: np.random.Generator, batch: int = 2000) -> Iterator[Array]:
    for start in range(0, DRAWS, batch):
        size = min(batch, DRAWS - start)
        orders = [rng.permuted(np.tile(np.arange(len(block.values)), (size, 1)), axis=1) for block in blocks]
        yield np.sum([_score(block, order) for block, order in zip(blocks, orders, strict=True)], axis=0)


def _score(block: Block, orders: NDArray[np.int64]) -> Array:
    """Concordant minus discordant pairs for each order [b, m]: whole numbers [b]."""
    first, second = np.nonzero(block.direction)
    # Rounded, so that means over seeds that differ in the last bit are ties.
    signs = np.sign(np.round(block.values[None, :] - block.values[:, None], 12))
    score: Array = signs[orders[:, first], orders[:, second]].sum(1)
    return score
