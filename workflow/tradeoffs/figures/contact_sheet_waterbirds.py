"""Contact sheet of Waterbirds."""

from pathlib import Path
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure

from tradeoffs.data import waterbirds as waterbirds_data
from tradeoffs.figures.contact_sheets import COLUMNS, Row, sheet, shown


def draw(*, waterbirds: Annotated[Path, "folder of Waterbirds"]) -> Figure:
    """Test images of the four groups, with the groups' sizes."""
    train, test = waterbirds_data.read(waterbirds, "train"), waterbirds_data.read(waterbirds, "test")
    rows: list[Row] = []
    for group in range(4):
        name = f"{('landbird', 'waterbird')[group // 2]}\non {('land', 'water')[group % 2]}"
        sizes = f"\ntrain {np.sum(train.group == group)}, test {np.sum(test.group == group)}"
        members = np.flatnonzero(test.group == group)
        members = members[np.linspace(0, len(members) - 1, min(len(members), COLUMNS)).astype(int)]  # many species
        rows.append((name + sizes, [shown(test.paths[i]) for i in members]))
    return sheet("Waterbirds: test images of the four groups, and the number of images", rows)
