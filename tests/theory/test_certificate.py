"""Every minimiser has a duality gap that holds, and where the fast methods fail another one takes over, or an error."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.optimality import C, risk
from tradeoffs.step.errors import InputError
from tradeoffs.theory import minimise as front_door
from tradeoffs.theory.certificate import TOLERANCE, evaluate
from tradeoffs.theory.interior import robust_weights
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import GaussianModel, gaussian_model
from tradeoffs.theory.risk import collapse_budget, covariance_root

INF = math.inf
NORMS = (1.0, 2.0, INF)
SHARES = np.array([0.0, 1e-4, 1e-3, 0.05, 0.3, 0.7, 0.99, 1.1])
"""Budgets, as shares of the budget of collapse."""


def covariance(kind: str, d: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "hilbert":
        return 1 / (np.arange(d)[:, None] + np.arange(d) + 1.0)
    factor = rng.standard_normal((d, max(d // 2, 1) if kind == "singular" else d + 1)) / math.sqrt(d)
    units = np.exp(rng.uniform(-3, 3, d)) if kind == "badly scaled" else np.ones(d)
    return factor @ factor.T * np.outer(units, units)


def model_of(kind: str, d: int, seed: int, noise: float = 0.5) -> GaussianModel:
    rng = np.random.default_rng([seed, d])
    return gaussian_model(covariance(kind, d, rng), rng.standard_normal(d), noise)


def bound(theta: np.ndarray, model: GaussianModel, p: float, epsilon: float) -> float:
    """Lower bound of the least risk in extended precision, from the dual point of ``theta``, scaled to be feasible.

    R >= alpha s + beta epsilon n - F*(alpha, beta), and alpha s >= alpha (u' A (theta - theta*) + u0 noise) for a unit
    vector (u, u0): the least of it over theta is finite where alpha ||A u||_p <= beta epsilon.
    """
    error = (model.theta - theta).astype(np.longdouble)
    y = model.covariance.astype(np.longdouble) @ error
    s = np.sqrt(model.noise**2 + error @ y)
    q = INF if p == 1 else 1 if math.isinf(p) else p / (p - 1)
    t = epsilon * np.linalg.norm(theta.astype(np.longdouble), q)
    alpha, beta = 2 * (s + C * t), 2 * (C * s + t)
    size = np.linalg.norm(y, p)
    shrink = min(1, beta * epsilon * s / (alpha * size)) if size else 1
    # u is shrunk to be feasible, and u0 takes what is left of the unit length
    along = shrink * (y @ model.theta) / s + model.noise * np.sqrt(1 - shrink**2 * (error @ y) / s**2)
    return float(alpha * along - (s**2 + 2 * C * s * t + t**2))


@pytest.mark.parametrize("kind", ["generic", "singular", "badly scaled"])
@pytest.mark.parametrize(("d", "count"), [(2, 15), (7, 20), (25, 20), (80, 10), (300, 2)])
def test_gaps_of_random_covariances(kind, d, count):
    for seed in range(count):
        model = model_of(kind, d, seed)
        for p in NORMS:
            budgets = SHARES * collapse_budget(model.covariance, model.theta, model.noise, p)
            found = minimise(model, p, budgets)
            assert found.gap.max() <= TOLERANCE
            assert found.gap.min() > -1e-12
            for theta, epsilon, value in zip(found.theta, budgets, found.risk, strict=True):
                if epsilon > 0:  # at budget 0 the bound needs a dual point without rounding
                    assert value <= bound(theta, model, p, epsilon) * (1 + 1e-7)


@pytest.mark.parametrize("d", [20, 150, 300])
@pytest.mark.parametrize("p", NORMS)
def test_hilbert_covariances_where_pivots_lose_all_digits(d, p):
    model = model_of("hilbert", d, 0)
    budgets = SHARES * collapse_budget(model.covariance, model.theta, model.noise, p)
    found = minimise(model, p, budgets)
    assert found.gap.max() <= TOLERANCE
    for i, epsilon in enumerate(budgets):
        at = (model.covariance, model.theta, model.noise, p, epsilon)
        assert found.risk[i] == pytest.approx(risk(found.theta[i], *at), rel=1e-11)
        for other in (model.theta, np.zeros(d), *found.theta):
            assert found.risk[i] <= risk(other, *at) * (1 + TOLERANCE)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0, INF])
@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_gaps_where_the_residual_is_lost_in_rounding(p, noise):
    for seed in range(5):
        model = model_of("generic", 12, seed, noise)
        budgets = np.append(SHARES, [1e-6]) * collapse_budget(model.covariance, model.theta, noise, p)
        assert minimise(model, p, budgets).gap.max() <= TOLERANCE


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["generic", "singular", "badly scaled"]),
    st.integers(1, 10),
    st.integers(0, 1000),
    st.sampled_from([1.0, 1.3, 2.0, 5.0, INF]),
    st.floats(0.01, 0.95),
    st.sampled_from([1e-8, 1e-4, 1e-2, 1.0]),
)
def test_the_gap_of_any_weights_is_no_less_than_their_distance_from_the_minimum(kind, d, seed, p, share, size):
    model = model_of(kind, d, seed)
    epsilon = share * collapse_budget(model.covariance, model.theta, model.noise, p)
    least = minimise(model, p, [epsilon])
    moved = least.theta + size * np.random.default_rng(seed).standard_normal((1, d))
    found = evaluate(model, moved, p, np.array([epsilon]))
    assert found.gap[0] >= (found.risk[0] - least.risk[0]) / found.risk[0] - 1e-12


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("kind", ["generic", "singular", "badly scaled"])
def test_the_method_that_takes_over_finds_the_same_minimisers(monkeypatch, p, kind):
    model = model_of(kind, 8, 1)
    budgets = SHARES * collapse_budget(model.covariance, model.theta, model.noise, p)
    expected = minimise(model, p, budgets)
    wrong = np.full_like(expected.theta, 0.3)
    monkeypatch.setattr(front_door, "path_weights", lambda *_: wrong.copy())
    monkeypatch.setattr(front_door, "ridge_weights", lambda *_: wrong.copy())
    found = minimise(model, p, budgets)
    assert found.risk == pytest.approx(expected.risk, rel=2e-9)
    assert found.gap.max() <= TOLERANCE
    assert found.theta[1:] == pytest.approx(expected.theta[1:], abs=1e-3)

    def fails(*_):
        raise ArithmeticError("no")

    monkeypatch.setattr(front_door, "path_weights", fails)
    monkeypatch.setattr(front_door, "ridge_weights", fails)
    assert minimise(model, p, budgets).risk == pytest.approx(expected.risk, rel=2e-9)


@pytest.mark.parametrize("p", [2.0, 3.0])
def test_weights_that_nothing_certifies_are_one_line(monkeypatch, p):
    model = model_of("generic", 4, 0)
    monkeypatch.setattr(front_door, "general_weights", lambda *_: np.full((2, 4), 0.3))
    monkeypatch.setattr(front_door, "ridge_weights", lambda *_: np.full((2, 4), 0.3))
    monkeypatch.setattr(front_door, "robust_weights", lambda *_: np.zeros(4))
    with pytest.raises(InputError, match=f"no minimiser certified for p = {p:g}.* at budget 0.1 .* expected") as caught:
        minimise(model, p, [0.1, 0.2])
    assert "\n" not in str(caught.value)


def test_features_of_very_different_scales_keep_their_digits():
    model = gaussian_model(np.diag([1e12, 1.0, 1e-12]), [1.0, 1.0, 1e6], 0.5)
    root = covariance_root(model.covariance)
    assert root @ root.T == pytest.approx(model.covariance, rel=1e-12)
    for p in NORMS:
        budgets = SHARES[:3] * collapse_budget(model.covariance, model.theta, model.noise, p)
        assert minimise(model, p, budgets).gap.max() <= TOLERANCE


def test_at_budget_0_the_method_that_takes_over_returns_the_true_weights():
    model = model_of("generic", 4, 0)
    assert robust_weights(model, 1.0, 0.0).tolist() == model.theta.tolist()
