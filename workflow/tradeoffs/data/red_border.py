"""Whether an image of ObjectNet still has the red border that it was published with, one pixel wide.

Reduced to half its size or less and compressed with loss, what is left of it is a tint. So each side is compared with
the line a few pixels further in: redder at every side means that the border is there.
"""

import numpy as np
from numpy.typing import NDArray

_INNER = 6  # pixels from the side
# Of 255, in the median along a side. Six photographs of 1080 to 3024 pixels, reduced to 720 and saved as WebP of
# quality 75 and 90 (288 each): at their least red side 10 to 84 where the border was there, at most 1 where it was not.
_REDDER = 5


def seen(pixels: NDArray[np.uint8]) -> bool:
    """Whether an image, uint8 [h, w, 3], is redder on all four sides; never where it is too small to tell."""
    if min(pixels.shape[:2]) < 4 * _INNER:
        return False
    turned = pixels.transpose(1, 0, 2)
    return all(
        np.median(_redness(lines[place])) - np.median(_redness(lines[inner])) >= _REDDER
        for lines in (pixels, turned)
        for place, inner in ((0, _INNER), (-1, -1 - _INNER))
    )


def _redness(line: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how far red is above the larger of green and blue, [n] from [n, 3]."""
    wide = line.astype(np.int64)
    redness: NDArray[np.int64] = wide[:, 0] - wide[:, 1:].max(axis=1)
    return redness
