"""A digit on a photograph: what is drawn at random, and how the two become one image.

Composite, with all colours in [0, 1]:
    background' = 0.5 + (background - 0.5) * background_scale
    colour      = mean(background') +- contrast * u,  u uniform in 0.6..1 for each channel
    image       = ink * colour + (1 - ink) * background'
The sign is drawn at random, but where the colour range leaves the digit too little room on that side (a black digit on
the night sky), the other side is taken: the image would be a photograph with a label and no core feature.
"""

import itertools
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.miniature.digits import Digits, Part, enlarge
from tradeoffs.miniature.digits import load as load_digits
from tradeoffs.miniature.photographs import Crop, cut, draw_crop, in_class_order, regions
from tradeoffs.miniature.settings import Settings

CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WNIDS = tuple(f"n{label:08d}" for label in range(len(CLASS_NAMES)))

LEGIBLE = 0.25  # least distance of a digit from its background's mean, as a share of the colour range
SIZES = (24, 31)  # of 32 pixels: smaller digits are hard to read, a larger one fills the image


class Stock(NamedTuple):
    """What images of one part are made of: its digits, and its region of each class's photograph with its name."""

    digits: Digits
    regions: list[Image.Image]
    names: list[str]


class Foreground(NamedTuple):
    """A digit before it has a background: row of ``Digits``, side and corner in pixels, sign and strength of colour."""

    digit: int
    size: int
    left: int
    top: int
    sign: int
    strength: tuple[float, float, float]


class Scene(NamedTuple):
    """One rendered image: uint8 ``image`` and ``background`` [s, s, 3], ``ink`` [s, s]; ``colour`` float64 [3]."""

    image: NDArray[np.uint8]
    ink: NDArray[np.uint8]
    background: NDArray[np.uint8]
    colour: NDArray[np.float64]


def stock(part: Part, seed: int) -> Stock:
    """Return the digits and the photographs' regions of one part, in a world of this seed."""
    photographs = in_class_order(seed)
    return Stock(load_digits(part), regions(photographs, part), [photograph.name for photograph in photographs])


def generator(seed: int, stream: str, index: int) -> np.random.Generator:
    """Return the random numbers of one image: image ``index`` of ``stream`` is the same however many there are."""
    return np.random.default_rng([seed, zlib.crc32(stream.encode()), index])


def digits_in_turn(digits: Digits, seed: int, stream: str) -> list[Iterator[int]]:
    """Return, for each class, the rows of its digits in an order drawn for this stream; after the last, the first.

    So a stream shows each digit once before it shows any twice: digits are drawn without replacement.
    """
    orders = (
        generator(seed, f"{stream}/digits", label).permutation(np.flatnonzero(digits.labels == label))
        for label in range(len(CLASS_NAMES))
    )
    return [itertools.cycle(order.tolist()) for order in orders]


def draw_foreground(
    rng: np.random.Generator, digit: int, image_size: int, sizes: tuple[int, int] = SIZES
) -> Foreground:
    """Draw the size (``sizes`` in pixels of a 32-pixel image), position and colour of row ``digit`` of the digits."""
    size = min(round(int(rng.integers(sizes[0], sizes[1] + 1)) * image_size / 32), image_size - 1)
    left, top = (int(corner) for corner in rng.integers(0, image_size - size + 1, 2))
    sign = 1 if rng.random() < 0.5 else -1
    red, green, blue = rng.uniform(0.6, 1.0, 3).tolist()
    return Foreground(digit, size, left, top, sign, (red, green, blue))


def draw_photograph(rng: np.random.Generator, label: int, correlation: float) -> int:
    """Return whose photograph is shown: the class's own with probability ``correlation``, else any of the ten's."""
    own, other = rng.random() < correlation, int(rng.integers(len(CLASS_NAMES)))
    return label if own else other


def render(foreground: Foreground, crop: Crop, source: Image.Image, digits: Digits, settings: Settings) -> Scene:
    """Compose a digit with a crop of a photograph's region ``source``."""
    background = rescale(cut(source, crop, settings.image_size), settings.background_scale)
    ink = ink_of(foreground, digits, settings.image_size)
    colour = colour_on(background, foreground, settings.contrast)
    return Scene(composite(ink, colour, background), ink, background, colour)


def draw_scene(rng: np.random.Generator, digit: int, photograph: int, material: Stock, settings: Settings) -> Scene:
    """Draw and render one image of row ``digit`` of the digits on the photograph of class ``photograph``."""
    foreground = draw_foreground(rng, digit, settings.image_size)
    return render(foreground, draw_crop(rng), material.regions[photograph], material.digits, settings)


def rescale(background: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Return a background with its distance from mid-grey multiplied by ``scale`` in [0, 1]."""
    scaled: NDArray[np.uint8] = np.rint(127.5 + (background - 127.5) * scale).astype(np.uint8)
    return scaled


def ink_of(foreground: Foreground, digits: Digits, image_size: int) -> NDArray[np.uint8]:
    """Return the digit's soft ink on an otherwise empty canvas, uint8 [s, s]."""
    canvas = np.zeros((image_size, image_size), dtype=np.uint8)
    rows = slice(foreground.top, foreground.top + foreground.size)
    columns = slice(foreground.left, foreground.left + foreground.size)
    canvas[rows, columns] = enlarge(digits.ink[foreground.digit], foreground.size, foreground.size)
    return canvas


def colour_on(background: NDArray[np.uint8], foreground: Foreground, contrast: float) -> NDArray[np.float64]:
    """Return the digit's colour on a background, float64 [3] in [0, 1]."""
    mean = mean_colour(background)
    step = foreground.sign * contrast * np.array(foreground.strength)
    drawn, other = np.clip(mean + step, 0, 1), np.clip(mean - step, 0, 1)
    seen = distance(drawn, mean)
    return drawn if seen >= legible(contrast) or seen >= distance(other, mean) else other


def legible(contrast: float) -> float:
    """Return the least distance of a digit from its background's mean at which it is taken to be visible."""
    return min(LEGIBLE, 0.6 * contrast)


def distance(colour: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the mean absolute difference of two colours, in [0, 1]."""
    return float(np.abs(colour - other).sum() / 3)


def mean_colour(background: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean colour of a background in [0, 1]; summed in integers, so equal on every machine."""
    total = background.reshape(-1, 3).sum(axis=0, dtype=np.int64)
    mean: NDArray[np.float64] = total / (255 * background.shape[0] * background.shape[1])
    return mean


def composite(ink: NDArray[np.uint8], colour: NDArray[np.float64], background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``ink * colour + (1 - ink) * background``, uint8 [s, s, 3]."""
    opacity = ink[:, :, None] / 255
    return np.rint(opacity * (colour * 255) + (1 - opacity) * background).astype(np.uint8)
