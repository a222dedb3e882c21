import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeoffs.benchmarks.statistics import (
    accuracy,
    balanced_accuracy,
    group_accuracies,
    normalised_gap,
    resample,
    summarise,
)

fractions = st.floats(0, 1)


@given(a=fractions, b=fractions)
def test_normalised_gap_is_antisymmetric_bounded_and_signed(a, b):
    gap = normalised_gap(np.array([a]), np.array([b]))[0]
    assert gap == pytest.approx(-normalised_gap(np.array([b]), np.array([a]))[0])
    assert -1 - 1e-9 <= gap <= 1 + 1e-9
    assert np.sign(gap) in (0, np.sign(a - b))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(0.9, 0.7, 0.2 / 0.4), (0.3, 0.1, 0.2 / 0.4), (1.0, 0.0, 1.0), (0.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.5, 1.0, -1.0)],
)
def test_normalised_gap_has_its_known_values(a, b, expected):
    assert normalised_gap(np.array([a]), np.array([b]))[0] == pytest.approx(expected)


def test_weights_are_repetitions_of_images():
    rng = np.random.default_rng(0)
    correct, labels = rng.random(30) < 0.6, rng.integers(0, 3, 30)
    weights = resample(labels, 5, seed=1)
    for b in range(5):
        drawn = np.repeat(np.arange(30), weights[b].astype(int))
        assert accuracy(correct, weights)[b] == pytest.approx(correct[drawn].mean())
        by_class = [correct[drawn][labels[drawn] == c].mean() for c in range(3)]
        np.testing.assert_allclose(group_accuracies(correct, labels, weights)[b], by_class)
        assert balanced_accuracy(correct, labels, weights)[b] == pytest.approx(np.mean(by_class))


def test_resampling_keeps_the_strata_and_is_paired_by_its_seed():
    strata = np.array([0, 0, 0, 1, 1, 2])
    weights = resample(strata, 50, seed=3)
    for stratum in range(3):
        np.testing.assert_array_equal(weights[:, strata == stratum].sum(1), np.full(50, (strata == stratum).sum()))
    np.testing.assert_array_equal(weights, resample(strata, 50, seed=3))


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Of 200 samples with true accuracy 0.7, the 95 % interval holds it in about 95 %."""
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        correct = rng.random(200) < 0.7
        metrics, _ = summarise(lambda w, c=correct: {"a": accuracy(c, w)}, np.zeros(200, int), 300, seed=trial)
        hits += metrics["a"]["ci_low"] <= 0.7 <= metrics["a"]["ci_high"]
    assert 180 <= hits <= 199


def test_a_metrics_draws_belong_to_its_interval():
    correct = np.arange(100) % 4 > 0
    metrics, draws = summarise(lambda w: {"a": accuracy(correct, w)}, np.zeros(100, int), 500, seed=0)
    assert metrics["a"]["value"] == 0.75
    assert metrics["a"]["n"] == 100
    assert np.quantile(draws["a"], 0.025) == pytest.approx(metrics["a"]["ci_low"], abs=1e-6)
