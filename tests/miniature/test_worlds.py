"""Which digits and photographs each split of each data set is made of.

The photographs are replaced by plain colours that can be told from a pixel, other ones in training than in testing,
and the digits are all but invisible: so the photograph of an image can be read from the image.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.data import images
from tradeoffs.miniature import digits, imagenet, imagenet9, objectnet, rival10, salient_imagenet, scenes, waterbirds
from tradeoffs.miniature.settings import Settings

SETTINGS = Settings(0, 32, correlation=0.7, contrast=0.02, background_scale=1.0, images=600, test_images=600)
OWN = 0.7 + 0.3 / 10
WRITERS = (imagenet, rival10, salient_imagenet, imagenet9, waterbirds)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the photographs: number k is grey 20 + 20 k, with a red channel of 40 in training and 220 in testing."""

    def stock(part: digits.Part, seed: int) -> scenes.Stock:
        red = {"train": 40, "test": 220}[part]
        regions = [Image.new("RGB", (192, 192), (red, 20 + 20 * k, 20 + 20 * k)) for k in range(10)]
        return scenes.Stock(digits.load(part), regions, [f"grey{k}" for k in range(10)])

    for module in WRITERS:
        monkeypatch.setattr(module, "stock", stock)


def _photographs(paths: list[Path], part: digits.Part) -> NDArray[np.int64]:
    """Return the number of the photograph on each image after checking that it is of this part."""
    pixels = images.load(paths)
    edge = np.concatenate([pixels[:, :, 0], pixels[:, :, -1], pixels[:, :, :, 0], pixels[:, :, :, -1]], axis=2)
    colour = np.median(edge, axis=2)  # a digit covers less than half of the edge
    assert np.all(np.abs(colour[:, 0] - {"train": 40, "test": 220}[part]) < 9)
    return np.rint((colour[:, 2] - 20) / 20).astype(np.int64)


def _near(found: float, expected: float, n: int) -> bool:
    return abs(found - expected) <= 4 * np.sqrt(expected * (1 - expected) / n)


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.JPEG"))


def _classes(paths: list[Path]) -> NDArray[np.int64]:
    """Return the class that the wnid at the start of each file name says."""
    return np.array([int(path.name[1:9]) for path in paths])


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("module", "folder", "part", "own"),
    [
        (imagenet, "train", "train", OWN),
        (imagenet, "val", "test", OWN),
        (imagenet, "val_decorrelated", "test", 0.1),
        (imagenet, "val_reversed", "test", 0.3 / 10),
        (salient_imagenet, "train", "test", OWN),
    ],
)
def test_correlation_of_photograph_and_class(
    module: ModuleType, folder: str, part: digits.Part, own: float, tmp_path: Path
) -> None:
    module.write(tmp_path, SETTINGS)
    paths = _paths(tmp_path / folder)
    assert len(paths) == 600
    found = _photographs(paths, part)
    assert _near(np.mean(found == _classes(paths)), own, 600)
    others = found[found != _classes(paths)]
    assert np.all(np.bincount(others, minlength=10) > 0)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("correlation", [0.7, 1.0, 0.0])
def test_where_the_correlation_is_reversed_it_is_as_strong_and_points_at_one_other_class(
    correlation: float, tmp_path: Path
) -> None:
    imagenet.write(tmp_path, SETTINGS._replace(correlation=correlation, images=10))
    val, turned = (_paths(tmp_path / folder) for folder in ("val", "val_reversed"))
    classes, other = _classes(val), np.array(imagenet.other_classes(SETTINGS.seed))
    before, after = (_photographs(paths, "test") for paths in (val, turned))
    assert _near(np.mean(after == other[classes]), correlation + (1 - correlation) / 10, 600)
    # Where it is another than in val, it is the other class's in place of the class's own.
    changed = before != after
    assert changed.mean() == pytest.approx(correlation, abs=0.1)
    np.testing.assert_array_equal(before[changed], classes[changed])
    np.testing.assert_array_equal(after[changed], other[classes[changed]])


def test_every_class_gets_another_one_s_photograph_of_its_own_and_worlds_differ() -> None:
    found = [imagenet.other_classes(seed) for seed in range(20)]
    for other in found:
        assert sorted(other) == list(range(10))
        assert all(label != one for label, one in enumerate(other))
    assert len({tuple(other) for other in found}) > 15


