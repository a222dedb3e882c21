"""Minimisers, onsets and tables against values that are known in closed form or computed by plain loops."""

import math

import numpy as np
import pytest

from theory.optimality import C, risk
from tradeoffs.theory.claim_rows import Case, budget_grid, exact, family, random_models
from tradeoffs.theory.crossings import crossings
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import block_model, gaussian_model, shifted, two_feature_model
from tradeoffs.theory.onset import adversarial_excess, clean_excess, onset
from tradeoffs.theory.phase import phase_table
from tradeoffs.theory.reliance_claims import reliance_claims, threshold_claims
from tradeoffs.theory.risk import adversarial_risk, balance, collapse_budget, dual_exponent, residual_scale, vector_norm
from tradeoffs.theory.shift_claims import onset_claims, onset_table, shift_claims
from tradeoffs.theory.threshold import relies, scale_threshold, scaled, searched_threshold

INF = math.inf
NORMS = [1.0, 1.5, 2.0, 4.0, INF]


# One factor behind all features, no noise: x = a z. Only t = a' theta counts, n = |t| / ||a||_p at least, and
# R = (c - t)^2 + 2 eps C (c - t) n + eps^2 n^2 is a parabola in t, whose least value on [0, c] is known.
FACTOR = np.array([0.5, -2.0, 1.0, 0.0])
TRUE = np.array([1.0, -0.5, 0.3, 9.0])


def least_norm(p: float) -> np.ndarray:
    """The weights of least dual norm with a' theta = 1."""
    size = np.abs(FACTOR)
    if math.isinf(p):
        return np.where(size == size.max(), np.sign(FACTOR) / size.max(), 0.0)
    if p == 1:
        return np.sign(FACTOR) / size.sum()
    return np.sign(FACTOR) * size ** (p - 1) / (size**p).sum()


