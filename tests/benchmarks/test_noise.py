"""Noise through masks, and the regions it is put in: masks and pixels compared, not accuracies."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tradeoffs.benchmarks.noise import corrupt
from tradeoffs.benchmarks.salient_imagenet import dilate

GREY = torch.full((2, 3, 4, 6), 0.5)


def seeded(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def within_two(mask: np.ndarray) -> np.ndarray:
    """Return at each pixel the largest of the mask on the cross that reaches two pixels from it along each axis."""
    height, width = mask.shape
    grown = np.zeros_like(mask)
    for row in range(height):
        for column in range(width):
            near = [mask[i, column] for i in range(row - 2, row + 3) if 0 <= i < height]
            near += [mask[row, j] for j in range(column - 2, column + 3) if 0 <= j < width]
            grown[row, column] = max(near)
    return grown


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), iterations=st.integers(0, 3), seed=st.integers(0, 1000))
def test_each_dilation_grows_a_soft_mask_by_two_pixels_along_both_axes_and_its_maximum_becomes_one(
    height, width, iterations, seed
):
    masks = 0.1 + 0.7 * seeded(2, 1, height, width, seed=seed) ** 8  # few pixels stand out; none is as good as empty
    found = dilate(masks, iterations)
    for mask, grown in zip(masks[:, 0].numpy(), found[:, 0].numpy(), strict=True):
        expected = mask
        for _ in range(iterations):
            expected = within_two(expected)
        np.testing.assert_allclose(grown, expected / expected.max(), rtol=1e-6)


def test_a_single_pixel_grows_to_a_cross_and_then_to_a_diamond_of_crosses():
    mask = torch.zeros(1, 1, 11, 13)
    mask[0, 0, 5, 6] = 0.25
    rows, columns = np.abs(np.arange(11) - 5)[:, None], np.abs(np.arange(13) - 6)[None, :]
    cross = ((rows == 0) & (columns <= 2)) | ((columns == 0) & (rows <= 2))
    np.testing.assert_array_equal(dilate(mask, 1)[0, 0].numpy(), cross)
    twice = (rows <= 2) & (columns <= 2) | (rows == 0) & (columns <= 4) | (columns == 0) & (rows <= 4)
    np.testing.assert_array_equal(dilate(mask, 2)[0, 0].numpy(), twice)


def test_an_empty_mask_stays_empty():
    masks = torch.stack([torch.zeros(1, 5, 5), torch.ones(1, 5, 5)])
    torch.testing.assert_close(dilate(masks, 2), masks)


def test_noise_of_a_standard_deviation_is_put_where_the_mask_is_as_far_as_it_is():
    noise, mask = seeded(2, 3, 4, 6) - 0.5, seeded(2, 1, 4, 6, seed=1)
    mask[0, 0, :2] = 0
    found = corrupt(GREY, mask, noise, kind="linf", level=0.5)
    torch.testing.assert_close(found, GREY + 0.5 * noise * mask)
    assert torch.equal(found[0, :, :2], GREY[0, :, :2])


def test_noise_of_a_norm_has_it_in_each_image_however_small_the_mask():
    noise, mask = seeded(2, 3, 4, 6) - 0.5, torch.ones(2, 1, 4, 6)
    mask[0, 0, :, 1:] = 0
    added = corrupt(GREY, mask, noise, kind="l2", level=0.3) - GREY
    torch.testing.assert_close(added.flatten(1).norm(dim=1), torch.tensor([0.3, 0.3]))
    assert not added[0, :, :, 1:].any()
    direction = torch.nn.functional.cosine_similarity(added.flatten(1), (noise * mask).flatten(1))
    torch.testing.assert_close(direction, torch.ones(2))


@pytest.mark.parametrize("kind", ["linf", "l2"])
def test_noise_in_an_empty_mask_leaves_the_image_as_it_is(kind):
    noise, mask = 100 * seeded(2, 3, 4, 6), torch.zeros(2, 1, 4, 6)
    mask[1] = 1
    found = corrupt(GREY, mask, noise, kind=kind, level=5.0)
    assert torch.equal(found[0], GREY[0])
    assert not torch.equal(found[1], GREY[1])


@pytest.mark.parametrize("kind", ["linf", "l2"])
def test_pixels_stay_in_their_range(kind):
    found = corrupt(GREY, torch.ones(2, 1, 4, 6), seeded(2, 3, 4, 6) - 0.5, kind=kind, level=100.0)
    assert found.min() == 0
    assert found.max() == 1
