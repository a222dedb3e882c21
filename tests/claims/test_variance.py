"""The variance of an effect: within one replicate, and over several."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tradeoffs.claims.training_noise import Curve, along_curves, between_copies, scaled, together
from tradeoffs.claims.variance import UNSEEN_DF, Estimate, Part, Replicate, estimate, pooled, satterthwaite

PARTS = (Part(0.0004, 9.0), Part(0.0001, 8.0), Part(0.0002, 4.0))


def test_interval_and_p_values_are_those_of_students_t() -> None:
    """Tables of Student's t: 2.228 at 10 degrees of freedom, 12.706 at 1."""
    assert Estimate(0, 1, 10, 1).interval() == pytest.approx((-2.228, 2.228), abs=5e-4)
    assert Estimate(5, 1, 1, 2).interval() == pytest.approx((5 - 12.706, 5 + 12.706), abs=5e-4)
    assert Estimate(2.228, 1, 10, 1).p_value() == pytest.approx(0.05, abs=5e-5)
    assert Estimate(-2.228, 1, 10, 1).p_value() == pytest.approx(0.05, abs=5e-5)
    low, high = Estimate(0.3, 0.2, 7, 1).interval(0.9)
    found = stats.t.interval(0.9, 7, 0.3, 0.2)
    assert (low, high) == pytest.approx(found)


def test_two_one_sided_tests_are_the_ninety_per_cent_interval_within_the_margins() -> None:
    for value in np.linspace(-0.06, 0.06, 41):
        one = Estimate(float(value), 0.02, 9, 1)
        low, high = one.interval(0.9)
        assert (one.p_relevant(0.05) <= 0.05) == (low >= -0.05 and high <= 0.05)


def test_an_effect_without_any_spread_is_what_it_is() -> None:
    assert Estimate(0.0, 0.0, 5, 1).p_value() == 1
    assert Estimate(0.1, 0.0, 5, 1).p_value() == 0
    assert Estimate(0.1, 0.0, 5, 1).p_relevant(0.2) == 0
    assert Estimate(-0.3, 0.0, 5, 1).p_relevant(0.2) == 1