@pytest.mark.parametrize("p", NORMS)
def test_noiseless_single_factor_at_every_budget(p):
    model = gaussian_model(np.outer(FACTOR, FACTOR), TRUE, 0.0)
    signal, length = float(FACTOR @ TRUE), float(np.linalg.norm(FACTOR, p))
    assert collapse_budget(model.covariance, model.theta, 0.0, p) == pytest.approx(length / C)
    shares = np.array([0.0, 0.1, 0.5 * C, 0.99 * C, 1.001 * C, 0.9, 1.1, 0.99 / C, 1.0001 / C, 2.0])
    found = minimise(model, p, shares * length)
    kept = np.clip((1 - C * shares) / (1 - 2 * C * shares + shares**2), 0, 1)
    assert kept[3] == 1
    assert kept[4] < 1
    assert found.theta == pytest.approx(signal * np.outer(kept, least_norm(p)), abs=1e-7)
    assert found.dual_norm == pytest.approx(kept * signal / length, abs=1e-7)
    assert found.residual_scale == pytest.approx((1 - kept) * signal, abs=1e-7)
    by_formula = [risk(t, model.covariance, TRUE, 0.0, p, e) for t, e in zip(found.theta, shares * length, strict=True)]
    assert found.risk == pytest.approx(by_formula, abs=1e-7)


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_at_budget_zero_the_least_norm_solution_of_a_singular_model(p, noise):
    """Two factors with features of their own: each factor's least-norm solution by itself, where norms allow it."""
    covariance = np.zeros((5, 5))
    covariance[:3, :3], covariance[3:, 3:] = np.outer(FACTOR[:3], FACTOR[:3]), 4 * np.eye(2)
    theta = np.array([1.0, -0.5, 0.3, 0.1, 0.0])
    found = minimise(gaussian_model(covariance, theta, noise), p, [0.0]).theta[0]
    assert covariance @ found == pytest.approx(covariance @ theta, abs=1e-9)
    if p == 1:  # the largest weight is what counts: no weight is above that of the first factor
        assert np.abs(found).max() == pytest.approx(FACTOR[:3] @ theta[:3] / np.abs(FACTOR).sum())
    else:
        assert found[:3] == pytest.approx(FACTOR[:3] @ theta[:3] * least_norm(p)[:3], abs=1e-7)
        assert found[3:] == pytest.approx(theta[3:], abs=1e-7)


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_constant_feature_gets_no_weight_and_changes_nothing(p, noise):
    small = two_feature_model(2.0, 0.7, noise)
    covariance = np.zeros((3, 3))
    covariance[np.ix_([0, 2], [0, 2])] = small.covariance
    model = gaussian_model(covariance, [1.0, 5.0, 0.0], noise)
    budgets = np.array([0.0, 0.05, 0.3, 0.6, 5.0])
    with_constant, without = minimise(model, p, budgets), minimise(small, p, budgets)
    assert np.abs(with_constant.theta[:, 1]).max() < 1e-12
    assert with_constant.theta[:, [0, 2]] == pytest.approx(without.theta, abs=1e-7)
    assert with_constant.risk == pytest.approx(without.risk, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("p", [1.0, 2.0, INF])
def test_independent_features_of_equal_weight_are_one_feature(p):
    """Sigma = 4 I, theta* = (1, ..., 1): the weights stay equal, and are those of one feature of the same signal."""
    d = 5
    budgets = np.array([0.05, 0.2, 0.5, 1.0])
    found = minimise(gaussian_model(4 * np.eye(d), np.ones(d), 0.3), p, budgets).theta
    one = gaussian_model([[4.0 * d]], [1.0], 0.3)
    length = d if p == 1 else math.sqrt(d) if p == 2 else 1  # ||(1, ..., 1)||_p: of the attack, not of its dual
    share = minimise(one, 2, budgets * d / length).theta[:, 0]
    assert found == pytest.approx(np.repeat(share[:, None], d, axis=1), abs=1e-9)


def test_pieces_of_the_risk():
    assert [dual_exponent(p) for p in (1, 1.5, 2, 4, INF)] == pytest.approx([INF, 3, 2, 4 / 3, 1])
    vectors = np.array([[3.0, -4.0], [0.0, 0.0], [1e200, 1e200]])
    assert vector_norm(vectors, 1) == pytest.approx([7, 0, 2e200])
    assert vector_norm(vectors, 2) == pytest.approx([5, 0, math.sqrt(2) * 1e200])
    assert vector_norm(vectors, INF) == pytest.approx([4, 0, 1e200])
    assert vector_norm(vectors[:1], 3) == pytest.approx([91 ** (1 / 3)])
    assert adversarial_risk(np.array([2.0]), np.array([3.0]), np.array([0.5])) == pytest.approx([4 + 6 * C + 2.25])
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    theta, true = np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([2.0, 0.0])
    for noise in (0.0, 0.5):
        expected = [math.sqrt(noise**2 + 2 - 2 + 4), math.sqrt(noise**2 + 8)]
        assert residual_scale(theta, covariance, true, noise) == pytest.approx(expected)


def test_balance_is_half_the_derivative_of_the_risk_along_a_frontier():
    """s(n) = sqrt(1 + (2 - n)^2), so that lambda = -d(s^2 / 2)/dn = 2 - n."""

    def scale(n):
        return math.sqrt(1 + (2 - n) ** 2)

    for n, epsilon in ((0.3, 0.4), (1.0, 0.7), (1.8, 0.1)):
        step = 1e-6
        above, below = (adversarial_risk(scale(n + h), n + h, epsilon) for h in (step, -step))
        found = balance(np.array([epsilon]), np.array([scale(n)]), np.array([n]), np.array([(2 - n) / scale(n)]))
        assert found == pytest.approx([(above - below) / (4 * step)], rel=1e-6)


# The onset of harm: its value.


def plain_excess(model, p, test, epsilon):
    theta = minimise(model, p, [epsilon]).theta[0]
    error = theta - model.theta
    training = model.noise**2 + error @ model.covariance @ error
    return (model.noise**2 + error @ test.covariance @ error) / training - 1


def plain_attacked_excess(model, p, test, epsilon):
    trained, standard = (minimise(model, p, [e]).theta[0] for e in (epsilon, 0.0))
    at = (test.covariance, model.theta, model.noise, p, epsilon)
    return risk(trained, *at) / risk(standard, *at) - 1


@pytest.mark.parametrize("p", [1.0, 2.0, INF])
@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_excesses_by_the_textbook_formulas(p, factor):
    model = block_model(4, 2.0, 0.8, 0.4)
    test, budgets = shifted(model, factor), np.array([0.01, 0.1, 0.3, 0.6])
    clean = [plain_excess(model, p, test, e) for e in budgets]
    attacked = [plain_attacked_excess(model, p, test, e) for e in budgets]
    assert clean_excess(model, p, test, budgets) == pytest.approx(clean, rel=1e-9)
    assert adversarial_excess(model, p, test, budgets) == pytest.approx(attacked, rel=1e-9)


def test_onset_is_the_first_crossing_of_the_level_whatever_comes_later():
    budgets = np.linspace(0, 4, 9)
    assert onset(np.sin, budgets, 0.5) == pytest.approx(math.pi / 6, abs=1e-9)
    assert onset(lambda e: -np.cos(e), budgets, 0.0) == pytest.approx(math.pi / 2, abs=1e-9)
    assert onset(lambda e: e - 1, budgets, 0.0) == pytest.approx(1, abs=1e-9)  # at a grid point, not above it yet
    assert onset(lambda e: e + 0.5, budgets + 0.25, 0.5) == 0.25
    assert onset(lambda e: 0 * e, budgets, 0.0) == INF


def test_onset_table_holds_the_budgets_at_which_harm_starts():
    cases = [Case(two_feature_model(a, rho, 0.5), a, rho) for a, rho in ((2.0, 0.8), (1.0, 0.9))]
    table = onset_table(cases, 40)
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    points = [(row["scale"], row["correlation"], row["p"], row["domain"]) for row in rows]
    assert points == [
        (case.scale, case.correlation, p, domain)
        for case in cases
        for p in ("1", "2", "inf")
        for domain in ("removed", "reversed")
    ]
    for row in rows:
        model, p = two_feature_model(row["scale"], row["correlation"], 0.5), float(row["p"])
        test = shifted(model, {"removed": 0.0, "reversed": -1.0}[row["domain"]])
        collapse = float(np.linalg.norm(model.covariance @ model.theta, p)) / (C * math.sqrt(1.25))
        assert row["collapse_budget"] == pytest.approx(collapse)
        grid = collapse * np.linspace(math.sqrt(0.001), math.sqrt(0.999), 40) ** 2
        assert row["largest_excess"] == pytest.approx(max(plain_excess(model, p, test, e) for e in grid))
        for name, excess, level in (("visible", plain_excess, 0.01), ("attacked", plain_attacked_excess, 1e-9)):
            at = row[name]
            if math.isinf(at):
                assert max(excess(model, p, test, e) for e in grid) <= level
            else:
                assert excess(model, p, test, at + 1e-7) > level or at == grid[0]
                assert all(excess(model, p, test, e) <= level for e in grid if e < at - 1e-7)
    assert {math.isinf(row["attacked"]) for row in rows} == {True, False}


def test_onset_claims_are_shares_of_the_models_in_which_reliance_is_raised():
    visible = [1.0, 2.0, 9.0, INF]
    rows = [(p, "removed", 1, 4.0, at, 1.0 if at < 2 else INF) for p in "12" for at in visible]
    rows += [("inf", domain, raised, 4.0, INF, INF) for domain, raised in (("removed", 1), ("reversed", 0))]
    rows += [(p, "reversed", raised, 5.0, 1.0, 1.0) for p in "12" for raised in (1, 0)]
    names = ("p", "domain", "raised", "collapse_budget", "visible", "attacked")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) | {"core_noise": [None] * len(rows)}
    claims = list(onset_claims(columns))
    assert [row.value for row in claims] == [0.75, 1, 0.75, 1, 0, None]
    assert [row.verdict for row in claims] == ["supported"] * 4 + ["contradicted", "undecided"]
    assert claims[0].evidence.startswith("3 of 4 models have it, at 0.5 of the budget of collapse in the median; in 1")
    assert claims[1].evidence.startswith("1 of 1 models have it, at 0.2 of the budget of collapse in the median; in 1")
    assert claims[4].evidence.startswith("0 of 1 models have it; in 0 training")


