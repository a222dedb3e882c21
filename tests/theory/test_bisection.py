"""Halving finds where something begins, in as many looks as it takes."""

import math

import pytest

from tradeoffs.theory.bisection import bisected


@pytest.mark.parametrize("place", [1.5e-4, 0.3, 1.0, 7.25, 9.9e3])
@pytest.mark.parametrize("tolerance", [1e-3, 1e-8])
def test_the_place_is_found_to_the_tolerance(place, tolerance):
    looks = []

    def holds(value):
        looks.append(value)
        return value > place

    assert bisected(holds, 1e-4, 1e4, tolerance) == pytest.approx(place, rel=tolerance)
    assert len(looks) == math.ceil(math.log2(math.log(1e8) / math.log1p(tolerance)))


def test_what_holds_everywhere_or_nowhere_is_at_an_end():
    assert bisected(lambda value: True, 0.5, 2) == pytest.approx(0.5, rel=1e-8)
    assert bisected(lambda value: False, 0.5, 2) == pytest.approx(2, rel=1e-8)
