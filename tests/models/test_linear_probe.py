import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tradeoffs.models.linear_probe import fit
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


def test_features_that_are_not_finite_are_refused():
    features = np.ones((4, 2))
    features[2, 1] = np.nan
    with pytest.raises(InputError, match="not finite"):
        fit(features, np.array([0, 1, 0, 1]), 2, 0.01)
