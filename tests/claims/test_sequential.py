"""Looks at a growing study: published boundaries, and the errors that simulated studies without any effect make."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tradeoffs.claims.sequential import boundary, levels, spent

# Jennison and Turnbull (2000) and Lan and DeMets (1983): 5 looks, two-sided 0.05, Pocock-type spending.
PUBLISHED = [2.438, 2.427, 2.410, 2.397, 2.386]


def p_values(looks: int, hypotheses: int, studies: int, effect: float = 0.0) -> NDArray[np.float64]:
    """Two-sided p-values [studies, hypotheses, looks] of means of 1, 2, ... normal numbers around ``effect``."""
    numbers = np.random.default_rng(0).normal(effect, 1, (studies, hypotheses, looks))
    z = numbers.cumsum(2) / np.sqrt(np.arange(1, looks + 1))
    return np.asarray(2 * stats.norm.sf(np.abs(z)))


def test_the_boundary_is_the_published_one() -> None:
    assert boundary(5) == pytest.approx(PUBLISHED, abs=6e-4)


def test_one_look_is_an_ordinary_test() -> None:
    assert boundary(1) == pytest.approx([stats.norm.isf(0.025)])
    assert levels(1) == pytest.approx([0.05])
    assert levels(1, hypotheses=5) == pytest.approx([0.05])


def test_the_first_look_spends_its_share_and_the_last_has_spent_all() -> None:
    assert levels(4)[0] == pytest.approx(spent(0.25, 0.05))
    assert spent(1, 0.05) == pytest.approx(0.05)


@pytest.mark.parametrize("looks", [2, 5, 10])
def test_all_looks_together_err_in_five_of_a_hundred_studies(looks: int) -> None:
    studies = 40_000
    rejected = (p_values(looks, 1, studies) <= np.array(levels(looks))).any(axis=(1, 2))
    assert rejected.mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / studies))


@pytest.mark.parametrize("looks", [1, 2, 5])
def test_five_hypotheses_by_holm_err_in_at_most_five_of_a_hundred_studies(looks: int) -> None:
    studies = 40_000
    smallest = p_values(looks, 5, studies).min(axis=1)  # Holm rejects the first where this is at most level / 5
    rejected = (smallest <= np.array(levels(looks, 5)) / 5).any(axis=1)
    assert rejected.mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / studies)
    assert rejected.mean() > 0.044


@pytest.mark.parametrize("looks", [2, 5, 10])
def test_a_step_down_is_never_easier_than_a_test_of_fewer_hypotheses(looks: int) -> None:
    """What Holm's later steps rest on: m levels(alpha / m) / j is at most the level of alpha / j."""
    for left in range(1, 6):
        alone = np.array(levels(looks, left)) / left
        assert (np.array(levels(looks, 5)) / left <= alone + 1e-12).all()