# Rows of the claims.


def cases_of(*points):
    return [Case(two_feature_model(a, rho, 0.5), a, rho) for a, rho in points]


def shares_of(models, p, count):
    """Share of the spurious part in the prediction, by standard deviations, one weight at a time."""
    found = []
    for model in models:
        for theta in minimise(model, p, budget_grid(model, p, count)).theta:
            core, spurious = (
                math.sqrt(theta[block] @ model.covariance[np.ix_(block, block)] @ theta[block])
                for block in (~model.spurious, model.spurious)
            )
            found.append(spurious / (core + spurious))
    return found


def test_rows_on_reliance_hold_least_and_largest_shares():
    cases, others = cases_of((0.5, 0.3), (2.0, 0.7), (1.0, 0.9)), random_models(6, 0.5, np.random.default_rng(1))
    rows = list(reliance_claims(cases, others, 15))
    for at, p in ((0, 1.0), (2, 2.0)):
        assert rows[at].value == pytest.approx(min(shares_of([c.model for c in cases], p, 15)))
        assert rows[at + 1].value == sum(crossings(m, p) for m in others)
        assert rows[at + 1].verdict == "supported"
        assert rows[at + 1].evidence.endswith(f"is {min(shares_of(others, p, 15)):.2g}")
    below, above, closed, search = threshold_claims(cases, others, 15)
    assert above.value == pytest.approx(min(shares_of([cases[1].model], INF, 15)))
    assert below.value == pytest.approx(max(shares_of([cases[0].model, cases[2].model], INF, 15)), abs=1e-12)
    assert below.evidence.startswith("2 models, scale 0.5 to 1, correlation 0.3 to 0.9, 15 budgets")
    errors = [abs(c.scale * c.correlation * searched_threshold(c.model) - 1) for c in cases]
    assert closed.value == pytest.approx(max(errors), rel=1e-6)
    assert search.value == pytest.approx(max(abs(scale_threshold(m) / searched_threshold(m) - 1) for m in others))
    assert 0 < max(closed.value, search.value) < 1e-6
    assert [row.verdict for row in (below, above, closed, search)] == ["supported"] * 4


