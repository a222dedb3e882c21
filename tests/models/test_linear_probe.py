from unittest.mock import patch

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tradeoffs.models.linear_probe import fit, refitted
from tradeoffs.step.errors import InputError


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(120, 5)) * [1, 10, 0.1, 3, 1] + 7
    labels = (features[:, 1] + rng.normal(size=120) * 5 > 7).astype(np.int64) + (features[:, 3] > 9)
    return features, labels


def test_head_equals_scikit_learns_solution_of_the_same_problem(problem):
    features, labels = problem
    head = fit(features, labels, 3, l2_penalty=0.01)
    x = (features - features.mean(0)) / features.std(0)
    # scikit-learn minimises the sum of losses + |w|^2 / (2 C).
    reference = LogisticRegression(C=1 / (0.01 * len(x)), tol=1e-12, max_iter=100_000).fit(x, labels)
    np.testing.assert_allclose(head.weight.T, reference.coef_, atol=1e-4)
    probabilities = np.exp(head.logits(features))
    probabilities /= probabilities.sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities, reference.predict_proba(x), atol=1e-5)


def test_the_order_of_the_images_does_not_matter(problem):
    features, labels = problem
    order = np.random.default_rng(1).permutation(len(labels))
    a, b = fit(features, labels, 3, 0.01), fit(features[order], labels[order], 3, 0.01)
    np.testing.assert_allclose(a.logits(features), b.logits(features), atol=1e-4)


def test_a_constant_feature_and_separable_classes_are_no_trouble():
    features = np.c_[np.arange(20.0), np.ones(20)]
    labels = (features[:, 0] > 9).astype(np.int64)
    head = fit(features, labels, 2, l2_penalty=1e-3)
    assert (head.logits(features).argmax(1) == labels).all()
    assert np.isfinite(head.weight).all()


def test_what_rounding_makes_of_a_constant_is_no_feature():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    rounded = (1 - 2.0**-24 * labels).astype(np.float32)  # by its last digit it would tell the classes apart
    features = np.c_[rng.normal(size=60), rounded].astype(np.float64)
    head, without = (fit(part, labels, 2, l2_penalty=1e-2) for part in (features, features * [1, 0]))
    elsewhere = np.c_[features[:, 0], np.full(60, 1.001)]
    np.testing.assert_allclose(head.logits(elsewhere), without.logits(features * [1, 0]), atol=1e-3)


def test_features_that_are_not_finite_are_refused():
    features = np.ones((4, 2))
    features[2, 1] = np.nan
    with pytest.raises(InputError, match="not finite"):
        fit(features, np.array([0, 1, 0, 1]), 2, 0.01)


def two_classes(images, features, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(images + 200, features)) * np.linspace(1, 0.2, features)
    labels = (x @ rng.normal(size=features) * 5 + rng.logistic(size=len(x)) > 0).astype(np.int64)
    return x[:images], labels[:images], x[images:]


@pytest.mark.parametrize(("images", "features"), [(300, 5), (500, 64), (300, 120)])
def test_heads_of_weighted_images_are_scikit_learns_with_these_weights(images, features):
    """On the standardisation of the fit; with 120 features the classes are separable."""
    x, labels, others = two_classes(images, features)
    head = fit(x, labels, 2, 1e-3)
    weights = np.random.default_rng(1).multinomial(images, np.full(images, 1 / images), size=6).astype(np.uint8)
    heads = refitted(head, x, labels, 1e-3, weights)
    # Mean loss + 1e-3 / 4 |difference|^2, scikit-learn's is the sum of losses + |difference|^2 / (2 C).
    model = LogisticRegression(C=2 / (1e-3 * images), tol=1e-10, max_iter=100_000)
    standard, elsewhere = ((some - head.mean) / head.scale for some in (x, others))
    expected = [model.fit(standard, labels, sample_weight=row).decision_function(elsewhere) for row in weights]
    found = heads.of(others, slice(None))
    np.testing.assert_allclose(found, expected, atol=0.01 * np.std(expected))
    np.testing.assert_array_equal(heads.of(others, slice(3, 5)), found[3:5])


def test_weights_of_one_leave_the_head_where_it_is_and_blocks_change_nothing():
    x, labels, others = two_classes(200, 10)
    head = fit(x, labels, 2, 0.01)
    logits = head.logits(others)
    same = refitted(head, x, labels, 0.01, np.ones((2, 200), dtype=np.uint8))
    np.testing.assert_allclose(same.of(others, slice(0, 1))[0], logits[:, 1] - logits[:, 0], atol=1e-3)
    weights = np.random.default_rng(1).multinomial(200, np.full(200, 1 / 200), size=7).astype(np.uint8)
    whole = refitted(head, x, labels, 0.01, weights)
    with patch("tradeoffs.models.linear_probe._AT_ONCE", 400):
        parts = refitted(head, x, labels, 0.01, weights)
    np.testing.assert_allclose(parts.slope, whole.slope, atol=1e-3)


def test_a_draw_without_one_of_the_classes_answers_with_the_other():
    x, labels, others = two_classes(60, 3)
    weights = np.where(labels == 1, len(labels) // (labels == 1).sum(), 0).astype(np.uint8)[None]
    heads = refitted(fit(x, labels, 2, 0.01), x, labels, 0.01, weights)
    assert (heads.of(others, slice(None)) > 0).all()
