"""Numbers of settings: what a range holds, and what it says of itself."""

import math

import pytest

from tradeoffs.step.ranges import COUNT, POSITIVE, SEED, Range


@pytest.mark.parametrize("value", [10**400, -(10**400), 2**63, math.inf, math.nan, True, "1", None])
@pytest.mark.parametrize("of", [COUNT, POSITIVE, SEED, Range(-math.inf)])
def test_what_is_no_number_of_a_machine_is_in_no_range(of, value):
    assert not of.holds(value)


def test_ends_are_in_it_unless_said():
    assert COUNT.holds(1)
    assert not COUNT.holds(1.0)
    assert not POSITIVE.holds(0)
    assert Range(0, 1).holds(1)
    assert not Range(0, 1, below=True).holds(1)
    assert Range(2, 8, whole=True, times=2).holds(4)
    assert not Range(2, 8, whole=True, times=2).holds(5)


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (COUNT, "a whole number from 1 to 1,000,000,000,000"),
        (SEED, "a whole number from 0 to 2,147,483,647"),
        (POSITIVE, "a number above 0"),
        (Range(0, 1, below=True), "a number from 0 to below 1"),
    ],
)
def test_words(of, said):
    assert str(of) == said
