import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeoffs.benchmarks import statistics
from tradeoffs.benchmarks.statistics import (
    accuracy,
    balanced_accuracy,
    group_accuracies,
    normalised_gap,
    resample,
    saturated,
    summarise,
)
from tradeoffs.step.errors import InputError

fractions = st.floats(0, 1)


@given(a=fractions, b=fractions)
def test_normalised_gap_is_antisymmetric_bounded_and_signed(a, b):
    gap = normalised_gap(np.array([a]), np.array([b]))[0]
    assert gap == pytest.approx(-normalised_gap(np.array([b]), np.array([a]))[0])
    assert -1 - 1e-9 <= gap <= 1 + 1e-9
    assert np.sign(gap) in (0, np.sign(a - b))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (0.9, 0.7, 0.2 / 0.4),
        (0.3, 0.1, 0.2 / 0.4),
        (1.0, 0.0, 1.0),
        (0.0, 0.0, 0.0),
        (1.0, 1.0, 0.0),
        (0.5, 1.0, -1.0),
        # near the ends, where the room for a gap is small
        (0.003, 0.001, 0.5),
        (0.999, 0.997, 0.5),
        (0.001, 0.0, 1.0),
        (0.0, 0.001, -1.0),
        (1.0, 0.999, 1.0),
        (3e-9, 1e-9, 0.5),
        (1 - 1e-9, 1 - 3e-9, 0.5),
    ],
)
def test_normalised_gap_has_its_known_values(a, b, expected):
    assert normalised_gap(np.array([a]), np.array([b]))[0] == pytest.approx(expected)


def weights_of(*arguments, **named):
    return resample(*arguments, **named)[0]


def test_weights_are_repetitions_of_images():
    rng = np.random.default_rng(0)
    correct, labels = rng.random(30) < 0.6, rng.integers(0, 3, 30)
    weights = weights_of(labels, 5, seed=1)
    for b in range(5):
        drawn = np.repeat(np.arange(30), weights[b].astype(int))
        assert accuracy(correct, weights)[b] == pytest.approx(correct[drawn].mean())
        by_class = [correct[drawn][labels[drawn] == c].mean() for c in range(3)]
        np.testing.assert_allclose(group_accuracies(correct, labels, weights)[b], by_class)
        assert balanced_accuracy(correct, labels, weights)[b] == pytest.approx(np.mean(by_class))


def test_resampling_keeps_the_strata_and_is_paired_by_its_seed():
    strata = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3])
    weights = weights_of(strata, 50, seed=3)
    for stratum in range(4):
        np.testing.assert_array_equal(weights[:, strata == stratum].sum(1), np.full(50, (strata == stratum).sum()))
    np.testing.assert_array_equal(weights, weights_of(strata, 50, seed=3))
    assert (weights != weights_of(strata, 50, seed=4)).any()


@pytest.mark.parametrize("size", [2, 3, 5, 50, 300])
def test_weights_in_a_stratum_have_mean_and_variance_one_and_cancel(size):
    """So the variance of a mean is s^2 / n with s^2 unbiased: the plain bootstrap's times n / (n - 1)."""
    weights = weights_of(np.zeros(size, int), 40_000, seed=0).astype(float)
    assert (weights.sum(1) == size).all()
    np.testing.assert_allclose(weights.mean(0), 1, atol=0.03)
    np.testing.assert_allclose(weights.var(0).mean(), 1, rtol=0.01)
    np.testing.assert_allclose(np.cov(weights[:, 0], weights[:, 1])[0, 1], -1 / (size - 1), atol=0.04)
    if size == 2:
        assert set(map(tuple, weights)) == {(2, 0), (0, 2)}


def test_the_place_of_an_image_does_not_matter_but_its_stratum_does():
    strata = np.array([2, 0, 1, 0, 2, 1, 0, 1, 2, 7, 9, 8])
    weights = weights_of(strata, 2000, seed=0).astype(int)
    for stratum in range(3):
        assert (weights[:, strata == stratum].sum(1) == 3).all()
    assert (weights[:, 9:].sum(1) == 3).all()  # strata of one image each, pooled
    assert set(weights[:, 9]) == {0, 1, 2, 3}


def test_a_single_small_stratum_joins_its_neighbour_in_its_own_set():
    strata = np.array([0, 0, 1, 2, 2])
    weights = weights_of(strata, 500, seed=0).astype(int)
    assert (weights[:, :3].sum(1) == 3).all()
    assert (weights[:, 3:].sum(1) == 2).all()
    assert weights[:, 2].std() > 0.5
    first = weights_of(np.array([0, 1, 1, 2, 2]), 500, seed=0).astype(int)
    assert (first[:, :3].sum(1) == 3).all()
    sets = np.array([0, 0, 0, 1, 1, 1])
    weights = weights_of(np.arange(6), 500, seed=0, within=sets).astype(int)
    for own in (weights[:, :3], weights[:, 3:]):
        assert (own.sum(1) == 3).all()
        assert set(own.ravel()) == {0, 1, 2, 3}
    # A set of one image alone is pooled with others of its kind.
    weights = weights_of(np.array([0, 0, 1, 2, 3]), 500, seed=0, within=np.array([0, 0, 0, 1, 2])).astype(int)
    assert (weights[:, :3].sum(1) == 3).all()
    assert set(map(tuple, weights[:, 3:])) == {(2, 0), (0, 2)}


