"""Effective robustness against numpy's own line fit."""

import numpy as np
import pytest

from tradeoffs.results.effective_robustness import effective_robustness
from tradeoffs.results.standard_line import logit


def test_models_on_the_line_have_none_and_others_their_distance() -> None:
    validation = np.array([[0.6], [0.7], [0.8], [0.75]])
    x = logit(validation, 1000)
    on_line = 1 / (1 + np.exp(-(-1.5 + 0.8 * x)))
    shifted = on_line - np.array([[0], [0], [0], [0.1]])
    found = effective_robustness(validation, shifted, np.array([True, True, True, False]), (1000, 1000))
    np.testing.assert_allclose(found[:, 0], [0, 0, 0, -0.1], atol=1e-12)


def test_line_is_least_squares_in_every_draw() -> None:
    rng = np.random.default_rng(0)
    validation, shifted = rng.uniform(0.5, 0.9, (6, 4)), rng.uniform(0.2, 0.5, (6, 4))
    standard = np.array([True, True, True, True, False, False])
    found = effective_robustness(validation, shifted, standard, (500, 500))
    for column in range(4):
        x, y = logit(validation[:, column], 500), logit(shifted[:, column], 500)
        slope, intercept = np.polyfit(x[standard], y[standard], 1)
        expected = shifted[:, column] - 1 / (1 + np.exp(-(intercept + slope * x)))
        np.testing.assert_allclose(found[:, column], expected, atol=1e-10)


def test_accuracies_of_zero_and_one_stay_finite() -> None:
    assert logit(np.array([0.0, 1.0]), 10) == pytest.approx([-np.log(19), np.log(19)])


def test_equal_validation_accuracies_give_a_level_line() -> None:
    found = effective_robustness(np.full((3, 1), 0.8), np.full((3, 1), 0.4), np.ones(3, dtype=bool), (100, 100))
    np.testing.assert_allclose(found, 0, atol=1e-12)
