"""A gradient as a picture: brighter where it has more mass, with the outline of the object."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeoffs.examples.collection import Array, Pixels

OUTLINE = (230, 159, 0)  # orange of Okabe and Ito (2008)
_SIDE = 96  # pixels that a small picture is enlarged to
_WHITE = 0.99  # quantile of an image's own mass that is white: single pixels would leave the rest dark


def heat(mass: Array, mask: Array | None) -> Pixels | None:
    """Return a gradient's mass [h, w] as a picture, grey, the object of ``mask`` [h, w] in [0, 1] outlined.

    Each picture has a scale of its own: it says where, not how much. Small ones are enlarged, so that the outline is
    thinner than a pixel. None for a gradient that is 0 everywhere or not finite.
    """
    if not np.isfinite(mass).all() or mass.max() <= 0:
        return None
    white = np.quantile(mass, _WHITE) or mass.max()
    grey = np.round(255 * np.clip(mass / white, 0, 1)).astype(np.uint8)
    times = max(1, _SIDE // max(grey.shape))
    picture = np.repeat(_enlarged(grey, times)[:, :, None], 3, axis=2)
    if mask is not None:
        picture[_outline(_enlarged(mask > 0.5, times))] = OUTLINE
    return picture


def _enlarged(cells: NDArray[Any], times: int) -> NDArray[Any]:
    return np.repeat(np.repeat(cells, times, axis=0), times, axis=1)


def _outline(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the cells inside that touch one outside; the picture's edge is no outline."""
    around = np.pad(inside, 1, mode="edge")
    deep = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    outline: NDArray[np.bool_] = inside & ~deep
    return outline
