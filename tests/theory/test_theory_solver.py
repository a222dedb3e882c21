"""The solver: known values, first-order conditions, and the edges of its domain."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.optimality import C, first_order_gap, risk
from tradeoffs.step.errors import InputError
from tradeoffs.theory.general_p import general_weights
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import GaussianModel, block_model, gaussian_model, two_feature_model
from tradeoffs.theory.path import box_path, lasso_path
from tradeoffs.theory.risk import collapse_budget
from tradeoffs.theory.roots import roots_in_unit_interval

INF = math.inf
NORMS = (1.0, 2.0, INF)

# Computed elsewhere by a general optimiser: rho = 0.7, noise 0.5; (scale, budget, p) -> (core, spurious), 3 digits.
SCALES = (0.5, 1, 1.3, 1.5, 2, 3)
AT_03 = {
    1.0: [(0.711, 0.404), (0.711, 0.202), (0.711, 0.155), (0.711, 0.135), (0.711, 0.101), (0.711, 0.067)],
    2.0: [(0.801, 0.163), (0.757, 0.143), (0.743, 0.124), (0.737, 0.113), (0.727, 0.091), (0.719, 0.064)],
    INF: [(0.855, 0), (0.855, 0), (0.855, 0), (0.849, 0.006), (0.815, 0.028), (0.781, 0.035)],
}
KNOWN = {(a, 0.3, p): w for p, row in AT_03.items() for a, w in zip(SCALES, row, strict=True)} | {
    (1, 0.1, 1.0): (0.916, 0.059),
    (1, 0.1, 2.0): (0.919, 0.054),
    (1, 0.1, INF): (0.957, 0),
    (1, 0.6, 1.0): (0.395, 0.395),
    (1, 0.6, 2.0): (0.535, 0.203),
    (1, 0.6, INF): (0.652, 0),
}


@pytest.mark.parametrize(("point", "expected"), KNOWN.items(), ids=str)
def test_known_minimisers(point, expected):
    scale, epsilon, p = point
    theta = minimise(two_feature_model(scale, 0.7, 0.5), p, [epsilon]).theta[0]
    assert theta == pytest.approx(expected, abs=5.0001e-4)


def random_model(seed: int, d: int, rank: int, noise: float) -> GaussianModel:
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((d, rank))
    units = np.exp(rng.uniform(-1.5, 1.5, d))
    return gaussian_model(factor @ factor.T * np.outer(units, units), rng.standard_normal(d), noise)


models = st.builds(
    lambda seed, d, deficit, noise: random_model(seed, d, max(1, d - deficit), noise),
    st.integers(0, 10_000),
    st.integers(1, 12),
    st.sampled_from([0, 0, 1, 4]),
    st.sampled_from([0.05, 0.5, 3.0]),
)


@settings(max_examples=120, deadline=None)
@given(models, st.sampled_from([1.0, 1.05, 1.5, 2.0, 3.0, 12.0, INF]))
def test_first_order_conditions_hold_for_any_covariance(model, p):
    collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
    budgets = collapse * np.array([0.7, 0.003, 0.1, 0.3, 0.99, 1.0, 1.5])
    found = minimise(model, p, budgets)
    for theta, epsilon, value in zip(found.theta, budgets, found.risk, strict=True):
        at = (model.covariance, model.theta, model.noise, p, epsilon)
        assert first_order_gap(theta, *at) < 1e-8
        assert value == pytest.approx(risk(theta, *at), rel=1e-12)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 7.0, INF])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_no_point_near_or_far_has_less_risk(p, noise):
    model = random_model(3, 5, 5, noise)
    rng = np.random.default_rng(0)
    for epsilon in (0.02, 0.3, 1.0):
        at = (model.covariance, model.theta, noise, p, epsilon)
        theta = minimise(model, p, [epsilon]).theta[0]
        least = risk(theta, *at)
        for size in (1e-6, 1e-3, 1e-1, 1.0):
            for _ in range(200):
                assert risk(theta + size * rng.standard_normal(5), *at) >= least * (1 - 1e-12)


@settings(max_examples=40, deadline=None)
@given(models)
def test_general_method_agrees_with_the_ridge_frontier(model):
    budgets = np.array([0.0, 0.01, 0.2, 1.0, 3.0])
    general = general_weights(model.covariance, model.theta, model.noise, 2.0, budgets)
    for theta, expected, epsilon in zip(general, minimise(model, 2, budgets).risk, budgets, strict=True):
        value = risk(theta, model.covariance, model.theta, model.noise, 2, epsilon)
        assert value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("p", "near"), [(1.0, 1.0003), (INF, 3000.0)])
def test_general_method_tends_to_the_paths(p, near):
    model = random_model(5, 6, 6, 0.5)
    budgets = np.array([0.05, 0.2, 0.6])
    exact, general = minimise(model, p, budgets), minimise(model, near, budgets)
    assert general.risk == pytest.approx(exact.risk, rel=5e-3)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0, INF])
def test_zero_budget_gives_the_true_weights(p):
    model = random_model(1, 6, 6, 0.3)
    found = minimise(model, p, [0.0])
    assert found.theta[0] == pytest.approx(model.theta, abs=1e-9)
    assert found.risk[0] == pytest.approx(0.09)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0, INF])
def test_weights_are_exactly_zero_from_the_collapse_on_and_not_before(p):
    model = random_model(2, 6, 6, 0.3)
    collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
    found = minimise(model, p, collapse * np.array([0.999, 1.0, 2.0, 1e6]))
    assert found.theta[0].any()
    assert not found.theta[1:].any()
    assert found.risk[1:] == pytest.approx(0.09 + model.theta @ model.covariance @ model.theta)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0, INF])
def test_without_noise_small_budgets_leave_the_true_weights(p):
    model = random_model(4, 4, 4, 0.0)
    found = minimise(model, p, [1e-6, 1e-4, 0.0])
    assert found.theta == pytest.approx(np.tile(model.theta, (3, 1)), abs=1e-9)
    assert found.residual_scale == pytest.approx(0, abs=1e-9)
    large = 0.9 * collapse_budget(model.covariance, model.theta, 0.0, p)
    theta = minimise(model, p, [large]).theta[0]
    assert first_order_gap(theta, model.covariance, model.theta, 0.0, p, large) < 1e-8


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, INF])
def test_one_feature_is_the_same_for_every_norm(p):
    model = gaussian_model([[4.0]], [-1.5], 0.5)
    budgets = np.linspace(0, 3, 13)
    theta = minimise(model, p, budgets).theta[:, 0]
    assert theta == pytest.approx(minimise(model, 2, budgets).theta[:, 0], abs=1e-12)
    assert np.all(np.diff(theta) >= -1e-12)
    assert theta[0] == pytest.approx(-1.5)
    assert collapse_budget(model.covariance, model.theta, 0.5, p) == pytest.approx(6 / (C * math.sqrt(9.25)))


@pytest.mark.parametrize("p", [1.0, 1.3, 2.0, INF])
@pytest.mark.parametrize(
    ("covariance", "theta"),
    [
        (np.eye(4), [1.0, 1.0, -1.0, 1.0]),  # everything changes state at once
        (np.ones((3, 3)), [1.0, 0.0, 2.0]),  # one feature, three times
        (np.diag([1.0, 0.0, 2.0]), [1.0, 5.0, 1.0]),  # a constant feature
        (np.kron(np.eye(2), np.ones((2, 2))) + 0.0, [1.0, -1.0, 2.0, 1.0]),  # true weights that cancel
        (0.5 * np.eye(5) + 0.5, [1.0, 1.0, 1.0, 0.0, 0.0]),  # equal correlations
    ],
)
def test_ties_and_singular_covariances(p, covariance, theta):
    model = gaussian_model(covariance, theta, 0.4)
    collapse = collapse_budget(model.covariance, model.theta, 0.4, p)
    for epsilon, weights in zip(
        budgets := collapse * np.array([0.05, 0.4, 0.95]), minimise(model, p, budgets).theta, strict=True
    ):
        assert first_order_gap(weights, model.covariance, model.theta, 0.4, p, epsilon) < 1e-8


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, INF])
@pytest.mark.parametrize(("covariance", "theta"), [(np.zeros((2, 2)), [1.0, 2.0]), (np.eye(2), [0.0, 0.0])])
def test_nothing_to_predict_gives_zero_weights(p, covariance, theta):
    found = minimise(gaussian_model(covariance, theta, 0.0), p, [0.0, 0.5])
    assert not found.theta.any()
    assert not found.risk.any()


def test_budgets_in_any_order_and_none():
    model = random_model(7, 4, 4, 0.5)
    for p in (1.0, 1.7, 2.0, INF):
        sorted_ = minimise(model, p, [0.0, 0.1, 0.5, 0.9])
        shuffled = minimise(model, p, [0.5, 0.0, 0.9, 0.1])
        assert shuffled.theta == pytest.approx(sorted_.theta[[2, 0, 3, 1]], abs=1e-9)
        assert minimise(model, p, []).theta.shape == (0, 4)


def test_model_without_spurious_features_and_block_model_symmetry():
    model = block_model(10, 2.0, 0.7, 0.5)
    for p in NORMS:
        theta = minimise(model, p, [0.2]).theta[0]
        assert np.ptp(theta[:5]) == pytest.approx(0, abs=1e-10)
        assert np.ptp(theta[5:]) == pytest.approx(0, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(models)
def test_frontier_is_convex_and_ends_at_least_squares(model):
    cross = model.covariance @ model.theta
    for follow in (lasso_path, box_path):
        path = follow(model.covariance, cross)
        size = np.abs(path.multiplier).max()
        assert np.all(np.diff(path.norm) >= -1e-9 * path.norm.max())
        assert np.all(np.diff(path.multiplier) <= 1e-9 * size)
        assert model.covariance @ path.theta[-1] == pytest.approx(cross, abs=1e-8 * np.abs(cross).max())


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(0.1, 8)), min_size=1, max_size=6))
def test_roots_of_many_functions(cases):
    root, power = np.array(cases).T

    def function(x):
        return x**power - root**power

    found = roots_in_unit_interval(function, np.full(len(root), 1e-15))
    assert function(found) == pytest.approx(0, abs=1e-12)
    assert roots_in_unit_interval(lambda x: x + 1, np.zeros(2)).tolist() == [0, 0]
    assert roots_in_unit_interval(lambda x: x - 2, np.zeros(2)).tolist() == [1, 1]


@pytest.mark.parametrize(("p", "budgets"), [(0.5, [1]), (math.nan, [1]), (2, [-0.1]), (2, [math.nan]), (1, [INF])])
def test_bad_norms_and_budgets_are_one_line(p, budgets):
    with pytest.raises(InputError, match="expected") as caught:
        minimise(two_feature_model(1, 0.5, 0.5), p, budgets)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("budgets", ["many", [[0.1]], [None, "a"]])
def test_budgets_of_a_wrong_shape(budgets):
    with pytest.raises(InputError, match="budgets"):
        minimise(two_feature_model(1, 0.5, 0.5), 2, budgets)
