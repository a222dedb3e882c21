"""The rule by which a verdict follows from the numbers."""

import numpy as np
import pytest

from tradeoffs.results.trend import Trend
from tradeoffs.results.verdicts import Assessment, all_of, assess, over_seeds

UP = Assessment(0.2, 0.1, 0.3, 0.001, 1)
DOWN = Assessment(-0.2, -0.3, -0.1, 0.001, -1)
UNCLEAR = Assessment(0.01, -0.1, 0.1, 0.5, 1)


@pytest.mark.parametrize(
    ("effect", "verdict"),
    [
        (UP, "supported"),
        (DOWN, "contradicted"),
        (UNCLEAR, "undecided"),
        (UP._replace(p_value=0.06), "undecided"),
        (UP._replace(ci_low=-0.01), "undecided"),
        (UP._replace(direction=-1), "undecided"),  # effect and trend disagree
        (DOWN._replace(direction=1), "undecided"),
    ],
)
def test_verdict_needs_interval_p_value_and_direction(effect: Assessment, verdict: str) -> None:
    assert effect.verdict() == verdict


def test_interval_covers_the_effect_in_about_95_of_100_studies() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        sample = rng.normal(0.1, 1, 200)
        draws = sample[rng.integers(0, 200, (300, 200))].mean(1)
        found = assess(sample.mean(), draws)
        covered += found.ci_low <= 0.1 <= found.ci_high
    assert 270 <= covered <= 298


def test_bootstrap_p_value_is_two_sided_and_never_zero() -> None:
    draws = np.concatenate([np.full(99, 1.0), np.full(900, 2.0)])
    assert assess(1.9, draws).p_value == pytest.approx(2 / 1000)
    assert assess(0, np.array([-1.0, 1.0])).p_value == 1
    assert assess(1.9, draws, Trend(-0.4, 0.3))[3:] == (0.3, -0.4)


def test_all_parts_must_hold() -> None:
    assert all_of([UP, UP._replace(p_value=0.01)]) == (0.005, "supported")
    assert all_of([UP, UNCLEAR])[1] == "undecided"
    p_value, verdict = all_of([UP, DOWN])
    assert verdict == "contradicted"
    assert p_value > 0.99


def test_one_contradicted_part_is_judged_at_the_corrected_level() -> None:
    weak = DOWN._replace(p_value=0.03)
    assert weak.verdict() == "contradicted"
    assert all_of([UP, weak])[1] == "undecided"


def test_one_seed_keeps_the_draws_as_they_are() -> None:
    draws = np.random.default_rng(0).normal(size=(1, 50))
    value, result = over_seeds(np.array([0.3]), draws)
    assert value == 0.3
    np.testing.assert_array_equal(result, draws[0])


def test_several_seeds_add_their_own_spread() -> None:
    """Variance of the mean of four seeds: that over images plus s^2 / 4."""
    rng = np.random.default_rng(1)
    values = np.array([0.1, 0.2, 0.4, 0.7])
    common = rng.normal(0, 0.05, 20_000)
    value, draws = over_seeds(values, values[:, None] + common)
    assert value == pytest.approx(0.35)
    assert draws.mean() == pytest.approx(0.35, abs=0.01)
    assert draws.var() == pytest.approx(0.05**2 + values.var(ddof=1) / 4, rel=0.05)