def test_one_image_and_one_cluster_have_no_interval():
    with pytest.raises(InputError, match="one image has no interval"):
        resample(np.array([4]), 10, seed=0)
    with pytest.raises(InputError, match="one cluster, of 3 images, has no interval"):
        resample(np.array([4, 4, 5]), 10, seed=0, clusters=np.array([1, 1, 1]))


def test_images_of_a_cluster_count_alike_and_strata_that_share_one_are_drawn_together():
    strata = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2])
    clusters = np.array([7, 3, 3, 3, 5, 8, 9, 9, 6])  # of 0 and 1 together 7, 3, 5, of 2 alone 8, 9, 6
    weights, resampled = resample(strata, 500, seed=0, clusters=clusters)
    assert resampled == (6, 2)
    assert all((np.ptp(weights[:, clusters == c], axis=1) == 0).all() for c in clusters)
    first = np.unique(clusters, return_index=True)[1]
    of_clusters = weights[:, first].astype(int)  # 3, 5, 6, 7, 8, 9
    assert (of_clusters[:, [0, 1, 3]].sum(1) == 3).all()
    assert (of_clusters[:, [2, 4, 5]].sum(1) == 3).all()
    assert (of_clusters.std(0) > 0.8).all()


def test_strata_are_linked_through_others():
    strata, clusters = np.array([0, 1, 1, 2, 2, 3, 3]), np.array([0, 0, 1, 1, 2, 3, 4])
    weights, resampled = resample(strata, 300, seed=0, clusters=clusters)
    assert resampled == (5, 2)
    assert (weights[:, [0, 2, 4]].astype(int).sum(1) == 3).all()


@pytest.mark.parametrize("within", [None, np.array([0] * 6 + [1] * 6)])
def test_clusters_of_one_image_give_the_draws_of_images_bit_for_bit(within):
    strata = np.array([2, 0, 1, 0, 2, 1, 0, 1, 2, 7, 9, 8]) + (0 if within is None else 100 * within)
    plain, resampled = resample(strata, 200, 3, within)
    clustered, same = resample(strata, 200, 3, within, np.arange(12) * 5)
    np.testing.assert_array_equal(plain, clustered)
    assert resampled == same
    assert resampled.units == 12
    # The very numbers of before there were clusters.
    assert weights_of(np.array([0, 0, 0, 0, 1, 1, 1, 2, 2]), 2, 1).tolist() == [
        [0, 1, 3, 0, 0, 0, 3, 2, 0],
        [1, 2, 0, 1, 1, 0, 2, 0, 2],
    ]


def test_what_is_said_of_the_design_counts_pooled_strata_once():
    assert resample(np.array([0, 0, 1, 2, 3]), 2, 0)[1] == (5, 2)  # 0, and the three single images together
    assert resample(np.array([0, 0, 1, 2, 2]), 2, 0)[1] == (5, 2)  # the single one joins its neighbour


def test_the_variance_over_draws_of_clusters_is_that_between_clusters():
    """With images alike in a cluster an image more in each of them changes nothing; images apart would say half."""
    rng = np.random.default_rng(0)
    of_cluster = rng.random(40) < 0.6
    clusters = np.repeat(np.arange(40), 5)
    correct, strata = of_cluster[clusters], np.zeros(200, int)

    def spread(**named):
        return summarise(lambda w: {"a": accuracy(correct, w)}, strata, 4000, 0, **named).draws["a"].std()

    expected = of_cluster.std(ddof=1) / np.sqrt(40)
    assert spread(clusters=clusters) == pytest.approx(expected, rel=0.05)
    assert spread() == pytest.approx(expected / np.sqrt(5), rel=0.08)


def test_answers_of_each_draw_are_weighted_by_its_own_weights():
    groups, weights = np.array([0, 0, 1]), np.array([[2.0, 0, 1], [0, 2, 0]])
    correct = np.array([[True, False, False], [True, False, True]])
    np.testing.assert_allclose(group_accuracies(correct, groups, weights), [[1, 0], [0, 1]])


