"""The rule by which a verdict follows from an effect."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeoffs.claims.row import CONTRADICTED, EQUIVALENT, SUPPORTED, UNDECIDED, Said, not_tested
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import Rule, chances, divisors, findings, holm, rerun, verdict

RULE = Rule(0.05, 0.05)


@pytest.mark.parametrize(
    ("value", "error", "margin", "expected"),
    [
        (0.2, 0.05, 0.05, SUPPORTED),
        (-0.2, 0.05, 0.05, CONTRADICTED),
        (0.08, 0.05, 0.05, UNDECIDED),
        (0.01, 0.01, 0.05, EQUIVALENT),
        (-0.01, 0.01, 0.05, EQUIVALENT),
        (0.03, 0.01, 0.05, EQUIVALENT),  # a difference that is seen, but too small to count
        (0.03, 0.01, None, SUPPORTED),
        (0.04, 0.01, 0.05, SUPPORTED),  # seen, and perhaps as large as the margin
        (0.0, 0.01, None, UNDECIDED),
    ],
)
def test_verdict(value: float, error: float, margin: float | None, expected: str) -> None:
    assert verdict(Estimate(value, error, 10, 1), Rule(0.05, margin)) == expected


def test_verdict_at_its_limits() -> None:
    """2.2281 and 1.8125 are the quantiles of Student's t with 10 degrees of freedom at 97.5 and 95 %."""
    assert verdict(Estimate(0.22282, 0.1, 10, 1), Rule()) == SUPPORTED
    assert verdict(Estimate(0.22281, 0.1, 10, 1), Rule()) == UNDECIDED
    assert verdict(Estimate(0.5 - 0.18126, 0.1, 10, 1), Rule(0.05, 0.5)) == EQUIVALENT
    assert verdict(Estimate(0.5 - 0.18124, 0.1, 10, 1), Rule(0.05, 0.5)) == SUPPORTED


def test_a_smaller_level_asks_for_more() -> None:
    one = Estimate(0.25, 0.1, 10, 1)
    assert one.p_value() == pytest.approx(0.0314, abs=1e-4)
    assert verdict(one, Rule(0.04)) == SUPPORTED
    assert verdict(one, Rule(0.03)) == UNDECIDED


def test_holm_against_a_published_example() -> None:
    """The worked example of Wikipedia's article on the method, where the second and the third are not rejected."""
    found = holm([0.01, 0.04, 0.03, 0.005])
    assert found.adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert found.turns == [3, 1, 2, 4]


def test_holm_never_exceeds_one_and_keeps_the_order() -> None:
    assert holm([0.9, 0.6, 0.5]).adjusted == [1, 1, 1]
    assert holm([]) == ([], [])


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_between_the_p_value_and_bonferronis(p_values: list[float]) -> None:
    found = holm(p_values).adjusted
    for p, adjusted in zip(p_values, found, strict=True):
        assert p <= adjusted <= min(1, len(p_values) * p) + 1e-12
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(found)[order]) >= 0).all()


def test_a_rerun_of_what_holm_did_not_reject_has_to_come_next_to_be_rejected() -> None:
    """In simulated reruns of a family whose first is clear: the second and third stay undecided as often as is said."""
    effects = [Estimate(value, 0.1, 1000, 1) for value in (0.60, 0.20, 0.19, 0.0)]
    found = findings(effects, [Rule()] * 4)
    assert [one.verdict for one in found] == [SUPPORTED, UNDECIDED, UNDECIDED, UNDECIDED]
    assert divisors(holm([one.p_value() for one in effects]), 0.05) == [4, 3, 3, 3]
    rng = np.random.default_rng(0)
    again = [
        [
            one.verdict
            for one in findings([e._replace(value=rng.normal(e.value, 0.1 * 2**0.5)) for e in effects], [Rule()] * 4)
        ]
        for _ in range(2000)
    ]
    for position, one in enumerate(found):
        seen = np.mean([verdicts[position] == one.verdict for verdicts in again])
        assert one.rerun == pytest.approx(seen, abs=0.06)


def test_a_family_decides_only_what_holm_lets_through() -> None:
    effects = [Estimate(value, 0.1, 1000, 1) for value in (0.30, 0.235, 0.20, 0.0)]
    assert [verdict(one, Rule()) for one in effects] == [SUPPORTED, SUPPORTED, SUPPORTED, UNDECIDED]
    found = findings(effects, [Rule()] * 4)
    assert [one.verdict for one in found] == [SUPPORTED, UNDECIDED, UNDECIDED, UNDECIDED]
    assert found[0].p_adjusted == pytest.approx(4 * effects[0].p_value())
    assert found[1].p_adjusted == pytest.approx(3 * effects[1].p_value())
    assert findings(effects[1:2], [Rule()])[0].verdict == SUPPORTED


