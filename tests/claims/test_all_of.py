"""What follows of several findings together."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tradeoffs.claims.all_of import together
from tradeoffs.claims.row import CONTRADICTED, EQUIVALENT, SUPPORTED, UNDECIDED, VERDICTS
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import Rule, findings, verdict

RULE = Rule(0.05, 0.05)
EFFECTS = st.lists(st.tuples(st.floats(-0.2, 0.2), st.floats(0.002, 0.05)), min_size=1, max_size=6)


@given(EFFECTS)
@example([(-0.029, 0.0095)] * 5)  # each by itself within the margin, and in the family a difference
@example([(0.029, 0.0095)] * 5)
@example([(0.029, 0.0095), (0.0, 0.001)])
def test_all_together_never_say_the_opposite_of_a_part(effects: list[tuple[float, float]]) -> None:
    found = findings([Estimate(value, error, 60, 10) for value, error in effects], [RULE] * len(effects))
    parts, whole = {one.verdict for one in found}, together(found)
    if CONTRADICTED in parts:
        assert whole.verdict == CONTRADICTED
    if whole.verdict == EQUIVALENT:
        assert parts <= {EQUIVALENT, UNDECIDED}
    if whole.verdict == SUPPORTED:
        assert parts <= {SUPPORTED, UNDECIDED}
    if len(found) == 1:
        assert whole.verdict == found[0].verdict
    assert 0 <= whole.rerun <= 1


def test_every_part_by_itself_is_enough_for_all_of_them_and_not_for_a_family() -> None:
    """An intersection-union test needs no correction; Holm's procedure lets none of the five through."""
    found = findings([Estimate(0.22, 0.1, 1000, 3)] * 5, [Rule()] * 5)
    assert {one.verdict for one in found} == {UNDECIDED}
    whole = together(found)
    assert (whole.verdict, whole.share, whole.replicates) == (SUPPORTED, 1, 3)
    assert whole.p_value == found[0].effect.p_value()
    assert together([*found, None])[:3] == (5 / 6, None, UNDECIDED)


def test_p_and_replicates_are_those_of_the_weakest_part() -> None:
    estimates = [Estimate(0.3, 0.1, 50, 4), Estimate(0.25, 0.1, 50, 2)]
    whole = together(findings(estimates, [RULE] * 2))
    assert (whole.p_value, whole.replicates) == (estimates[1].p_value(), 2)
    against = together(findings([estimates[0], Estimate(-0.9, 0.1, 50, 3)], [RULE] * 2))
    assert against.p_value == 1


@pytest.mark.parametrize("value", [-0.05, -0.029, 0.0, 0.029, 0.06, 0.12])
def test_the_chance_of_the_same_verdict_is_that_of_simulated_reruns(value: float) -> None:
    """By Bonferroni's level in place of Holm's, which differs from it where some parts are decided and some are not."""
    estimates = [Estimate(value, 0.0095, 60, 1), Estimate(value + 0.01, 0.02, 60, 1)]
    found = findings(estimates, [RULE] * 2)
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(3000):
        again = [one._replace(value=one.value + 2**0.5 * one.standard_error * rng.standard_t(60)) for one in estimates]
        alone = [verdict(one, RULE) for one in again]
        in_family = [verdict(one, RULE._replace(level=RULE.level / 2)) for one in again]
        if CONTRADICTED in in_family:
            seen.append(CONTRADICTED)
        elif set(alone) == {SUPPORTED}:
            seen.append(SUPPORTED)
        elif set(alone) == {EQUIVALENT} and SUPPORTED not in in_family:
            seen.append(EQUIVALENT)
        else:
            seen.append(UNDECIDED)
    whole = together(found)
    assert whole.verdict in VERDICTS
    assert whole.rerun == pytest.approx(seen.count(whole.verdict) / 3000, abs=0.03)
