"""Read which images of a data set share something that their classification may depend on: a photograph, an object.

    clusters.csv    columns path (from the data set's folder on) and cluster, a name

Images of a cluster are resampled together. Published sets have no such table: each image is then its own cluster. The
miniature writes one, in which the cluster of an image is its photograph.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.data.per_image import column

FILE, COLUMN = "clusters.csv", "cluster"
_CURE = "make the data set again, or remove the table: each image is then its own cluster"


class Images(NamedTuple):
    """Images of a data set: its folder, and paths below it."""

    root: Path
    paths: Sequence[Path]


def read(*sets: Images) -> NDArray[np.int64] | None:
    """Return the number of the cluster of each image, int64 [n], of one set after the other; None without a table.

    Numbers are in the order of the clusters' names. A name means the same cluster in every set; an image of a set
    without a table is its own. InputError for a table that is broken, or that lacks an image.
    """
    names: list[str] = []
    found = [column(images.root, FILE, COLUMN, images.paths, _CURE) for images in sets]
    for number, (of_set, images) in enumerate(zip(found, sets, strict=True)):
        # What no cell can hold, and sorts in the order of the images.
        names += of_set or [f"\0{number}\0{i:09d}" for i in range(len(images.paths))]
    if all(of_set is None for of_set in found):
        return None
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
