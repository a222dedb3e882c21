"""Waterbirds from parquet files: the published layout, byte for byte; where pyarrow is not installed, of a stand-in."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

import tradeoffs
from acquisition.parquet import write as write
from tradeoffs.acquisition import parquet_files
from tradeoffs.acquisition.fingerprint import verify
from tradeoffs.data import waterbirds, waterbirds_parquet
from tradeoffs.runner import commands
from tradeoffs.step.errors import InputError

FEW = {"train": (3, 1, 1, 2), "validation": (1, 1, 1, 1), "test": (2, 2, 1, 1)}


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """As few images as these tests write."""
    monkeypatch.setattr(waterbirds_parquet, "IMAGES", FEW)


def picture(number, kind="JPEG"):
    made = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(made, kind)
    return made.getvalue()


def rows_of(split):
    """Rows in an order of their own; one image is a PNG."""
    groups = [group for group, count in enumerate(FEW[split]) for _ in range(count)]
    numbers = np.random.default_rng(len(split)).permutation(len(groups))
    return [
        {
            "image": {"bytes": picture(int(i), "PNG" if i == 0 else "JPEG"), "path": None},
            "label": groups[i] // 2,
            "place": groups[i] % 2,
        }
        for i in numbers
    ]


@pytest.fixture
def mirror(write, tmp_path):
    """A copy of the mirror, whose training images are in two files."""
    folder = tmp_path / "mirror"
    (folder / "data").mkdir(parents=True)
    train = rows_of("train")
    write(folder / "data/train-00000-of-00002.parquet", train[:4])
    write(folder / "data/train-00001-of-00002.parquet", train[4:])
    for split in ("validation", "test"):
        write(folder / f"data/{split}-00000-of-00001.parquet", rows_of(split))
    return folder


@pytest.mark.parametrize("inner", [False, True])
def test_it_is_the_published_layout_with_the_bytes_of_each_image(mirror, inner, tmp_path, capsys):
    place, out = mirror / "data" if inner else mirror, tmp_path / "out"
    words = ["fetch", "waterbirds", "--parquet", str(place), "--out", str(out)]
    assert commands.main(words) == 2
    assert "its licence is not accepted" in capsys.readouterr().err
    assert not out.exists()
    for _ in range(2):
        assert commands.main([*words, "--accept-licence"]) == 0
    verify(out / "waterbirds")
    files = [path.rename(tmp_path / path.name) for path in sorted((mirror / "data").glob("*.parquet"))]
    assert commands.main([*words, "--accept-licence"]) == 0  # as is said: they are no longer needed
    for file in files:
        file.rename(mirror / "data" / file.name)
    for split, published in (("train", "train"), ("val", "validation"), ("test", "test")):
        found = waterbirds.read(out / "waterbirds", split)
        expected = rows_of(published)
        assert [path.read_bytes() for path in found.paths] == [row["image"]["bytes"] for row in expected]
        assert found.y.tolist() == [row["label"] for row in expected]
        assert found.place.tolist() == [row["place"] for row in expected]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row | {"label": 7}, "label 7; expected 0 or 1"),
        (lambda row: row | {"place": None}, "place None; expected 0 or 1"),
        (lambda row: {"image": row["image"], "y": row["label"]}, "has no column label, place; it has image, y"),
        (lambda row: row | {"image": "a.jpg"}, "image is str without bytes; expected the file's bytes"),
        (lambda row: row | {"image": {"bytes": b"GIF89a", "path": ""}}, "image 12 is neither JPEG nor PNG"),
        (lambda row: row | {"place": 1}, "test has .*: this is another mixture, or a part of it"),
    ],
)
def test_other_contents_are_one_line_and_nothing_is_left(change, said, mirror, write, tmp_path):
    path = mirror / "data/test-00000-of-00001.parquet"
    write(path, [change(row) for row in rows_of("test")])
    with pytest.raises(InputError, match=said) as raised:
        waterbirds_parquet.write(mirror, tmp_path / "made")
    assert "\n" not in str(raised.value)
    assert {entry.name for entry in tmp_path.iterdir()} <= {"mirror", ".made.lock"}


def test_a_file_that_is_missing_or_damaged_is_one_line(mirror, tmp_path):
    path = mirror / "data/test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match="not a readable parquet file") as raised:
        waterbirds_parquet.write(mirror, tmp_path / "made")
    assert "\n" not in str(raised.value)
    path.unlink()
    with pytest.raises(InputError, match=r"has no test-\*\.parquet; expected those of train, validation, test"):
        waterbirds_parquet.write(mirror, tmp_path / "made")


def test_an_empty_folder_is_made_and_another_one_is_not_taken_for_it(mirror, tmp_path):
    (tmp_path / "made").mkdir()
    waterbirds_parquet.write(mirror, tmp_path / "made")
    assert waterbirds.read(tmp_path / "made", "test").paths
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/notes.txt").touch()
    with pytest.raises(InputError, match=r"theirs: was not made of parquet files; move it away"):
        waterbirds_parquet.write(mirror, tmp_path / "theirs")


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (["test-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"], "lies in it and others in data/"),
        (
            ["test-00000-of-00002.parquet", "test-00001-of-00002.parquet", "test-00002-of-00003.parquet"],
            "in other parts",
        ),
    ],
)
def test_files_that_hold_the_same_images_are_named(places, said, tmp_path):
    """As those that stay in a folder when newer ones are got into it."""
    for place in places:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).touch()
    with pytest.raises(InputError, match=said):
        parquet_files.files(tmp_path, "*.parquet")
    (tmp_path / places[-1]).unlink()
    assert len(parquet_files.files(tmp_path, "*.parquet")) == len(places) - 1


def test_what_was_made_of_other_files_is_not_taken_for_theirs(mirror, tmp_path):
    waterbirds_parquet.write(mirror, tmp_path / "made")
    path = mirror / "data/test-00000-of-00001.parquet"
    path.write_bytes(b"this is no parquet file")
    with pytest.raises(InputError, match=r"made: was made of other files than those of .*; move it away, or give anot"):
        waterbirds_parquet.write(mirror, tmp_path / "made")


def test_without_pyarrow_one_line_says_what_to_install(mirror, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match=r"pyarrow reads parquet files and is not installed: pip install pyarrow"):
        waterbirds_parquet.write(mirror, tmp_path / "made")


def test_of_another_data_set_there_are_none(tmp_path, capsys):
    words = ["fetch", "imagenet9", "--accept-licence", "--parquet", str(tmp_path), "--out", str(tmp_path / "out")]
    assert commands.main(words) == 2
    assert "--parquet: imagenet9 is read from its archive alone; leave it out" in capsys.readouterr().err


def test_a_folder_of_parquet_files_says_how_it_is_laid_out(mirror):
    with pytest.raises(InputError, match=r"or what tradeoffs fetch waterbirds --parquet \S+/mirror makes of"):
        tradeoffs.evaluate("torchvision/resnet18", "waterbirds", mirror, progress=False)
