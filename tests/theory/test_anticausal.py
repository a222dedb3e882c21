"""The family in which the response causes both features: known values, closed forms, rows, and bad input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeoffs.step.errors import InputError
from tradeoffs.theory import anticausal_claims as rows_of
from tradeoffs.theory.anticausal_claims import anticausal_claims
from tradeoffs.theory.anticausal_phase import phase_table
from tradeoffs.theory.anticausal_simulation import Settings, draw, simulate
from tradeoffs.theory.claim_rows import NOTHING, Case
from tradeoffs.theory.curves import curve, reliance
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import anticausal, anticausal_model, read_model, shifted
from tradeoffs.theory.onset import added_excess
from tradeoffs.theory.risk import collapse_budget
from tradeoffs.theory.samples import sample_minimiser, sample_risk
from tradeoffs.theory.shift_claims import onset_claims, onset_table
from tradeoffs.theory.turning import searched_turning_scale, share_change, turning_scale

INF = math.inf
NORMS = (1.0, 2.0, INF)


def shares(model, p, fractions):
    collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
    return reliance(model, minimise(model, p, collapse * np.asarray(fractions)).theta)


# Computed elsewhere, r = 0.7, sigma_c = 0.5: share under l2 from small to large budgets.
@pytest.mark.parametrize(("scale", "last"), [(0.2, 0.025), (0.5, 0.137), (1.0, 0.379), (2.0, 0.701)])
def test_known_shares_under_l2(scale, last):
    found = shares(anticausal_model(scale, 0.7, 0.5), 2, np.linspace(1e-5, 0.98, 60))
    assert found[0] == pytest.approx(0.235, abs=0.001)
    assert min(found) <= last <= max(found)
    assert found[-1] == pytest.approx(last, abs=0.015)
    assert (np.diff(found) > 0).all() if scale > 0.7 else (np.diff(found) < 0).all()


families = st.tuples(st.floats(0.05, 5), st.floats(0.05, 0.95), st.floats(0.1, 2))


@settings(max_examples=60, deadline=None)
@given(families)
def test_least_squares_and_both_limits_in_closed_form(point):
    a, r, core_noise = point
    model = anticausal_model(*point)
    core = math.sqrt(1 + core_noise**2)
    standard = r * core_noise**2 / (r * core_noise**2 + core * (1 - r**2))
    assert model.theta == pytest.approx(np.array([1 - r**2, r * core_noise**2 / a]) / (1 + core_noise**2 - r**2))
    assert model.noise**2 == pytest.approx(core_noise**2 * (1 - r**2) / (1 + core_noise**2 - r**2))
    for p, limit in ((1.0, a / (a + core)), (2.0, a**2 * r / (a**2 * r + core)), (INF, float(a * r > 1))):
        assert shares(model, p, [0.0]) == pytest.approx(standard, abs=1e-9)
        if abs(a * r - 1) > 1e-3 or p < INF:
            assert shares(model, p, [1 - 1e-9]) == pytest.approx(limit, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(families, st.sampled_from(NORMS))
def test_shares_move_one_way_and_turn_at_the_closed_form(point, p):
    a, r, core_noise = point
    turning = turning_scale(p, r, core_noise)
    change = share_change(anticausal_model(*point), p, np.linspace(0.01, 0.99, 40))
    direction = math.copysign(1, a - turning)
    assert (direction * change).min() > -1e-9
    assert np.diff(direction * change).min() > -1e-9
    assert abs(share_change(anticausal_model(turning, r, core_noise), p, np.array([0.1, 0.5, 0.9]))).max() < 1e-9


@pytest.mark.parametrize("p", NORMS)
def test_the_search_finds_the_turning_scale(p):
    for r, core_noise in ((0.2, 0.3), (0.7, 0.5), (0.9, 1.5)):
        found = searched_turning_scale(p, r, core_noise, NOTHING)
        assert found == pytest.approx([turning_scale(p, r, core_noise)] * 2, rel=1e-7)


@pytest.mark.parametrize(
    ("core_noise", "evidence"),
    [(0.5, "pair of correlation and core noise"), (0.01, "to a relative"), (1e-6, "by rounding")],
)
def test_a_scale_that_rounding_hides_contradicts_no_closed_form(core_noise, evidence):
    """With little core noise the share of p = 1 hardly moves, and turns at a scale that no search looks at."""
    case = Case(anticausal_model(0.5, 0.1, core_noise), 0.5, 0.1, core_noise)
    rows = [row for row in anticausal_claims([case], 5) if "has that closed form" in row.statement]
    assert [row.verdict for row in rows] == ["supported"] * 3
    assert rows[0].evidence.removesuffix(" 0.001").endswith(evidence)


def test_a_wrong_closed_form_is_contradicted(monkeypatch):
    monkeypatch.setattr(rows_of, "turning_scale", lambda *point: turning_scale(*point) * 1.001)
    case = Case(anticausal_model(0.5, 0.4, 0.5), 0.5, 0.4, 0.5)
    rows = [row for row in anticausal_claims([case], 5) if "has that closed form" in row.statement]
    assert [row.verdict for row in rows] == ["contradicted"] * 3
    assert [row.value for row in rows] == pytest.approx([0.001] * 3, rel=1e-3)


def test_draws_have_the_model_s_moments():
    model = anticausal_model(2.0, 0.6, 0.5)
    x, y = draw(2.0, 0.6, 0.5, 400_000, np.random.default_rng(0))
    assert x.T @ x / len(y) == pytest.approx(model.covariance, abs=0.03)
    assert x.T @ y / len(y) == pytest.approx(np.array([1.0, 1.2]), abs=0.02)
    assert np.var(y - x @ model.theta) == pytest.approx(model.noise**2, abs=0.002)


@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_a_shift_changes_what_the_spurious_feature_says_of_the_response(factor):
    model, p, budgets = anticausal_model(2.0, 0.7, 0.5), 2.0, np.array([0.1, 0.5])
    test = shifted(model, factor)
    expected = anticausal_model(2.0, 0.7 * factor, 0.5)
    assert test.covariance == pytest.approx(expected.covariance)
    assert test.theta == pytest.approx(expected.theta, abs=1e-12)
    assert test.noise == pytest.approx(expected.noise)
    x, y = draw(2.0, 0.7 * factor, 0.5, 400_000, np.random.default_rng(1))
    risks = np.array(curve(model, p, budgets, {"test": test}).risks["clean_risk"]).reshape(2, 2)
    for theta, risk in zip(minimise(model, p, budgets).theta, risks[1], strict=True):
        assert risk == pytest.approx(float(np.mean((y - x @ theta) ** 2)), rel=0.01)
    # In closed form the loss is 2 a (r - r') theta_S (1 - theta_C).
    core, spurious = minimise(model, p, np.append(0.0, budgets)).theta.T
    lost = 2 * 2.0 * 0.7 * (1 - factor) * spurious * (1 - core)
    assert risks[1] - risks[0] == pytest.approx(lost[1:])
    excess = lost / np.append(model.noise**2, risks[0])
    assert added_excess(model, p, test, budgets) == pytest.approx(excess[1:] - excess[0])


def cases_of(*points):
    return [Case(anticausal_model(*point), *point) for point in points]


def test_rows_of_claims_where_reliance_rises_and_falls():
    rows = list(anticausal_claims(cases_of((0.3, 0.7, 0.5), (2.0, 0.7, 0.5)), 20))
    assert [row.verdict for row in rows] == ["contradicted", "supported", "supported"] * 2 + ["supported"] * 2
    assert {row.claim for row in rows} == {"theory (i), anticausal", "theory (ii), anticausal"}
    assert rows[0].value == rows[3].value == 0.5
    assert "rises at every budget in 1 models and falls at every budget in 1 of 2" in rows[0].evidence
    assert "core noise 0.5 to 0.5" in rows[0].evidence
    only_large = list(anticausal_claims(cases_of((2.0, 0.7, 0.5)), 20))
    assert [row.verdict for row in only_large] == ["supported"] * 8
    assert only_large[0].value == 1
    wrong = [case._replace(scale=5.0) for case in cases_of((0.3, 0.7, 0.5))]  # said to be above, and is below
    assert [row.verdict for row in anticausal_claims(wrong, 20)][1::3] == ["contradicted"] * 2 + ["supported"]
    assert {row.verdict for row in anticausal_claims([], 20)} == {"undecided"}


def test_a_share_that_rises_at_some_budgets_and_falls_at_others_does_neither(monkeypatch):
    monkeypatch.setattr("tradeoffs.theory.anticausal_claims.share_change", lambda *_: np.linspace(-1, 1, 20))
    row = next(iter(anticausal_claims(cases_of((2.0, 0.7, 0.5)), 20)))
    assert (row.value, row.verdict) == (0, "contradicted")
    assert "rises at every budget in 0 models and falls at every budget in 0 of 1" in row.evidence


def test_onsets_are_beyond_standard_training_and_of_models_in_which_reliance_rises():
    cases = cases_of((0.3, 0.7, 0.5), (2.0, 0.7, 0.5))
    table = onset_table(cases, 40)
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    assert {row["core_noise"] for row in rows} == {0.5}
    for row in rows:
        assert row["raised"] == (row["scale"] > turning_scale(float(row["p"]), 0.7, 0.5))
        model, p = anticausal_model(row["scale"], 0.7, 0.5), float(row["p"])
        test = shifted(model, {"removed": 0.0, "reversed": -1.0}[row["domain"]])
        if math.isfinite(row["visible"]):
            around = added_excess(model, p, test, np.array([row["visible"] * 0.999, row["visible"] * 1.001]))
            assert around[1] > 0.01
            assert around[0] < 0.01 or row["visible"] == pytest.approx(0.001 * row["collapse_budget"])
    claims = list(onset_claims(table))
    assert len(claims) == 3 * 2 * 2
    assert {row.claim for row in claims} == {"theory (iii), anticausal"}
    assert [row.verdict for row in claims[::2]] == ["supported"] * 6
    assert claims[0].evidence.startswith("1 of 1 models have it")
    # The other kind of row can fail: a model in which training does not raise reliance, said to be hurt.
    hurt = [row | {"raised": 0} for row in rows]
    fails = list(onset_claims({name: [row[name] for row in hurt] for name in table}))
    assert fails[1].verdict == "contradicted"
    assert fails[0].verdict == "undecided"


def test_phase_table_point_by_point():
    table = phase_table(0.5, 2.0, 2, [0.2, 0.9])
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    assert len(rows) == 2 * 2 * 3 * 2
    for row in rows:
        model, p = anticausal_model(row["scale"], row["correlation"], 0.5), float(row["p"])
        assert [row["standard_reliance"], row["reliance"]] == pytest.approx(
            shares(model, p, [0, row["budget_fraction"]])
        )
        assert row["threshold"] == turning_scale(p, row["correlation"], 0.5)


def test_simulation_agrees_with_the_exact_weights():
    spec = Settings(0.5, 0.7, [0.2, 2.0], [50, 3000], [0.0, 0.5, 0.9], seeds=10, seed=0)
    points, rows = simulate(spec)
    assert len(points) == len(rows) == 2 * 2 * 3 * 3 * 2
    assert sorted(set(points)) == [(a, f) for a in (0.2, 2.0) for f in (0.0, 0.5, 0.9)]
    last = [row for row in rows if row.samples == 3000]
    assert all(row.band_low <= row.exact <= row.band_high for row in last)
    assert not all(row.band_low <= row.exact + 0.05 <= row.band_high for row in last)


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("fraction", [0.5, 0.75, 0.9])
def test_sample_minimiser_does_not_end_at_zero_weights_near_collapse(p, fraction):
    model = anticausal_model(2.0, 0.7, 0.5)
    x, y = draw(2.0, 0.7, 0.5, 5000, np.random.default_rng(0))
    epsilon = fraction * collapse_budget(model.covariance, model.theta, model.noise, p)
    exact = minimise(model, p, [epsilon]).theta[0]
    found = sample_minimiser(x, y, p, epsilon)
    assert sample_risk(found, x, y, p, epsilon) <= sample_risk(exact, x, y, p, epsilon) * (1 + 1e-6)


# Bad input, and models from files.


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.0, 0.5, 0.0), ["sigma_c", "0", "above 0"]),
        ((1.0, 0.5, -1.0), ["sigma_c", "-1"]),
        ((1.0, 0.5, math.nan), ["sigma_c", "nan"]),
        ((1.0, 1.2, 0.5), ["r (correlation)", "1.2", "[-1, 1]"]),
        ((1.0, math.nan, 0.5), ["r (correlation)", "nan"]),
        ((0.0, 0.5, 0.5), ["a (scale)", "above 0"]),
    ],
)
def test_values_out_of_range_are_one_line(arguments, words):
    with pytest.raises(InputError) as caught:
        anticausal_model(*arguments)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words)


CAUSED = """feature,group,response,shape,colour
shape,core,1,1.25,0.7
colour,spurious,0.7,0.7,1
response,,1
"""


def test_files_hold_the_same_model(tmp_path):
    (tmp_path / "model.csv").write_text(CAUSED)
    expected = anticausal_model(1.0, 0.7, 0.5)
    np.savez(
        tmp_path / "model.npz",
        covariance=expected.covariance,
        response=[1.0, 0.7],
        variance=1.0,
        spurious=expected.spurious,
    )
    for name in ("model.csv", "model.npz"):
        model = read_model(tmp_path / name)
        assert model.theta == pytest.approx(expected.theta)
        assert model.noise == pytest.approx(expected.noise)
        assert model.anticausal
        assert model.spurious.tolist() == [False, True]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("response,,1", "response,,0.5", ["features and response together", "not positive semi-definite", "is -0.34"]),
        ("response,,1", "response,,-1", ["variance", "-1", "from 0"]),
        ("response,,1", "noise,,1", ["rows are", "and response"]),
        ("1.25,0.7", "0.1,0.7", ["covariance is not positive semi-definite"]),
        ("core,1,", "core,one,", ["row shape, column response", "'one'"]),
        ("group,response", "group,cause", ["header", "response"]),
    ],
)
def test_files_that_hold_no_covariance_are_one_line(tmp_path, old, new, words):
    assert old in CAUSED
    path = tmp_path / "model.csv"
    path.write_text(CAUSED.replace(old, new, 1))
    with pytest.raises(InputError, match=r"model\.csv") as caught:
        read_model(path)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_singular_model_has_the_least_squares_solution_of_least_norm():
    factor = np.array([1.0, 2.0, 0.0])
    model = anticausal(np.outer(factor, factor), 0.5 * factor, 1.0)
    assert model.theta == pytest.approx(0.5 * factor / 5)
    assert model.noise == pytest.approx(math.sqrt(0.75))
    with pytest.raises(InputError, match="shape"):
        anticausal(np.eye(2), [1.0, 0.0, 0.0], 1.0)
    with pytest.raises(InputError, match="together"):  # covariance with a feature that does not vary
        anticausal(np.diag([1.0, 0.0]), [0.5, 0.5], 1.0)


def test_points_of_the_phase_diagram_are_where_they_say():
    table = phase_table(0.5, 3.0, 3, [0.25, 0.75])
    assert sorted(set(table["scale"])) == pytest.approx([1, 2, 3])
    assert sorted(set(table["correlation"])) == pytest.approx([0.25, 0.5, 0.75])
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    for row in rows:
        p = float(row["p"])
        model = anticausal_model(row["scale"], row["correlation"], 0.5)
        collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
        assert row["epsilon"] == pytest.approx(row["budget_fraction"] * collapse)
        assert row["reliance"] == pytest.approx(float(reliance(model, minimise(model, p, [row["epsilon"]]).theta)[0]))
