"""Contact sheet of ObjectNet, with the red border that its licence asks of every published image."""

from pathlib import Path
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from tradeoffs.data import imagenet as imagenet_data
from tradeoffs.data import objectnet as objectnet_data
from tradeoffs.figures.contact_sheets import COLUMNS, Picture, Row, firsts, sheet, shown


def draw(
    *, objectnet: Annotated[Path, "folder of ObjectNet"], imagenet: Annotated[Path, "folder of ImageNet"]
) -> Figure:
    """ObjectNet images, by what they change where that is said, above validation images of the same classes."""
    index, validation = objectnet_data.read(objectnet), imagenet_data.read(imagenet, "val")
    mapping = index.imagenet_to_objectnet
    shared = [int(label) for label in np.unique(index.labels) if (mapping == label).any()][:COLUMNS]
    here = mapping[validation.labels]
    rows: list[Row] = []
    factors = objectnet_data.factors(objectnet, index.paths)
    lines: list[tuple[str, list[int]]] = [
        ("" if copy else "ObjectNet", firsts(index.labels, shared, copy)) for copy in range(3)
    ]
    if factors is not None:
        changes = np.array(factors)
        lines = [
            (f"ObjectNet,\n{factor}", firsts(np.where(changes == factor, index.labels, -1), shared))
            for factor in np.unique(changes)
        ]
    rows += [(name, [objectnet_data.framed(shown(index.paths[i])) for i in line]) for name, line in lines]
    for copy in range(2):
        pictures: list[Picture | None] = [shown(validation.paths[i]) for i in firsts(here, shared, copy)]
        rows.append(("" if copy else "ImageNet\nvalidation", pictures))
    names = [index.class_names[label] for label in shared]
    return sheet("ObjectNet and validation images of the shared classes, one class per column", rows, names)
