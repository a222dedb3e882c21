"""The red border of ObjectNet's images is seen after they were reduced and compressed, and where it is not there."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_images

from tradeoffs.data import red_border

PHOTOGRAPHS = load_sample_images().images


def framed(pixels):
    found = pixels.copy()
    found[0] = found[-1] = found[:, 0] = found[:, -1] = (255, 0, 0)
    return found


@pytest.mark.parametrize("photograph", range(2))
@pytest.mark.parametrize("shorter", [1080, 3024])
def test_it_survives_a_copy_of_720_pixels_with_loss(photograph, shorter):
    whole = Image.fromarray(PHOTOGRAPHS[photograph])
    factor = shorter / min(whole.size)
    large = np.asarray(whole.resize((round(whole.width * factor), round(whole.height * factor))))
    for pixels, there in ((framed(large), True), (large, False)):
        image = Image.fromarray(pixels)
        reduced = image.resize(
            (720 * image.width // min(image.size), 720 * image.height // min(image.size)), Image.Resampling.BILINEAR
        )
        file = io.BytesIO()
        reduced.save(file, "WEBP", quality=75, method=0)
        assert red_border.seen(np.asarray(Image.open(file).convert("RGB"))) is there


@given(st.integers(0, 255), st.integers(0, 3))
def test_a_red_thing_at_some_sides_or_everywhere_is_no_border(red, sides):
    pixels = np.full((60, 80, 3), 40, dtype=np.uint8)
    pixels[:, :, 0] = red
    for side in range(sides):
        np.rot90(pixels, side)[0] = (255, 0, 0)
    assert not red_border.seen(pixels)


def test_an_image_too_small_to_tell_has_none_and_that_of_the_miniature_has_one(miniature):
    assert not red_border.seen(framed(np.zeros((20, 200, 3), dtype=np.uint8)))
    for path in sorted((miniature / "objectnet/objectnet-1.0/images").rglob("*.png"))[:40]:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        assert red_border.seen(pixels)
        assert not red_border.seen(pixels[1:-1, 1:-1])
