"""Kendall's rank correlation with an exact permutation test."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from tradeoffs.claims.trend import curve, forked, trend

EPSILONS = [0, 0.5, 1, 2, 4, 8]


def test_six_points_in_perfect_order() -> None:
    found = trend([curve(EPSILONS, [1, 2, 3, 4, 5, 6])])
    assert found.tau == 1
    assert found.p_value == pytest.approx(2 / math.factorial(6))
    assert trend([curve(EPSILONS, [6, 5, 4, 3, 2, 1])]) == (-1, found.p_value)


def test_four_points_cannot_reach_five_per_cent() -> None:
    assert trend([curve([1, 2, 3, 4], [1, 2, 3, 4])]).p_value == pytest.approx(2 / 24)


@settings(deadline=None, max_examples=40)
@given(st.permutations(range(6)))
def test_equals_scipy_without_ties(values: list[int]) -> None:
    found = trend([curve(EPSILONS, values)])
    expected = kendalltau(EPSILONS, values, method="exact")
    assert found.tau == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_ties_against_an_enumeration_of_every_order(values: list[int]) -> None:
    def score(order: tuple[int, ...]) -> int:
        return sum(int(np.sign(order[j] - order[i])) for i, j in itertools.combinations(range(5), 2))

    scores = [abs(score(order)) for order in itertools.permutations(values)]
    expected = np.mean([s >= abs(score(tuple(values))) for s in scores])
    assert trend([curve(range(5), values)]).p_value == pytest.approx(expected)


def test_constant_values_are_no_trend() -> None:
    assert trend([curve(EPSILONS, [0.3] * 6)]) == (0, 1)


def test_values_that_differ_by_rounding_are_ties() -> None:
    assert trend([curve([0, 1], [0.1 + 0.2, 0.3])]) == (0, 1)


def test_fork_compares_within_branches_and_with_the_shared_point_only() -> None:
    # Both branches rise from the shared point; one lies far above the other, which must not matter.
    assert trend([forked(0, [([1, 2], [1, 2]), ([1, 2], [10, 20])])]).tau == 1
    # Five exchangeable points; the score is 6 only where the shared point is least and both branches rise: 1/5 * 1/4,
    # and as often -6.
    assert trend([forked(0, [([1, 2], [1, 2]), ([1, 2], [10, 20])])]).p_value == pytest.approx(2 / 20)


def test_drawn_orders_agree_with_the_exact_distribution_and_are_reproducible() -> None:
    # 8 points are too many to enumerate: scipy's exact p-value is the reference.
    values = [2, 1, 3, 5, 4, 6, 8, 7]
    found = trend([curve(range(8), values)])
    exact = kendalltau(range(8), values, method="exact").pvalue
    assert found.p_value == pytest.approx(exact, abs=4 * math.sqrt(exact / 20_000) + 1 / 20_000)
    assert found == trend([curve(range(8), values)])


@pytest.mark.parametrize("seed", range(3))
def test_false_alarms_are_no_more_frequent_than_the_level(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p_values = [trend([curve(EPSILONS, rng.normal(size=6))]).p_value for _ in range(150)]
    # 150 looks at 5 %: 18 or more has probability below .001 under the null hypothesis.
    assert sum(p <= 0.05 for p in p_values) < 18


def test_several_curves_are_permuted_each_by_itself() -> None:
    """Two curves of three points: 36 orders, of which one is as far up and one as far down."""
    up, down = curve([1, 2, 3], [1, 2, 3]), curve([1, 2, 3], [30, 20, 10])
    assert trend([up, up]) == (1, pytest.approx(2 / 36))
    assert trend([down, down]) == (-1, pytest.approx(2 / 36))
    assert trend([up, down]) == (0, 1)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 3), min_size=3, max_size=3), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_several_curves_against_an_enumeration_of_every_order(first: list[int], second: list[int]) -> None:
    def score(order: tuple[int, ...]) -> int:
        return sum(int(np.sign(order[j] - order[i])) for i, j in itertools.combinations(range(len(order)), 2))

    both = itertools.product(itertools.permutations(first), itertools.permutations(second))
    scores = np.array([score(one) + score(other) for one, other in both])
    seen = score(tuple(first)) + score(tuple(second))
    found = trend([curve(range(3), first), curve(range(4), second)])
    assert found.tau == pytest.approx(seen / 9)
    assert found.p_value == pytest.approx(np.mean(abs(scores) >= abs(seen)))


def test_seven_points_are_enumerated_and_eight_drawn() -> None:
    assert trend([curve(range(7), range(7))]).p_value == pytest.approx(2 / math.factorial(7))
    assert trend([curve(range(8), range(8))]).p_value in [k / 20_000 for k in range(1, 8)]


def test_every_draw_counts() -> None:
    """Where all values are equal every order is as extreme as the one seen."""
    assert trend([curve(range(9), [1] * 9), curve(range(5), [2] * 5)]) == (0, 1)
