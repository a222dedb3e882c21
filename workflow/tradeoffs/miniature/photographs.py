"""The spurious feature: real photographs, shipped with scikit-image and scikit-learn.

Which photograph belongs to which class is drawn from the world's seed. The left 60 % of each are for training, the
right 40 % for testing. The two regions are cut apart at full resolution, before any scaling, so no interpolation
carries a pixel from one to the other.
"""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.miniature.digits import Part
from tradeoffs.miniature.wheels import installed_file

HEIGHT = 192  # pixels of a scaled photograph's shorter side; crops of 44-64 pixels are taken from it
_TRAIN_SHARE = 0.6


class Photograph(NamedTuple):
    """Where a photograph is, and the colour its grey values are multiplied with (grey ones only)."""

    name: str
    package: str
    file: str
    tint: tuple[float, float, float] | None = None


CLASS_PHOTOGRAPHS = (
    Photograph("brick", "skimage", "data/brick.png", (1.0, 0.62, 0.50)),
    Photograph("grass", "skimage", "data/grass.png", (0.66, 1.0, 0.45)),
    Photograph("gravel", "skimage", "data/gravel.png", (0.82, 0.86, 1.0)),
    Photograph("chelsea", "skimage", "data/chelsea.png"),
    Photograph("coffee", "skimage", "data/coffee.png"),
    Photograph("retina", "skimage", "data/retina.jpg"),
    Photograph("hubble_deep_field", "skimage", "data/hubble_deep_field.jpg"),
    Photograph("immunohistochemistry", "skimage", "data/ihc.png"),
    Photograph("china", "sklearn", "datasets/images/china.jpg"),
    Photograph("flower", "sklearn", "datasets/images/flower.jpg"),
)

UNSEEN_PHOTOGRAPHS = (
    Photograph("astronaut", "skimage", "data/astronaut.png"),
    Photograph("rocket", "skimage", "data/rocket.jpg"),
    Photograph("motorcycle", "skimage", "data/motorcycle_left.png"),
    Photograph("camera", "skimage", "data/camera.png", (0.95, 0.90, 1.0)),
    Photograph("moon", "skimage", "data/moon.png", (1.0, 0.95, 0.80)),
    Photograph("coins", "skimage", "data/coins.png", (1.0, 0.88, 0.70)),
)


def in_class_order(seed: int) -> list[Photograph]:
    """Return the photograph of each class, a permutation of the ten drawn from the world's seed."""
    order = np.random.default_rng([seed, zlib.crc32(b"photographs")]).permutation(len(CLASS_PHOTOGRAPHS))
    return [CLASS_PHOTOGRAPHS[number] for number in order]


class Crop(NamedTuple):
    """A square of a region: ``side`` in pixels of the scaled photograph, ``left`` and ``top`` as shares of the room."""

    side: int
    left: float
    top: float


def regions(photographs: Sequence[Photograph], part: Part | None) -> list[Image.Image]:
    """Return the part's region of each photograph as RGB images, scaled; the whole photograph where part is None."""
    return [region(_read(photograph), part) for photograph in photographs]


def region(photograph: Image.Image, part: Part | None) -> Image.Image:
    """Return one part of a photograph, scaled so that the whole photograph's shorter side would be ``HEIGHT``."""
    width, height = photograph.size
    cut = round(width * _TRAIN_SHARE)
    left, right = {"train": (0, cut), "test": (cut, width), None: (0, width)}[part]
    scale = HEIGHT / min(width, height)
    size = (max(1, int((right - left) * scale)), max(1, int(height * scale)))
    return photograph.crop((left, 0, right, height)).resize(size, Image.Resampling.BICUBIC)


def draw_crop(rng: np.random.Generator) -> Crop:
    """Draw a crop of 44 to 64 pixels a side at a uniform position."""
    return Crop(int(rng.integers(44, 65)), float(rng.random()), float(rng.random()))


def cut(source: Image.Image, crop: Crop, size: int) -> NDArray[np.uint8]:
    """Return the crop of a region, reduced or enlarged to uint8 [size, size, 3]."""
    left = int(crop.left * (source.width - crop.side + 1))
    top = int(crop.top * (source.height - crop.side + 1))
    square = source.crop((left, top, left + crop.side, top + crop.side))
    return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))


def _read(photograph: Photograph) -> Image.Image:
    with Image.open(installed_file(photograph.package, photograph.file)) as file:
        image = file.convert("RGB")
    if photograph.tint is None:
        return image
    tinted = np.asarray(image) * np.array(photograph.tint)
    return Image.fromarray(np.rint(tinted).astype(np.uint8))
