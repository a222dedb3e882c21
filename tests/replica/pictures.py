"""Pictures with the content of photographs at large and none in detail: drawn, encoded and decoded in a millisecond."""

import io

import numpy as np
from PIL import Image, ImageFilter

GRID = 5  # cells a side of a pattern


def generator(*key):
    """Return a generator for what a key names, the same in every run."""
    text = "/".join(str(part) for part in key)
    return np.random.default_rng(np.frombuffer(text.encode(), dtype=np.uint8))


def pattern(rng):
    """Return the colours [GRID, GRID, 3] of a picture, around a colour of its own."""
    return np.clip(rng.uniform(0.1, 0.9, 3) + rng.normal(0, 0.12, (GRID, GRID, 3)), 0, 1)


def varied(rng, colours, amount=0.06):
    """Return another picture of the same kind."""
    return np.clip(colours + rng.normal(0, amount, colours.shape), 0, 1)


def smooth(colours, size):
    """Enlarge a pattern to a picture of ``size`` = (width, height) without edges."""
    small = Image.fromarray(np.rint(colours * 255).astype(np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC)


def blocks(colours, size):
    """Enlarge a pattern to a picture of flat cells: as a PNG it takes next to no space."""
    small = Image.fromarray(np.rint(colours * 255).astype(np.uint8))
    return small.resize(size, Image.Resampling.NEAREST)


def blob(rng, size):
    """Return the mask (mode L, 0 or 255) of one object: an ellipse near the centre."""
    width, height = size
    centre = rng.uniform(0.4, 0.6, 2) * size
    radii = rng.uniform(0.3, 0.42, 2) * size
    y, x = np.ogrid[:height, :width]
    inside = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2 <= 1
    return Image.fromarray(np.where(inside, np.uint8(255), np.uint8(0)))


def soft(mask, radius):
    """Return a mask with a soft edge, as an activation map has."""
    return mask.filter(ImageFilter.BoxBlur(radius))


def jpeg(image):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def png(image):
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()
