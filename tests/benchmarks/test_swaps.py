"""Swapped backgrounds: who lends to whom, how a hole is filled, and what is said of the answers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tradeoffs.benchmarks import imagenet9
from tradeoffs.benchmarks.swaps import composed, filled, partner, probability, swapped, told

LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=30)


@given(LABELS, st.integers(0, 1000), st.booleans(), st.data())
def test_a_background_is_lent_by_another_usable_image_of_the_class_that_is_asked_for(labels, seed, same, data) -> None:
    own = np.array(labels)
    usable = np.array(data.draw(st.lists(st.booleans(), min_size=len(labels), max_size=len(labels))))
    found = partner(own, usable, seed, same=same)
    for i, lender in enumerate(found):
        possible = [j for j in range(len(own)) if usable[j] and j != i and (own[j] == own[i]) == same]
        assert lender in possible if possible else lender == -1
    np.testing.assert_array_equal(found, partner(own, usable, seed, same=same))


@given(LABELS, st.integers(0, 1000), st.integers(0, 29))
def test_one_image_fewer_leaves_all_other_pairs_as_they_are(labels, seed, gone) -> None:
    own, usable = np.array(labels), np.ones(len(labels), dtype=bool)
    before = partner(own, usable, seed, same=False)
    usable[gone % len(labels)] = False
    after = partner(own, usable, seed, same=False)
    assert {i for i in range(len(own)) if before[i] != after[i]} <= set(np.flatnonzero(before == gone % len(labels)))


def test_lenders_are_spread_and_follow_the_seed() -> None:
    labels = np.arange(400) % 10
    found = [partner(labels, np.ones(400, dtype=bool), seed, same=False) for seed in (0, 1)]
    assert (found[0] != found[1]).mean() > 0.9
    assert np.bincount(labels[found[0]], minlength=10).min() > 15  # of 40 of each class expected
    assert np.bincount(found[0]).max() <= 8


def test_a_hole_in_a_level_image_is_filled_with_its_colour_and_the_rest_stays() -> None:
    level = torch.tensor([0.2, 0.5, 0.9])[None, :, None, None].expand(1, 3, 9, 12).clone()
    hole = torch.zeros(1, 1, 9, 12)
    hole[0, 0, 2:7, 3:9] = 1
    broken = torch.where(hole > 0, torch.rand(1, 3, 9, 12), level)
    torch.testing.assert_close(filled(broken, hole), level, atol=1e-6, rtol=0)
    image = torch.rand(1, 3, 9, 12)
    seen = torch.ones(1, 1, 9, 12, dtype=torch.bool)
    seen[0, 0, 1:8, 2:10] = False  # the hole, and a pixel around it, where a soft mask is fainter than the object
    found = filled(image, hole)
    assert torch.equal(torch.where(seen, found, 0), torch.where(seen, image, 0))
    assert not torch.equal(found, image)


@given(st.integers(0, 2**32 - 1), st.integers(1, 17), st.integers(1, 17))
def test_what_is_filled_in_lies_between_what_is_around_and_hangs_on_no_object(seed, height, width) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(2, 3, height, width, generator=generator)
    hole = (torch.rand(2, 1, height, width, generator=generator) < 0.2).float()
    found = filled(images, hole)
    assert found.shape == images.shape
    seen = torch.nn.functional.max_pool2d(hole, 3, 1, 1) == 0
    for one, image, known in zip(found, images, seen, strict=True):
        if known.any():
            around = image[:, known[0]]
            assert (one >= around.amin(1)[:, None, None] - 1e-5).all()
            assert (one <= around.amax(1)[:, None, None] + 1e-5).all()
    # The object that leaves the hole is not to be seen in what fills it.
    other = filled(torch.where(hole > 0, 1 - images, images), hole)
    torch.testing.assert_close(found, other, atol=1e-5, rtol=0)


def test_nothing_is_filled_where_there_is_no_hole_and_what_is_all_hole_is_black() -> None:
    images = torch.rand(2, 3, 5, 5)
    assert filled(images, torch.zeros(2, 1, 5, 5)) is images
    assert filled(images, torch.ones(2, 1, 5, 5)).abs().max() == 0


def test_an_object_keeps_its_place_on_the_other_background() -> None:
    objects, behind, mask = torch.full((1, 3, 2, 2), 0.8), torch.full((1, 3, 2, 2), 0.2), torch.zeros(1, 1, 2, 2)
    mask[0, 0, 0] = torch.tensor([1.0, 0.5])
    torch.testing.assert_close(composed(objects, mask, behind)[0, 0], torch.tensor([[0.8, 0.5], [0.2, 0.2]]))


def test_the_probability_is_that_of_all_logits_of_the_class_and_0_without_an_answer() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0], [torch.nan, 1.0, 2.0], [torch.inf, 0.0, 0.0]])
    own = torch.tensor([[True, False, True]] * 3)
    chance = np.exp([0, 1, 2])
    assert probability(logits, own).tolist() == pytest.approx([(chance[0] + chance[2]) / chance.sum(), 0, 0])


def test_a_change_is_before_minus_after_and_unknown_without_a_lender() -> None:
    """A network whose logits are the first pixel's two channels."""
    images = [torch.tensor([[a, b]] * 3).reshape(3, 2, 1, 1) for a, b in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))]
    own = torch.tensor([[True, False]] * 3)
    said = told(lambda x: x.flatten(1), lambda logits: logits.argmax(1), images, own).numpy()
    high, low = 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))
    assert said[0].tolist() == pytest.approx([high, 0, low, 1, 0.5, 0])
    found = swapped(said, np.array([1, -1, 0]), np.array([-1, 2, 0]))
    np.testing.assert_allclose(found.change, [high - low, np.nan, high - low])
    np.testing.assert_array_equal(found.flipped, [1, np.nan, 1])
    np.testing.assert_allclose(found.pasted, [np.nan, high - 0.5, high - 0.5])


def test_a_mixed_image_shows_the_photograph_of_the_first_original_that_does_or_of_none() -> None:
    original, mixed = np.array([5, 7, 5, 8]), np.array([7, 9, 5, 5])
    assert imagenet9.shown_in(original, mixed).tolist() == [1, 1, 0, 0]