def test_rows_on_shifts_hold_least_and_largest_excesses():
    cases = cases_of((0.5, 0.3), (2.0, 0.7), (3.0, 0.5))
    rows = list(shift_claims(cases, 12))
    expected = []
    for p in (1.0, 2.0, INF):
        chosen = [case.model for case in cases[1:]] if p == INF else [case.model for case in cases]
        for factor in (0.0, -1.0):
            expected.append(
                min(plain_excess(m, p, shifted(m, factor), e) for m in chosen for e in budget_grid(m, p, 12))
            )
    assert [row.value for row in rows[:6]] == pytest.approx(expected, rel=1e-6)
    assert all(row.value < 1e-9 for row in rows[6:])
    assert "removed" in rows[6].statement
    assert "reversed" in rows[7].statement
    assert [row.verdict for row in rows] == ["supported"] * 8


def test_a_case_at_the_threshold_is_below_it():
    at, above = Case(two_feature_model(2.0, 0.5, 0.5), 2.0, 0.5), Case(two_feature_model(2.0, -0.6, 0.5), 2.0, -0.6)
    assert not at.above
    assert above.above


@pytest.mark.parametrize(("value", "holds", "verdict"), [(0.2, True, "supported"), (0.2, False, "contradicted")])
def test_exact_claims(value, holds, verdict):
    row = exact("claim", "statement", "statistic", value, holds, "evidence")
    assert (row.value, row.verdict) == (value, verdict)
    assert (row.ci_low, row.ci_high, row.p_value) == (None, None, None)
    assert (row.subject, row.scope, row.evidence) == ("linear model", "conclusion", "evidence")
    nothing = exact("claim", "statement", "statistic", math.inf, holds, "evidence")
    assert (nothing.value, nothing.verdict) == (None, "undecided")