def covered(chances, sizes, statistic, trials=500, draws=500):
    """Share of intervals that hold the truth, and their mean width over that which the true variance gives."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    chance = np.repeat(chances, sizes)
    correct = np.random.default_rng(0).random((trials, len(labels))) < chance

    def statistics_of_all(weights):
        return {str(trial): statistic(outcomes, labels, weights) for trial, outcomes in enumerate(correct)}

    metrics, _, _ = summarise(statistics_of_all, labels, draws, seed=0)
    low, high = (np.array([found[end] for found in metrics.values()]) for end in ("ci_low", "ci_high"))
    ones = np.ones((1, len(labels)))
    truth = statistic(chance, labels, ones)[0]
    part = np.array(
        [statistic(image, labels, ones)[0] for image in np.eye(len(labels))]
    )  # of an image in the statistic
    width = 2 * 1.96 * np.sqrt((part**2 * chance * (1 - chance)).sum())
    return ((low <= truth) & (truth <= high)).mean(), (high - low).mean() / width


STATISTICS = {
    "plain": lambda correct, labels, weights: accuracy(correct, weights),
    "balanced": balanced_accuracy,
}


@pytest.mark.parametrize("kind", STATISTICS)
@pytest.mark.parametrize("sizes", [[1] * 300, [2] * 150, [5] * 60, [50] * 6, [1, 2, 5, 30] * 12])
def test_intervals_cover_the_truth_however_small_the_strata(sizes, kind):
    """Classes of one image, two, five, fifty and of all of these; the chances differ from class to class."""
    chances = 0.3 + 0.6 * np.random.default_rng(1).random(len(sizes))
    share, width = covered(chances, sizes, STATISTICS[kind])
    assert 0.92 <= share <= 0.97
    # A single image tells nothing of its class alone: the spread between classes is part of such intervals.
    assert 0.96 <= width <= (1.08 if 1 in sizes else 1.03)


def test_a_class_of_which_a_draw_has_no_image_leaves_a_number():
    labels = np.arange(6)
    correct = np.array([1, 0, 1, 1, 0, 1], dtype=bool)
    weights = np.array([[2, 0, 1, 3, 0, 0], [0, 0, 0, 0, 0, 0]], dtype=float)
    np.testing.assert_allclose(balanced_accuracy(correct, labels, weights), [1.0, 4 / 6])
    np.testing.assert_allclose(group_accuracies(correct, labels, weights)[1], correct)
    np.testing.assert_allclose(accuracy(correct, weights), [1.0, 4 / 6])
    # A class twice as large has images that count half as much.
    pair = np.array([0, 0, 1])
    found = balanced_accuracy(np.array([True, False, False]), pair, np.array([[2.0, 0, 1], [1, 1, 1], [2, 1, 0]]))
    np.testing.assert_allclose(found, [0.5, 0.25, 1 / 1.5])


def test_draws_do_not_depend_on_how_many_are_computed_at_once(monkeypatch):
    correct, labels = np.arange(60) % 7 > 2, np.arange(60) % 4

    def found(draws=101, seed=0):
        return summarise(lambda w: {"a": balanced_accuracy(correct, labels, w)}, labels, draws, seed)

    whole = found()
    for at_once in (1, 60, 119, 600):
        monkeypatch.setattr(statistics, "_AT_ONCE", at_once)
        parts = found()
        assert parts[0] == whole[0]
        np.testing.assert_array_equal(parts[1]["a"], whole[1]["a"])
    assert len(whole[1]["a"]) == 101
    assert (found(seed=1)[1]["a"] != whole[1]["a"]).any()


def test_gaps_of_an_accuracy_of_0_or_1_are_said_to_be_no_measurement():
    gaps = {"all": (1.0, 0.7), "none": (0.4, 0.0), "both": (1.0, 1.0), "sound": (0.99, 0.4), "other": (0.0, 0.5)}
    assert [text.split(":")[0] for text in saturated(gaps)] == ["all", "none", "both", "other"]
    assert saturated({"rcs": (1.0, 0.7)}) == [
        "rcs: of accuracies 1 and 0.7; with one of them 0 or 1 it is +1 by its formula"
    ]


@given(b=st.floats(0.001, 0.999))
def test_what_is_said_of_saturated_gaps_is_so(b):
    for a in (0.0, 1.0):
        assert abs(normalised_gap(np.array([a]), np.array([b]))[0]) == pytest.approx(1)
        assert abs(normalised_gap(np.array([b]), np.array([a]))[0]) == pytest.approx(1)


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Of 200 samples with true accuracy 0.7, the 95 % interval holds it in about 95 %."""
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        correct = rng.random(200) < 0.7
        metrics, _, _ = summarise(lambda w, c=correct: {"a": accuracy(c, w)}, np.zeros(200, int), 300, seed=trial)
        hits += metrics["a"]["ci_low"] <= 0.7 <= metrics["a"]["ci_high"]
    assert 180 <= hits <= 199


def test_a_metrics_draws_belong_to_its_interval():
    correct = np.arange(100) % 4 > 0
    metrics, draws, _ = summarise(lambda w: {"a": accuracy(correct, w)}, np.zeros(100, int), 500, seed=0)
    assert metrics["a"]["value"] == 0.75
    assert metrics["a"]["n"] == 100
    assert np.quantile(draws["a"], 0.025) == pytest.approx(metrics["a"]["ci_low"], abs=1e-6)
