"""Halving finds where something begins, wherever that is, in as many looks as it takes."""

import math

import pytest

from tradeoffs.theory.bisection import bisected


@pytest.mark.parametrize("place", [3.3e-8, 1.5e-4, 0.3, 1.0, 7.25, 9.9e3, 4e8])
@pytest.mark.parametrize("tolerance", [1e-3, 1e-8])
def test_the_place_is_found_to_the_tolerance(place, tolerance):
    looks = []

    def holds(value):
        looks.append(value)
        return value > place

    assert bisected(holds, tolerance) == pytest.approx(place, rel=tolerance)
    widened = 5  # times at most, of which each but the first narrows the bracket to a factor of 1,000
    assert len(looks) <= widened + math.ceil(math.log2(math.log(1e6) / math.log1p(tolerance)))


def test_what_holds_everywhere_or_nowhere_is_at_an_end():
    assert bisected(lambda value: True) == pytest.approx(1e-9)
    assert bisected(lambda value: False) == math.inf