def test_satterthwaite_against_welchs_test() -> None:
    """The degrees of freedom of Welch's two-sample test are Satterthwaite's of two variances of a mean."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 8), rng.normal(0, 3, 15)
    parts = [Part(float(each.var(ddof=1) / len(each)), len(each) - 1.0) for each in (a, b)]
    found = satterthwaite(parts)
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert found.df == pytest.approx(welch.df)
    assert abs(a.mean() - b.mean()) / np.sqrt(found.variance) == pytest.approx(abs(welch.statistic))


def test_an_unknown_part_leaves_the_sum_unknown() -> None:
    assert satterthwaite([Part(1.0, 5.0), Part(0.0, 0.0)]).df == 0
    assert estimate([Replicate(0.1, (Part(1.0, 5.0), Part(0.0, 0.0)))]) is None


def test_one_replicate_has_the_sum_of_its_parts_and_what_it_cannot_see() -> None:
    one = estimate([Replicate(0.1, PARTS)], unseen=0.25)
    assert one is not None
    whole = satterthwaite(PARTS)
    assert one.standard_error == pytest.approx(np.sqrt(0.0007 * 1.25))
    assert one.df == pytest.approx(1 / (1 / whole.df + 1 / UNSEEN_DF))
    assert one.replicates == 1


def test_several_replicates_pool_what_is_seen_within_and_between() -> None:
    values = [0.1, 0.15, 0.12]
    found = estimate([Replicate(value, PARTS) for value in values])
    alone = estimate([Replicate(0.0, PARTS)])
    assert found is not None
    assert alone is not None
    pooled = (alone.df * 0.0007 + 2 * np.var(values, ddof=1)) / (alone.df + 2)
    assert found.value == pytest.approx(np.mean(values))
    assert found.standard_error == pytest.approx(np.sqrt(pooled / 3))
    assert found.df == pytest.approx(alone.df + 2)


def test_replicates_that_differ_by_far_more_than_each_can_say_speak_for_themselves() -> None:
    values = [0.1, 0.9, -0.7, 0.4]
    found = estimate([Replicate(value, PARTS) for value in values])
    assert found is not None
    assert found.df == 3
    assert found.p_value() == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


@pytest.mark.parametrize(("within", "between"), [(30.0, 2.0), (2.0, 30.0), (9.0, 9.0)])
def test_replicates_speak_for_themselves_from_an_f_test_at_two_per_cent_on(within: float, between: float) -> None:
    limit = float(stats.f.isf(0.02, between, within))
    together, alone = (pooled(Part(1.0, within), Part(limit * by, between)) for by in (0.999, 1.001))
    assert together.df == within + between
    assert together.variance == pytest.approx((within + between * limit * 0.999) / (within + between))
    assert alone == Part(limit * 1.001, between)


def test_parts_without_any_variance_leave_it_to_the_others() -> None:
    assert pooled(Part(0.0, 5.0), Part(0.0, 2.0)) == Part(0.0, 5.0)
    assert pooled(Part(0.0, 5.0), Part(0.3, 2.0)) == Part(0.3, 2.0)
    assert satterthwaite([Part(0.0, 7.0), Part(0.0, 3.0)]) == Part(0.0, 3.0)


def test_replicates_tell_what_none_of_them_knows() -> None:
    unknown = (Part(0.0004, 9.0), Part(0.0, 0.0))
    found = estimate([Replicate(value, unknown) for value in (0.1, 0.2, 0.4)])
    assert found is not None
    assert (found.df, found.value) == (2, pytest.approx(0.7 / 3))


def test_images_that_all_replicates_share_do_not_average_out() -> None:
    trained = [Replicate(0.1, (Part(0.0001, 8.0),)) for _ in range(10)]
    found = estimate(trained, common=Part(0.0004, 50.0))
    assert found is not None
    assert found.standard_error > 0.02
    own = estimate([Replicate(0.1, (Part(0.0001, 8.0), Part(0.0004, 50.0))) for _ in range(10)])
    assert own is not None
    assert own.standard_error < 0.01


VALUES = st.floats(-1, 1).map(lambda value: round(value, 3))
REPLICATES = st.lists(VALUES, min_size=1, max_size=6)


@settings(max_examples=60)
@given(REPLICATES, st.floats(0, 1))
def test_turning_the_sign_of_all_values_turns_the_effect(values: list[float], unseen: float) -> None:
    ours, theirs = (estimate([Replicate(sign * value, PARTS) for value in values], unseen) for sign in (1, -1))
    assert ours is not None
    assert theirs is not None
    assert theirs.value == pytest.approx(-ours.value)
    assert theirs[1:] == pytest.approx(ours[1:])
    assert theirs.p_value() == pytest.approx(ours.p_value())


@settings(max_examples=60)
@given(REPLICATES, st.floats(0.01, 100))
def test_another_unit_changes_no_p_value(values: list[float], unit: float) -> None:
    parts = tuple(Part(part.variance * unit**2, part.df) for part in PARTS)
    ours = estimate([Replicate(value, PARTS) for value in values])
    theirs = estimate([Replicate(value * unit, parts) for value in values])
    assert ours is not None
    assert theirs is not None
    assert theirs.standard_error == pytest.approx(ours.standard_error * unit)
    assert theirs.df == pytest.approx(ours.df)
    assert theirs.p_value() == pytest.approx(ours.p_value())


@settings(max_examples=60)
@given(st.permutations([0.1, 0.14, 0.02, 0.3]))
def test_the_order_of_replicates_says_nothing(values: list[float]) -> None:
    first, other = (
        estimate([Replicate(value, PARTS) for value in order]) for order in ([0.1, 0.14, 0.02, 0.3], values)
    )
    assert first == pytest.approx(other)


@settings(max_examples=60)
@given(st.lists(st.floats(-0.03, 0.03), min_size=2, max_size=8))
def test_more_replicates_never_have_fewer_degrees_of_freedom(values: list[float]) -> None:
    """As long as they agree with one another: these differ by about what each says."""
    found = [estimate([Replicate(value, PARTS) for value in values[:count]]) for count in range(1, len(values) + 1)]
    df = [one.df for one in found if one is not None]
    assert df == sorted(df)
    assert len(df) == len(values)


@pytest.mark.parametrize("degree", [2, 1, 0])
def test_a_quadratic_has_no_noise(degree: int) -> None:
    x = [0.0, 1.0, 2.0, 3.0, 4.0]
    found = along_curves([Curve(x, [0.3 * value**degree for value in x])])
    assert found.variance == pytest.approx(0, abs=1e-20)
    assert found.df == 2


def test_noise_around_curves_is_what_was_put_in() -> None:
    rng = np.random.default_rng(0)
    x = np.arange(5.0)
    curves = [Curve(x.tolist(), (0.1 * x + 0.02 * x**2 + rng.normal(0, 0.05, 5)).tolist()) for _ in range(2000)]
    found = along_curves(curves)
    assert found.df == 4000
    assert found.variance == pytest.approx(0.05**2, rel=0.07)


@pytest.mark.parametrize(("points", "df"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (9, 6)])
def test_degrees_of_freedom_of_a_curve(points: int, df: int) -> None:
    """Three points around a line, more around a quadratic."""
    assert along_curves([Curve(list(range(points)), [0.5, 0.1, 0.3, 0.2, 0.9, 0.8, 0.0, 0.7, 0.4][:points])]).df == df


def test_what_images_take_off_a_curve_is_no_noise_of_training() -> None:
    """Errors by images of sd 0.1 and of trainings of sd 0.05: draws of the former are taken out, on average."""
    rng, x, curves = np.random.default_rng(0), np.arange(5.0), []
    for _ in range(1000):
        values = 0.1 * x + rng.normal(0, 0.1, 5) + rng.normal(0, 0.05, 5)
        curves.append(Curve(x.tolist(), values.tolist(), rng.normal(0, 0.1, (5, 60))))
    assert along_curves(curves).variance == pytest.approx(0.05**2, rel=0.15)
    assert along_curves([curve._replace(draws=None) for curve in curves]).variance == pytest.approx(0.0125, rel=0.1)


def test_images_that_explain_all_of_it_leave_some_noise_and_its_degrees_of_freedom() -> None:
    """Trainings are never taken to be without noise: half of what two degrees of freedom show is left to them."""
    draws, x, values = np.random.default_rng(0).normal(0, 1, (5, 60)), [0, 1, 2, 3, 4], [0.1, 0.2, 0.1, 0.3, 0.1]
    plain = along_curves([Curve(x, values)])
    assert along_curves([Curve(x, values, draws)]) == (pytest.approx(plain.variance / 2), 2)


def test_what_images_do_to_all_points_alike_takes_none_off_its_curve() -> None:
    values, shared = [0.1, 0.2, 0.1, 0.3, 0.1], np.tile(np.random.default_rng(0).normal(0, 1, 60), (5, 1))
    plain = along_curves([Curve([0, 1, 2, 3, 4], values)])
    assert along_curves([Curve([0, 1, 2, 3, 4], values, shared)]).variance == pytest.approx(plain.variance)


def test_noise_in_units_is_the_factor_that_was_put_in() -> None:
    rng, x, units = np.random.default_rng(0), np.arange(5.0), np.array([0.1, 0.5, 1.0, 2.0, 4.0])
    curves = [
        Curve(x.tolist(), (0.3 * x**2 + rng.normal(0, 0.2 * np.sqrt(units))).tolist(), units=units.tolist())
        for _ in range(2000)
    ]
    assert along_curves(curves).variance == pytest.approx(0.04, rel=0.06)
    alike = [curve._replace(units=[9.0] * 5) for curve in curves]
    plain = [curve._replace(units=None) for curve in curves]
    assert along_curves(alike).variance == pytest.approx(along_curves(plain).variance / 9)


def test_sources_of_noise_count_by_their_degrees_of_freedom() -> None:
    assert together([Part(0.1, 1.0), Part(0.4, 2.0), Part(9.0, 0.0)]) == pytest.approx((0.3, 3.0))
    assert together([Part(1.0, 0.0)]) == (0.0, 0.0)


def test_copies_vary_around_their_own_mean() -> None:
    found = between_copies([[1.0, 3.0], [11.0, 13.0, 15.0], [100.0]])
    assert found == (pytest.approx((2 + 8) / 3), 3)
    assert between_copies([[1.0], [2.0]]) == (0, 0)


def test_a_mean_of_four_has_a_quarter_of_the_variance() -> None:
    assert scaled(Part(0.04, 7.0), [0.25] * 4) == (pytest.approx(0.01), 7)


def test_values_that_cannot_differ_are_no_certainty() -> None:
    nothing = Part(0.0, 4.0)
    assert estimate([Replicate(0.0, (nothing, nothing))]) is None
    assert estimate([Replicate(0.0, (nothing,)), Replicate(0.0, (nothing,))]) is None


def test_replicates_that_agree_by_chance_leave_the_part_of_images() -> None:
    """Nothing says how much trainings differ, and two replicates have the same value, as counts of images often do."""
    images, trainings = Part(4e-4, 9.0), Part(0.0, 0.0)
    found = estimate([Replicate(0.02, (images, trainings))] * 2)
    assert found is not None
    assert found.standard_error == pytest.approx(np.sqrt(4e-4 / 2))
    assert found.df == 1


def test_points_at_one_place_make_no_curve() -> None:
    assert along_curves([Curve([1.0, 1.0, 1.0], [0.1, 0.2, 0.3])]) == Part(0.0, 0.0)
    assert along_curves([Curve([1.0, 1.0 + 2e-15, 1.0 - 2e-15], [0.1, 0.2, 0.3])]).df == 0
    of_three = along_curves([Curve([0.0, 0.0, 0.5, 1.0], [0.1, 0.3, 0.2, 0.2])])  # three places: a line
    assert of_three.df == 2
