"""Pictures as text that stands in a page: data URIs of WebP, small ones without loss."""

import base64
import io

import numpy as np
from PIL import Image

from tradeoffs.examples.collection import Pixels

LARGEST = 192  # pixels of the longer side; larger pictures are reduced
_LOSSLESS = 96  # up to here every pixel counts, and none costs much
_QUALITY = 80


def reduced(pixels: Pixels) -> Pixels:
    """Return a picture [h, w, 3], made smaller where its longer side is above ``LARGEST``."""
    height, width = pixels.shape[:2]
    if max(height, width) <= LARGEST:
        return pixels
    size = (max(1, width * LARGEST // max(height, width)), max(1, height * LARGEST // max(height, width)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def data_uri(pixels: Pixels) -> str:
    """Return a picture [h, w, 3] as ``data:image/webp;base64,...``."""
    shown = reduced(pixels)
    buffer = io.BytesIO()
    small = max(shown.shape[:2]) <= _LOSSLESS
    Image.fromarray(shown).save(buffer, "WEBP", lossless=small, quality=100 if small else _QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