def test_budget_grid_is_within_the_collapse_and_denser_at_the_small_end():
    model = two_feature_model(2.0, 0.7, 0.5)
    grid = budget_grid(model, 2.0, 11) / collapse_budget(model.covariance, model.theta, 0.5, 2.0)
    assert (len(grid), grid[0], grid[-1]) == (11, pytest.approx(0.001), pytest.approx(0.999))
    assert np.diff(np.sqrt(grid)) == pytest.approx(np.full(10, (math.sqrt(0.999) - math.sqrt(0.001)) / 10))


def test_random_models_have_one_to_four_features_of_each_kind_and_true_weights_on_the_core():
    models = random_models(200, 0.7, np.random.default_rng(0))
    assert len(models) == 200
    for kind in (True, False):
        assert {int((m.spurious == kind).sum()) for m in models} == {1, 2, 3, 4}
    for model in models:
        assert model.noise == 0.7
        assert np.array_equal(model.theta != 0, ~model.spurious)
        assert np.linalg.eigvalsh(model.covariance)[0] > 0
        assert list(model.spurious) == sorted(model.spurious)


def test_family_in_words():
    assert family(cases_of((0.5, 0.9), (2.0, 0.3))) == "2 models, scale 0.5 to 2, correlation 0.3 to 0.9"
    assert family([]) == "no model"


def test_phase_table_point_by_point():
    table = phase_table(0.5, 3.0, 3, [0.25, 0.75])
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    points = [(row["scale"], row["correlation"], row["p"], row["budget_fraction"]) for row in rows]
    assert points == [
        (scale, pytest.approx(rho), p, fraction)
        for scale in (1.0, 2.0, 3.0)
        for rho in (0, 1 / 3, 2 / 3)
        for p in ("1", "2", "inf")
        for fraction in (0.25, 0.75)
    ]
    for row in rows:
        model, p = two_feature_model(row["scale"], row["correlation"], 0.5), float(row["p"])
        collapse = float(np.linalg.norm([1, row["scale"] * row["correlation"]], p)) / (C * math.sqrt(1.25))
        assert row["epsilon"] == pytest.approx(row["budget_fraction"] * collapse)
        core, spurious = np.abs(minimise(model, p, [row["epsilon"]]).theta[0])
        share = row["scale"] * spurious / (core + row["scale"] * spurious)
        assert row["reliance"] == pytest.approx(share, abs=1e-9)
        threshold = 1 / row["correlation"] if row["correlation"] > 0 else INF
        assert row["threshold"] == pytest.approx(threshold)


# The threshold, beyond its closed form.


def test_scaling_changes_units_and_nothing_else():
    model = gaussian_model([[1.0, 0.5], [0.5, 4.0]], [1.0, 3.0], 0.5, [0, 1])
    found = scaled(model, 2.0)
    assert found.covariance == pytest.approx(np.array([[1.0, 1.0], [1.0, 16.0]]))
    assert found.theta == pytest.approx([1.0, 1.5])
    assert (found.noise, found.names, list(found.spurious)) == (0.5, model.names, [False, True])


def test_search_ends_within_its_tolerance_and_says_where_there_is_none():
    model = two_feature_model(1.0, 0.5, 0.5)
    assert searched_threshold(model, tolerance=0.1) == pytest.approx(2, rel=0.1)
    assert searched_threshold(model) == pytest.approx(2, rel=1e-8)
    for scale, correlation in ((2000.0, 0.9), (0.005, 0.1)):  # far from 1 too
        assert searched_threshold(two_feature_model(scale, correlation, 0.5)) == pytest.approx(
            1 / (scale * correlation)
        )
    assert searched_threshold(two_feature_model(1.0, 0.0, 0.5)) == INF
    assert not relies(scaled(model, 2 * (1 - 1e-6)))
    assert relies(scaled(model, 2 * (1 + 1e-6)))


def test_negative_correlation_has_the_same_threshold():
    for rho in (0.4, -0.4):
        model = two_feature_model(0.5, rho, 0.3)
        assert scale_threshold(model) == pytest.approx(5)
        assert searched_threshold(model) == pytest.approx(5, rel=1e-7)


def test_nothing_to_predict_has_no_threshold():
    assert scale_threshold(gaussian_model(np.eye(2), [0, 0], 0.5, [0, 1])) == INF
