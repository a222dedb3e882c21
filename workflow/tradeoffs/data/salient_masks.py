"""Salient ImageNet's masks on what a network is shown of their images.

A mask of its image's own size lies on it pixel by pixel. The published ones are 224 x 224, whatever the image: maps of
a network that saw its Resize(256), CenterCrop(224) (viz_utils.py of the authors' repository), so they lie on that view;
so do those of an image that is 224 x 224 itself, where a network is shown that view.
(The authors' loader puts them through both steps once more, like the image, which magnifies them by 8/7: what they mark
is then beside them.)
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data import images
from tradeoffs.data.images import Geometry
from tradeoffs.step.errors import InputError

RESIZED, CROPPED = 256, 224  # of the view that the published masks are of


def mask(masks: Sequence[Path], image: Path, geometry: Geometry) -> NDArray[np.uint8]:
    """Return the pixel-wise maximum of masks of an image as it is seen after ``geometry``: uint8 [h, w], 255 for 1.

    InputError for a mask that is neither of the image's size nor of the published one, and for the published one where
    ``geometry`` leaves another part of the image; else as :func:`tradeoffs.data.images.mask`.
    """
    whole = images.size(image)
    same_view = geometry.crop is not None and (geometry.resize or 0) * CROPPED == geometry.crop * RESIZED

    def of_size(path: Path, size: tuple[int, int]) -> Geometry:
        if size == (CROPPED, CROPPED) and same_view:
            return Geometry(resize=geometry.crop)
        if size == whole:
            return geometry
        if size != (CROPPED, CROPPED):
            raise InputError(
                f"{path}: {size[0]}x{size[1]} pixels; expected those of its image {image}, {whole[0]}x{whole[1]}, or "
                f"{CROPPED}x{CROPPED} as published; unpack the data set again"
            )
        raise InputError(
            f"{path}: shows the part of an image that a resize of {RESIZED} and a crop of {CROPPED} leave; resize "
            f"= {geometry.resize} and crop = {geometry.crop} leave another; give them in that proportion"
        )

    return images.mask(masks, of_size)