def test_equivalence_is_tested_within_the_family_too() -> None:
    """One alone is within its margin at 5 %, but not as one of three."""
    effects = [Estimate(0.0, 0.027, 1000, 1)] * 3
    assert effects[0].p_relevant(0.05) == pytest.approx(0.032, abs=1e-3)
    assert findings(effects[:1], [RULE])[0].verdict == EQUIVALENT
    assert [one.verdict for one in findings(effects, [RULE] * 3)] == [UNDECIDED] * 3


def test_a_rerun_of_an_equivalence_is_tested_at_its_own_turn() -> None:
    """Three are clear differences: the fourth is the last to be tested for one, and the first for equivalence."""
    effects = [Estimate(value, 0.021, 1000, 1) for value in (0.6, -0.6, 0.7, 0.0)]
    found = findings(effects, [RULE] * 4)
    assert [one.verdict for one in found] == [SUPPORTED, CONTRADICTED, SUPPORTED, EQUIVALENT]
    rng = np.random.default_rng(0)
    drawn = rng.normal([one.value for one in effects], 0.021 * 2**0.5, (1000, 4))
    again = [
        findings([one._replace(value=float(value)) for one, value in zip(effects, values, strict=True)], [RULE] * 4)
        for values in drawn
    ]
    assert found[3].rerun == pytest.approx(np.mean([each[3].verdict == EQUIVALENT for each in again]), abs=0.05)


def test_chance_of_a_rerun_against_a_simulation_of_it() -> None:
    rng = np.random.default_rng(0)
    for value, error, df, margin in ((0.05, 0.02, 8, 0.03), (0.0, 0.01, 12, 0.03), (-0.1, 0.03, 5, None)):
        one, rule = Estimate(value, error, df, 1), Rule(0.05, margin)
        values = value + np.sqrt(2) * error * rng.standard_t(df, 4000)
        drawn = [verdict(one._replace(value=float(each)), rule) for each in values]
        expected = chances(one, rule)
        assert sum(expected.values()) == pytest.approx(1)
        for each, chance in expected.items():
            assert drawn.count(each) / 4000 == pytest.approx(chance, abs=0.03)
        assert rerun(one, rule, SUPPORTED) == expected[SUPPORTED]


def test_what_is_barely_decided_is_a_coins_toss_next_time() -> None:
    one = Estimate(0.2229, 0.1, 10, 1)
    assert findings([one], [Rule()])[0].verdict == SUPPORTED
    assert findings([one], [Rule()])[0].rerun == pytest.approx(0.5, abs=0.01)


def test_without_spread_a_rerun_is_certain() -> None:
    assert chances(Estimate(0.3, 0.0, 5, 1), RULE) == {
        SUPPORTED: 1,
        CONTRADICTED: 0,
        EQUIVALENT: 0,
        UNDECIDED: 0,
    }


@settings(max_examples=60)
@given(st.floats(-1, 1), st.floats(0.001, 1), st.floats(1, 100), st.floats(0.01, 0.5))
def test_the_rule_knows_no_direction(value: float, error: float, df: float, margin: float) -> None:
    turned = {SUPPORTED: CONTRADICTED, CONTRADICTED: SUPPORTED}
    rule = Rule(0.05, margin)
    ours, theirs = (findings([Estimate(sign * value, error, df, 1)], [rule])[0] for sign in (1, -1))
    assert theirs.verdict == turned.get(ours.verdict, ours.verdict)
    assert theirs.rerun == pytest.approx(ours.rerun)


def test_the_row_holds_the_numbers_of_its_finding() -> None:
    one = Estimate(0.2, 0.05, 12, 3)
    (found,) = findings([one], [RULE])
    row = found.claim(Said("claim", "statement", "statistic", "evidence", scope="headline", norm="l2"))
    assert row[:4] == ("claim", "statement", "statistic", 0.2)
    assert (row.ci_low, row.ci_high) == one.interval()
    assert (row.p_value, row.p_adjusted, row.df) == (one.p_value(), one.p_value(), 12)
    assert (row.replicates, row.rerun, row.margin) == (3, found.rerun, 0.05)
    assert (row.verdict, row.scope, row.norm, row.warning) == (SUPPORTED, "headline", "l2", None)


def test_a_warning_leaves_the_numbers_and_takes_the_verdict() -> None:
    (found,) = findings([Estimate(0.2, 0.05, 12, 3)], [RULE])
    row = found.claim(Said("claim", "statement", "statistic", "evidence"), "at chance")
    assert (row.value, row.verdict, row.rerun, row.warning) == (0.2, UNDECIDED, None, "at chance")


def test_a_row_that_could_not_be_tested_has_no_numbers() -> None:
    row = not_tested(Said("claim", "statement", "none", "a, b"), "two budgets are missing")
    assert set(row[3:7]) == {None}
    assert (row.verdict, row.evidence, row.p_adjusted) == (UNDECIDED, "a, b: two budgets are missing", None)
