"""The augmentation with which ImageNet networks are trained: a random crop, resized, and a flip (Szegedy et al. 2015).

Area and shape of the crop are drawn as torchvision's RandomResizedCrop draws them: an area of 8 to 100 % of the
image's, a ratio of width to height that is log-uniform between 3/4 and 4/3, ten attempts, then the largest central
crop within these ratios.
"""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.data import images

_AREA = (0.08, 1.0)
_RATIO = (3 / 4, 4 / 3)
_ATTEMPTS = 10

Box = tuple[int, int, int, int]


def crop_and_flip(path: Path, size: int | None, random: np.random.Generator) -> NDArray[np.uint8]:
    """Decode an image, crop it at random, resize the crop to ``size`` pixels square (None: the image's own size) and
    mirror it half of the time; return uint8 [3, h, w].

    Errors as :func:`tradeoffs.data.images.image`, naming the file.
    """
    sizes: list[tuple[int, int]] = []

    def box(shape: tuple[int, int]) -> Box:
        sizes.append(shape)
        return random_box(*shape, random)

    image = images.colours(path, box)
    image = image.resize(sizes[0] if size is None else (size, size), Image.Resampling.BILINEAR)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(image).transpose(2, 0, 1)


def random_box(width: int, height: int, random: np.random.Generator) -> Box:
    """Draw a crop of an image of this many pixels: (left, top, right, bottom)."""
    for _ in range(_ATTEMPTS):
        area = width * height * random.uniform(*_AREA)
        ratio = math.exp(random.uniform(math.log(_RATIO[0]), math.log(_RATIO[1])))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(random.integers(width - w + 1)), int(random.integers(height - h + 1))
            return left, top, left + w, top + h
    w, h = min(width, round(height * _RATIO[1])), min(height, round(width / _RATIO[0]))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h