@pytest.mark.usefixtures("plain")
def test_rival10_trains_the_head_on_training_material_and_tests_on_the_other(tmp_path: Path) -> None:
    rival10.write(tmp_path, SETTINGS._replace(images=300))
    for part in ("train", "test"):
        folder = tmp_path / "RIVAL10" / part / "ordinary"
        paths = [path for path in _paths(folder) if "merged" not in path.name]
        assert _near(np.mean(_photographs(paths, part) == _classes(paths)), OWN, 300)


@pytest.mark.usefixtures("plain")
def test_imagenet9_backgrounds_come_from_the_super_class_the_variant_says(tmp_path: Path) -> None:
    imagenet9.write(tmp_path, SETTINGS._replace(images=240))
    super_class = np.array([0, 1, -1, 2, 3, 2, 0, 1, -1, 3])

    def donors(variant: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        paths = _paths(tmp_path / "bg_challenge" / variant)
        assert len(paths) == 240
        own = np.array([int(path.parent.name[:2]) for path in paths])
        assert np.array_equal(super_class[_classes(paths)], own)
        photographs = _photographs(paths, "test")
        return own, super_class[photographs], photographs == _classes(paths)

    own, _, same_photograph = donors("original")
    assert np.all(same_photograph)
    own, donor, same_photograph = donors("mixed_same")
    assert np.array_equal(own, donor)
    assert _near(np.mean(same_photograph), 0.5, 240)
    own, donor, _ = donors("mixed_next")
    assert np.array_equal((own + 1) % 4, donor)
    own, donor, _ = donors("mixed_rand")
    assert np.all(donor >= 0)
    assert _near(np.mean(own == donor), 0.25, 240)


@pytest.mark.usefixtures("plain")
def test_waterbirds_places_are_where_the_table_says_and_95_percent_aligned_in_training(tmp_path: Path) -> None:
    waterbirds.write(tmp_path, SETTINGS._replace(images=300))
    base = tmp_path / waterbirds.FOLDER
    with (base / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for split, part in (("0", "train"), ("1", "test"), ("2", "test")):
        chosen = [row for row in rows if row["split"] == split]
        found = _photographs([base / row["img_filename"] for row in chosen], part)
        place, y = (np.array([int(row[key]) for row in chosen]) for key in ("place", "y"))
        assert np.array_equal(found >= 5, place == 1)
        assert len(np.unique(found)) == 10
        aligned = np.mean(place == y)
        assert (0.9 < aligned < 0.96) if split == "0" else (0.45 < aligned < 0.55)


def test_objectnet_shows_unseen_digits_on_whole_unseen_photographs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[object] = []

    def noting(function: Callable[..., object]) -> Callable[..., object]:
        return lambda *arguments: (asked.append(arguments), function(*arguments))[1]

    monkeypatch.setattr(objectnet, "stock", noting(objectnet.stock))
    monkeypatch.setattr(objectnet, "regions", noting(objectnet.regions))
    objectnet.write(tmp_path, SETTINGS._replace(images=10))
    assert asked == [("test", SETTINGS.seed), (objectnet.UNSEEN_PHOTOGRAPHS, None)]


@pytest.mark.parametrize("contrast", [0.5, 0.8])
def test_the_colour_of_a_digit_does_not_tell_its_class(contrast: float) -> None:
    """On one photograph, dark and light digits are as frequent in every class: colour is neither core nor spurious."""
    material, settings = scenes.stock("train", 0), SETTINGS._replace(contrast=contrast)
    rows = scenes.digits_in_turn(material.digits, 0, "colour")
    light = np.zeros(10)
    for label in range(10):
        for index in range(100):
            rng = scenes.generator(label, "colour", index)
            scene = scenes.draw_scene(rng, next(rows[label]), 0, material, settings)
            light[label] += np.mean(scene.colour) > np.mean(scenes.mean_colour(scene.background))
    pooled = light.sum() / 1000
    assert np.all(np.abs(light / 100 - pooled) <= 4 * np.sqrt(pooled * (1 - pooled) / 100) + 1e-9)
