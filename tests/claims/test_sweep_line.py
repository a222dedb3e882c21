"""The change along the line through all points of a sweep, and what its variance is made of."""

import numpy as np
import pytest

from claims.made_sweeps import fitted_change
from tradeoffs.claims.sweep_line import Images, Point, at_one_place, by_images, change, line_weights, stacked
from tradeoffs.claims.variance import Part
from tradeoffs.results.evaluations import Drawn

X = [0.0, 0.2, 0.5, 0.9]
Y = [0.1, 0.4, 0.2, 0.7]


def drawn(variance: float, df: float = 50.0) -> Images:
    """Two draws with this variance."""
    return Images(np.array([0.5, -0.5]) * np.sqrt(2 * variance), df)


def points(values: list[float], variance: float = 0.0, df: float = 50.0) -> list[Point]:
    return [Point(x, value, drawn(variance, df)) for x, value in zip(X, values, strict=True)]


def test_it_is_the_least_squares_line_from_end_to_end() -> None:
    assert float(line_weights(X) @ Y) == pytest.approx(fitted_change(X, Y))
    assert line_weights(X).sum() == pytest.approx(0)
    assert float(line_weights([3.0, 1.0]) @ [5.0, 2.0]) == pytest.approx(3)


def test_images_of_each_world_and_trainings_of_each_model_add_up() -> None:
    found = change({1: points(Y, variance=0.01)}, {1: Part(0.04, 3.0)}, unseen=0.0)
    assert found is not None
    assert found.value == pytest.approx(fitted_change(X, Y))
    squares = float(np.square(line_weights(X)).sum())
    assert found.standard_error**2 == pytest.approx(squares * (0.01 + 0.04))
    assert 3 < found.df < 50


def test_a_value_of_several_models_has_the_noise_of_each() -> None:
    one = at_one_place({1: Point(1.0, 0.2, drawn(0.01, 30), 1.5)}, {1: Part(0.04, 3.0)}, unseen=0.0)
    assert one is not None
    assert (one.value, one.standard_error**2) == pytest.approx((0.2, 0.01 + 1.5 * 0.04))


def test_replicates_are_averaged_and_say_how_far_they_differ() -> None:
    by_replicate = {1: points(Y), 2: points([2 * y for y in Y])}
    found = change(by_replicate, {1: Part(0.0, 0.0), 2: Part(0.0, 0.0)}, unseen=0.0)
    assert found is not None
    one = fitted_change(X, Y)
    assert found.value == pytest.approx(1.5 * one)
    assert found.standard_error == pytest.approx(one / 2)  # of the mean of two that differ by one
    assert (found.df, found.replicates) == (1, 2)


def test_what_nothing_is_known_of_has_no_effect() -> None:
    unknown = {1: Part(0.0, 0.0)}
    assert change({1: points(Y)}, unknown, unseen=0.0) is None
    assert change({1: points(Y)[:1]}, {1: Part(0.1, 3.0)}, unseen=0.0) is None
    assert change({}, {}, unseen=0.0) is None
    assert at_one_place({}, {}, unseen=0.0) is None


SAME: Drawn = (0, 500, 10, 1)


@pytest.mark.parametrize(
    ("of", "paired"),
    [
        ([SAME] * 4, True),
        ([None] * 4, False),
        ([SAME, SAME, SAME, None], False),
        ([SAME, SAME, (1, *SAME[1:]), SAME], False),  # another seed
        ([SAME, SAME, SAME, (*SAME[:2], 9, 1)], False),  # a photograph that one world does not show
    ],
)
def test_what_images_do_to_all_points_alike_cancels_where_draws_are_of_the_same(
    of: list[Drawn | None], paired: bool
) -> None:
    rng = np.random.default_rng(0)
    shared, own = rng.normal(0, 0.2, 500), rng.normal(0, 0.02, (4, 500))
    listed = [Images(shared + each, 9.0 - i, drawn) for i, (each, drawn) in enumerate(zip(own, of, strict=True))]
    weights = line_weights(X)
    found = by_images(listed, weights)
    if paired:
        assert found.variance == pytest.approx(np.var(weights @ own, ddof=1))
        assert found.df == 6
    else:
        assert found.variance == pytest.approx(weights**2 @ np.var(shared + own, axis=1, ddof=1))
        assert found.df > 6


def test_of_draws_of_unequal_number_as_many_are_taken_as_all_have() -> None:
    """A card of another number of draws is not paired with the others, and breaks nothing."""
    listed = [Images(np.arange(5.0), 9.0, (0, 5, 10, 1)), Images(np.arange(9.0), 9.0, (0, 9, 10, 1))]
    assert by_images(listed, np.array([1.0, -1.0])).variance == pytest.approx(2.5 + 7.5)
    assert stacked(listed).shape == (2, 5)
