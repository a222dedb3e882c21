"""The rule by which a verdict follows from the numbers."""

import numpy as np
import pytest

from tradeoffs.claims.trend import Trend
from tradeoffs.claims.verdicts import Assessment, all_of, all_of_claim, assess, over_seeds

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


@pytest.mark.parametrize(
    ("effect", "verdict"),
    [
        (DOWN._replace(ci_high=0.01), "undecided"),  # the interval holds 0
        (DOWN._replace(ci_high=0.0), "undecided"),
        (UP._replace(ci_low=0.0), "undecided"),
        (UP._replace(p_value=0.05), "supported"),
        (DOWN._replace(p_value=0.05), "contradicted"),
        (DOWN._replace(p_value=0.0501), "undecided"),
        (UP._replace(direction=0), "undecided"),
        (DOWN._replace(direction=0), "undecided"),
        (UP._replace(ci_high=-0.01, ci_low=0.01), "supported"),  # only the end nearer to 0 counts
        (UP._replace(direction=0.2), "supported"),
    ],
)
def test_verdict_at_its_limits(effect: Assessment, verdict: str) -> None:
    assert effect.verdict() == verdict


def test_level_is_that_of_the_call() -> None:
    assert UP._replace(p_value=0.03).verdict(0.02) == "undecided"
    assert UP._replace(p_value=0.07).verdict(0.1) == "supported"


def test_one_sided_p_value_is_against_the_claims_own_direction() -> None:
    assert UP._replace(p_value=0.04).one_sided() == pytest.approx(0.02)
    assert DOWN._replace(p_value=0.04).one_sided() == pytest.approx(0.98)
    assert UP._replace(p_value=0.04, direction=0).one_sided() == pytest.approx(0.98)


def test_interval_is_the_middle_95_per_cent_of_the_draws() -> None:
    found = assess(0.4, np.linspace(0, 1, 1001)[::-1])
    assert found[:3] == pytest.approx((0.4, 0.025, 0.975))


@pytest.mark.parametrize("sign", [1, -1])
def test_draws_equal_to_zero_count_on_both_sides(sign: int) -> None:
    draws = sign * np.concatenate([np.zeros(15), np.ones(84)])
    found = assess(0.5, draws)
    assert found.p_value == pytest.approx(2 * 16 / 100)
    assert found.direction == 0.5
    assert assess(0.0, np.zeros(9)).p_value == 1


def test_p_value_with_draws_on_both_sides() -> None:
    draws = np.concatenate([np.full(4, -1.0), np.full(95, 1.0)])
    assert assess(0.9, draws).p_value == pytest.approx(2 * 5 / 100)


def test_a_contradicted_part_at_the_corrected_level_contradicts() -> None:
    assert all_of([UP, DOWN._replace(p_value=0.025)])[1] == "contradicted"
    assert all_of([UP, DOWN._replace(p_value=0.026)])[1] == "undecided"
    assert all_of([UP, UNCLEAR, DOWN._replace(p_value=0.02)])[1] == "undecided"
    assert all_of([UP, UNCLEAR, DOWN._replace(p_value=0.016)])[1] == "contradicted"


@pytest.mark.parametrize(
    ("parts", "share", "verdict", "p_value"),
    [
        ([UP, UNCLEAR, DOWN._replace(p_value=0.02)], 1 / 3, "undecided", 0.99),
        ([UP, UP._replace(p_value=0.04), UNCLEAR], 2 / 3, "undecided", 0.25),
        ([UP, UP], 1, "supported", 0.0005),
        ([DOWN, DOWN], 0, "contradicted", 0.9995),
    ],
)
def test_value_of_a_claim_of_all_parts_is_the_share_supported(
    parts: list[Assessment], share: float, verdict: str, p_value: float
) -> None:
    row = all_of_claim("claim", "statement", parts, "evidence")
    assert (row.claim, row.statement, row.evidence) == ("claim", "statement", "evidence")
    assert row.value == pytest.approx(share)
    assert (row.ci_low, row.ci_high) == (None, None)
    assert row.p_value == pytest.approx(p_value)
    assert row.verdict == verdict


def test_row_of_a_claim_holds_the_numbers_of_its_assessment() -> None:
    row = UP._replace(p_value=0.03).claim("claim", "statement", "statistic", "evidence")
    about = ("networks", "conclusion", None, None)
    assert row == ("claim", "statement", "statistic", 0.2, 0.1, 0.3, 0.03, "supported", *about, "evidence")


def test_draws_of_seeds_are_averaged_pair_by_pair() -> None:
    draws = np.array([[1.0, 2.0, 3.0], [3.0, 6.0, 9.0]])
    value, result = over_seeds(np.array([0.4, 0.4]), draws)  # equal seeds: nothing is added
    assert value == pytest.approx(0.4)
    assert result == pytest.approx([2, 4, 6])
