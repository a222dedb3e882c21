"""Write the miniature Waterbirds (Sagawa et al., ICLR 2020) in its published layout.

    waterbird_complete95_forest2water2/metadata.csv
    waterbird_complete95_forest2water2/<NNN.Species>/<file>.jpg
    clusters.csv                                                 image -> its photograph

A landbird is a digit below five, a waterbird one from five on; the place is land for the photographs of the former,
water for those of the latter, any of the five at random. Group sizes are in the published proportions: in train 95 %
of the images are on the place of their kind, in val and test half of each kind. ``images`` counts the test split.
Training digits and photograph regions make the train split; val and test share neither with it.
"""

import csv
from pathlib import Path
from typing import NamedTuple

from tradeoffs.data.waterbirds_layout import COLUMNS, FOLDER, GROUPS
from tradeoffs.miniature.digits import Part
from tradeoffs.miniature.folder import save_jpeg
from tradeoffs.miniature.scenes import CLASS_NAMES, digits_in_turn, draw_scene, generator, stock
from tradeoffs.miniature.settings import Settings
from tradeoffs.miniature.tables import write_clusters

_HALF = 5  # digits 0-4 and their photographs are land, 5-9 water

# Beside test, train is five times as large as published: else its smallest group, 1 % of it, would be a few images.
_TIMES = (5, 1, 1)
_LEAST = (4, 4, 8)  # images of a group that a split needs at least


class _Row(NamedTuple):
    """One image before it has a number: species folder and file, the labels, and the background's made-up file."""

    img_filename: str
    y: int
    split: int
    place: int
    place_filename: str


def write(root: Path, settings: Settings) -> None:
    """Fill ``root``."""
    rows: list[_Row] = []
    shown: dict[Path, str] = {}
    parts: tuple[Part, Part, Part] = ("train", "test", "test")
    for split, part in enumerate(parts):
        written = _write_split(root / FOLDER, settings, split, part)
        rows += [row for row, _ in written]
        shown |= {root / FOLDER / row.img_filename: photograph for row, photograph in written}
    write_clusters(root, shown)
    rows.sort(key=lambda row: row.img_filename)  # by species, splits mixed, as published
    with (root / FOLDER / "metadata.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([number, *row] for number, row in enumerate(rows, start=1))


def group_sizes(images: int) -> list[tuple[int, ...]]:
    """Return the sizes of the four groups in train, val and test for about ``images`` test images."""
    scale = images / sum(GROUPS[2])
    return [
        tuple(max(least, round(size * times * scale)) for size in sizes)
        for sizes, times, least in zip(GROUPS, _TIMES, _LEAST, strict=True)
    ]


def _write_split(folder: Path, settings: Settings, split: int, part: Part) -> list[tuple[_Row, str]]:
    """Write a split's images and return the row of each, with its photograph."""
    material = stock(part, settings.seed)
    digits = digits_in_turn(material.digits, settings.seed, f"waterbirds/{split}")
    groups = [group for group, size in enumerate(group_sizes(settings.images)[split]) for _ in range(size)]
    rows = []
    for index, group in enumerate(groups):
        y, place = divmod(group, 2)
        rng = generator(settings.seed, f"waterbirds/{split}", index)
        label = y * _HALF + int(rng.integers(_HALF))
        photograph = place * _HALF + int(rng.integers(_HALF))
        scene = draw_scene(rng, next(digits[label]), photograph, material, settings)
        species = CLASS_NAMES[label].capitalize()
        name = f"{label + 1:03d}.{species}/{species}_{index:04d}_{split}.jpg"
        save_jpeg(folder / name, scene.image)
        place_name = material.names[photograph]
        row = _Row(name, y, split, place, f"/{place_name[0]}/{place_name}/{split}{index:07d}.jpg")
        rows.append((row, place_name))
    return rows
