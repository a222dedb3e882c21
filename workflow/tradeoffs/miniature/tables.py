"""What the miniature knows of its images beyond the published layouts, in tables beside them."""

import csv
from collections.abc import Mapping
from pathlib import Path

from tradeoffs.data import clusters, objectnet


def write_clusters(root: Path, photographs: Mapping[Path, str]) -> None:
    """Write which photograph each image shows: images of one photograph are resampled together."""
    _write(root, clusters.FILE, clusters.COLUMN, photographs)


def write_factors(root: Path, factors: Mapping[Path, str]) -> None:
    """Write which one thing each ObjectNet image changes."""
    _write(root, objectnet.FACTORS, objectnet.FACTOR, factors)


def _write(root: Path, file: str, name: str, said: Mapping[Path, str]) -> None:
    with (root / file).open("w", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(("path", name))
        writer.writerows(sorted((path.relative_to(root).as_posix(), value) for path, value in said.items()))
