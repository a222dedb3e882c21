"""Threshold, onset and claims: exact statements, and verdicts that can go both ways."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeoffs.step.errors import InputError
from tradeoffs.theory.anticausal_claims import anticausal_claims
from tradeoffs.theory.claim_rows import Case, budget_grid, exact, random_models
from tradeoffs.theory.crossings import crossings
from tradeoffs.theory.curves import curve, norm_name, reliance
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import anticausal, anticausal_model, gaussian_model, shifted, two_feature_model
from tradeoffs.theory.onset import adversarial_excess, clean_excess, onset
from tradeoffs.theory.reliance_claims import reliance_claims, threshold_claims
from tradeoffs.theory.shift_claims import onset_claims, onset_table, shift_claims
from tradeoffs.theory.threshold import scale_threshold, scaled, searched_threshold

INF = math.inf


@settings(deadline=None, max_examples=50)
@given(st.floats(0.05, 20), st.floats(0.02, 0.98), st.floats(0.1, 5))
def test_threshold_of_one_spurious_feature_in_closed_form(scale, correlation, core_scale):
    core_spurious = core_scale * scale * correlation
    covariance = [[core_scale**2, core_spurious], [core_spurious, scale**2]]
    model = gaussian_model(covariance, [1.0, 0.0], 0.5, [0, 1])
    assert scale_threshold(model) == pytest.approx(core_scale / (scale * correlation), rel=1e-9)


def test_threshold_agrees_with_a_search_for_many_features():
    for model in random_models(25, 0.5, np.random.default_rng(3)):
        assert scale_threshold(model) == pytest.approx(searched_threshold(model), rel=1e-6)


def test_reliance_starts_exactly_at_the_threshold():
    for model in random_models(5, 0.5, np.random.default_rng(4)):
        factor = scale_threshold(model)
        below, above = scaled(model, factor * (1 - 1e-6)), scaled(model, factor * 1.05)
        budgets = np.linspace(0.001, 3, 400)
        assert np.abs(minimise(below, INF, budgets).theta[:, model.spurious]).max() < 1e-9
        assert np.abs(minimise(above, INF, budgets).theta[:, model.spurious]).max() > 1e-9


def test_threshold_without_spurious_features_or_correlation_is_infinite():
    assert scale_threshold(gaussian_model(np.eye(2), [1, 1], 0.5)) == INF
    uncorrelated = gaussian_model(np.eye(2), [1, 0], 0.5, [0, 1])
    assert scale_threshold(uncorrelated) == INF
    assert searched_threshold(uncorrelated) == INF
    with pytest.raises(InputError, match="not 0"):
        scale_threshold(gaussian_model(np.eye(2), [1, 1], 0.5, [0, 1]))


def test_reliance_is_a_share_that_ignores_units():
    model = two_feature_model(3.0, 0.7, 0.5)
    theta = np.array([[0.6, 0.2], [1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    assert reliance(model, theta) == pytest.approx([0.5, 0, 1, 0])
    smaller = scaled(model, 0.01)
    assert reliance(smaller, theta / [1, 0.01]) == pytest.approx([0.5, 0, 1, 0])


def test_removed_correlation_costs_what_the_formula_says():
    model = two_feature_model(2.0, 0.7, 0.5)
    budgets = np.array([0.2, 0.5])
    theta = minimise(model, 2, budgets).theta
    gap = 2 * 2.0 * 0.7 * theta[:, 1] * (1 - theta[:, 0])
    tables = curve(model, 2, budgets, {"removed": shifted(model, 0.0)}, scale=2.0)
    risks = np.array(tables.risks["clean_risk"]).reshape(2, 2)
    assert risks[1] - risks[0] == pytest.approx(gap)
    assert tables.risks["domain"] == ["training"] * 2 + ["removed"] * 2
    excess = clean_excess(model, 2, shifted(model, 0.0), budgets)
    assert excess == pytest.approx(gap / risks[0])


def test_onset_finds_the_crossing():
    budgets = np.linspace(0, 2, 11)
    assert onset(lambda e: e**2, budgets, 0.5) == pytest.approx(math.sqrt(0.5), abs=1e-9)
    assert onset(lambda e: e - 5, budgets, 0) == INF
    assert onset(lambda e: e + 1, budgets, 0) == 0


def test_training_can_be_worse_than_none_even_under_attack_in_a_reversed_domain():
    model = two_feature_model(1.0, 0.9, 0.5)
    budgets = np.linspace(0.01, 1.0, 50)
    assert adversarial_excess(model, 2, shifted(model, 1.0), budgets).max() < 0
    assert adversarial_excess(model, 2, shifted(model, -1.0), budgets).max() > 0


def test_without_noise_and_budget_there_is_no_excess():
    model = two_feature_model(1.0, 0.5, 0.0)
    assert clean_excess(model, 2, shifted(model, 0.0), np.array([0.0])) == pytest.approx([0], abs=1e-9)


def grid(scales, correlations, noise=0.5):
    return [Case(two_feature_model(a, rho, noise), a, rho) for a in scales for rho in correlations]


def verdicts(rows):
    return [row.verdict for row in rows]


def test_claims_hold_where_the_theory_says_so():
    cases = grid([0.5, 2.0], [0.3, 0.7])
    assert [row.verdict for row in reliance_claims(cases, [], 20)] == ["supported", "undecided"] * 2
    assert verdicts(threshold_claims(cases, random_models(3, 0.5, np.random.default_rng(0)), 20)) == ["supported"] * 4
    assert verdicts(shift_claims(cases, 20)) == ["supported"] * 8
    assert {row.claim for row in shift_claims(cases, 20)} == {"theory (iii)"}


def test_a_claim_that_fails_is_contradicted():
    # Without noise small budgets leave the true weights, so reliance is not positive for every budget above 0.
    rows = list(reliance_claims(grid([1.0], [0.5], noise=0.0), [], 20))
    assert verdicts(rows[::2]) == ["contradicted"] * 2
    # A spurious feature without any correlation is never used: not at all but finitely many budgets.
    apart = gaussian_model(np.eye(3), [1.0, 1.0, 0.0], 0.5, [0, 0, 1])
    rows = list(reliance_claims(grid([1.0], [0.5]), [OPPOSED, apart], 50))
    assert verdicts(rows) == ["supported", "contradicted"] * 2
    assert "1 have an interval of them" in rows[3].evidence


# Two core features that pull in opposite directions: the spurious weight passes through zero at one budget.
OPPOSED = gaussian_model([[1.0, 0.0, 0.2], [0.0, 4.0, -0.5], [0.2, -0.5, 1.0]], [1.0, 1.0, 0.0], 0.5, [0, 0, 1])


def test_budgets_at_which_a_weight_changes_its_sign_are_counted_and_leave_the_claim():
    rows = list(reliance_claims(grid([1.0], [0.5]), [OPPOSED], 50))
    assert verdicts(rows) == ["supported"] * 4
    assert rows[3].value == 1
    assert "1 random models, 1 of them with one spurious feature; 1 have such budgets, 1 at most" in rows[3].evidence


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_crossings_are_the_changes_of_sign_on_a_fine_grid(p):
    counts = []
    for model in random_models(60, 0.5, np.random.default_rng(0)):
        weights = minimise(model, p, budget_grid(model, p, 1000)).theta[:, model.spurious]
        changes = int((np.diff(np.sign(weights[:, 0])) != 0).sum()) if weights.shape[1] == 1 else 0
        counts.append(changes)
        assert crossings(model, p) == changes
    assert max(counts) > 0


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_intervals_without_reliance_are_infinitely_many_budgets(p):
    assert crossings(gaussian_model(np.eye(2), [1.0, 0.0], 0.5, [0, 1]), 2.0) == INF  # no correlation
    assert crossings(two_feature_model(1.0, 0.5, 0.0), p) == INF  # without noise small budgets leave the true weights
    # A causal spurious feature, and one whose weight passes through zero: theta*_S < 0, pulled up by the core.
    assert crossings(gaussian_model([[1.0, 0.9], [0.9, 1.0]], [1.0, -0.3], 0.5, [0, 1]), p) == 1
    assert crossings(gaussian_model([[1.0, 0.1], [0.1, 1.0]], [1.0, 0.3], 0.0, [0, 1]), p) == 0


def test_an_empty_family_is_undecided():
    rows = list(threshold_claims(grid([0.5], [0.5]), random_models(1, 0.5, np.random.default_rng(0)), 10))
    assert rows[1].verdict == "undecided"
    assert rows[1].value is None
    assert exact("c", "s", "t", math.nan, True, "e").verdict == "undecided"


def test_onset_table_and_its_claims():
    cases = grid([0.5, 3.0], [0.6])
    table = onset_table(cases, 30)
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    assert len(rows) == 2 * 3 * 2
    for row in rows:
        below = row["p"] == "inf" and row["scale"] * row["correlation"] < 1
        assert math.isinf(row["visible"]) == below
    claims = list(onset_claims(table))
    assert verdicts(claims) == ["supported"] * 6
    assert claims[-1].evidence.startswith("1 of 1 models have it")  # the one above the threshold


@pytest.mark.parametrize(
    ("noise", "scale", "correlation"), [(5.0, 0.1, 0.1), (1000.0, 2.0, 0.7), (0.5, 0.5, 0.01), (0.5, 2.0, 0.5000001)]
)
def test_what_holds_of_every_model_holds_of_one_whose_effect_is_small(noise, scale, correlation):
    """Whose excess of risk, say, is 1e-10 of a risk that is nearly all noise."""
    cases = [Case(two_feature_model(scale, correlation, noise), scale, correlation)]
    others = random_models(2, noise, np.random.default_rng(0))
    rows = [*reliance_claims(cases, others, 20), *threshold_claims(cases, others, 20), *shift_claims(cases, 20)]
    assert {row.verdict for row in rows} <= {"supported", "undecided"}
    assert sum(row.verdict == "supported" for row in rows) >= 8


@pytest.mark.parametrize("correlation", [0.001, 0.01])
def test_a_threshold_far_away_is_found_by_search_too(correlation):
    model = two_feature_model(1.0, correlation, 0.5)
    assert searched_threshold(model) == pytest.approx(1 / correlation, rel=1e-6)


def test_a_search_that_comes_by_a_scale_without_a_certified_minimiser_leaves_its_row_undecided():
    point = (1.0, 0.9999, 1.0)
    rows = list(anticausal_claims([Case(anticausal_model(*point), *point)], 10))
    (searched,) = [row for row in rows if "not to be found" in row.evidence]
    assert searched.verdict == "undecided"


def test_a_norm_is_named_so_that_no_other_has_its_name():
    assert [norm_name(p) for p in (1.0, 2.0, 1.5, INF)] == ["1", "2", "1.5", "inf"]
    assert norm_name(3.14159265) != norm_name(3.1415927)


def test_a_weight_of_zero_is_zero_where_the_response_causes_the_features():
    model = anticausal([[1.25, 0.875], [0.875, 2]], [1.0, 0.7], 1.0, [0, 1])
    assert model.theta[1] == 0
    assert scale_threshold(model) == pytest.approx(1 / 0.7)


@pytest.mark.parametrize("noise", ["0.5", True, None, 1e200, -1.0, math.nan])
def test_a_noise_that_is_no_standard_deviation_is_one_line(noise):
    with pytest.raises(InputError, match=r"noise, a standard deviation, is .*expected a number from 0 to 1e\+100"):
        gaussian_model(np.eye(2), [1, 0], noise)


def test_numbers_whose_squares_are_none_are_one_line():
    with pytest.raises(InputError, match=r"covariance holds 1e\+300; expected numbers up to 1e\+100"):
        gaussian_model(np.eye(2) * 1e300, [1, 0], 0.5)


@pytest.mark.parametrize("p", [1.0, 2.0, INF])
def test_columns_of_weights_are_what_their_names_say(p):
    model, budgets = two_feature_model(2.0, 0.7, 0.5), np.array([0.0, 0.2, 0.5])
    table = curve(model, p, budgets, {}).weights
    theta = minimise(model, p, budgets).theta
    dual = {1.0: INF, 2.0: 2.0, INF: 1.0}[p]
    assert table["dual_norm"] == pytest.approx(np.linalg.norm(theta, dual, axis=1), abs=1e-12)
    error = theta - model.theta
    risk = np.einsum("mi,ij,mj->m", error, model.covariance, error) + 0.5**2
    assert np.square(table["residual_scale"]) == pytest.approx(risk, rel=1e-9)
    assert table["core_weight"] == pytest.approx(np.abs(theta[:, 0]))


def test_claims_about_a_threshold_are_of_every_model():
    cases = [Case(two_feature_model(scale, 0.7, 0.5), scale, 0.7) for scale in (0.5, 1.0, 2.0, 4.0)]
    rows = list(threshold_claims(cases, random_models(2, 0.5, np.random.default_rng(0)), 5))
    assert [row.evidence.split(" ")[0] for row in rows] == ["2", "2", "4", "2"]
    assert "scale 0.5 to 1, correlation 0.7 to 0.7" in rows[0].evidence
    assert "scale 2 to 4" in rows[1].evidence
