"""Names that are almost alike, lines at the end of a file, spaces: what a reader can take for something else."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tradeoffs.data import imagenet9, images, objectnet
from tradeoffs.step.errors import InputError


def image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)


def test_foregrounds_one_of_whose_names_begins_another(tmp_path: Path) -> None:
    """As text fg_n01_10_bg comes before fg_n01_1_bg, since 0 comes before _: the order is that of the foregrounds."""
    base, names = tmp_path / "bg_challenge", ["n01_1", "n01_10", "n01_100", "n01_2"]
    for place, name in enumerate(names):
        image(base / "original" / "val" / "00_dog" / f"{name}.JPEG")
        for variant in ("mixed_same", "mixed_rand"):
            image(base / variant / "val" / "00_dog" / f"fg_{name}_bg_n09_{9 - place}.JPEG")
        mask = base / "fg_mask" / "val" / "00_dog" / f"{name}.npy"
        mask.parent.mkdir(parents=True, exist_ok=True)
        np.save(mask, np.full((4, 4), place / 4))
    for variant in ("original", "mixed_same", "mixed_rand"):
        found = imagenet9.read(tmp_path, variant)
        assert [imagenet9.foreground(path) for path in found.paths] == names
    pairs = imagenet9.foregrounds(tmp_path)
    assert [path.stem for path in pairs.paths] == [path.stem for path in pairs.masks] == names
    (base / "fg_mask" / "val" / "00_dog" / "n01_10.npy").unlink()
    with pytest.raises(InputError, match=r"n01_10\.JPEG: image without a mask"):
        imagenet9.foregrounds(tmp_path)


LINES = ("bath towel", "tandem bicycle, tandem", "tench", "mountain bike")


@pytest.fixture
def mappings(tmp_path: Path) -> Path:
    folder = tmp_path / "objectnet-1.0" / "mappings"
    folder.mkdir(parents=True)
    (folder / "folder_to_objectnet_label.json").write_text('{"towel": "Bath towel", "bike": "Bicycle"}')
    counterparts = {"Bicycle": "mountain bike; tandem bicycle, tandem", "Bath towel": "bath towel"}
    (folder / "objectnet_to_imagenet_1k.json").write_text(json.dumps(counterparts))
    (folder / "pytorch_to_imagenet_2012_id.json").write_text('{"0": 2, "1": 0, "2": 3, "3": 1}')
    (folder / "imagenet_to_label_2012_v2").write_text("\n".join(LINES) + "\n")
    for name in ("bike", "towel"):
        image(folder.parent / "images" / name / "0a.png")
    return folder


def mapping_of(mappings: Path) -> list[int]:
    return objectnet.read(mappings.parents[1]).imagenet_to_objectnet.tolist()


@pytest.mark.parametrize("end", ["\n", "  \n", "\t\n", "\r\n", " \r\n"])
def test_spaces_at_the_ends_of_lines_are_no_part_of_a_label(mappings: Path, end: str) -> None:
    assert mapping_of(mappings) == [-1, 0, 1, 1]
    (mappings / "imagenet_to_label_2012_v2").write_bytes("".join(f" {line}{end}" for line in LINES).encode())
    assert mapping_of(mappings) == [-1, 0, 1, 1]


@pytest.mark.parametrize("line", [4, 5, -1, 1.0, "1", None])
def test_a_line_that_the_file_does_not_have_is_refused(mappings: Path, line: object) -> None:
    (mappings / "pytorch_to_imagenet_2012_id.json").write_text(json.dumps({"0": 2, "1": 0, "2": line, "3": 1}))
    with pytest.raises(InputError, match=r"class 2 maps to .*; expected a line of .*imagenet_to_label_2012_v2"):
        mapping_of(mappings)


def test_the_last_line_is_one_of_the_file(mappings: Path) -> None:
    (mappings / "imagenet_to_label_2012_v2").write_text("\n".join(LINES))  # no line end
    (mappings / "pytorch_to_imagenet_2012_id.json").write_text('{"0": 3, "1": 0, "2": 1}')
    assert mapping_of(mappings) == [1, 0, 1]


def test_an_image_that_cannot_be_decoded_is_named_in_one_line_of_text(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"no image")
    with pytest.raises(images.UnreadableError) as caught:
        images.image(path)
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: unreadable image (cannot identify image file")
    assert "\n" not in str(caught.value)


def test_unions_of_masks_of_different_size_name_the_union_by_its_first_mask(tmp_path: Path) -> None:
    groups = [[tmp_path / f"{number}{letter}.png" for letter in "ab"] for number in range(2)]
    for number, group in enumerate(groups):
        for place, path in enumerate(group):
            pixels = np.zeros((4, 4 + number), dtype=np.uint8)
            pixels[place] = 255
            Image.fromarray(pixels).save(path)
    unions = [images.mask(group) for group in groups]
    assert unions[0].tolist() == [[255] * 4] * 2 + [[0] * 4] * 2
    with pytest.raises(InputError, match=r"1a\.png: 5x4 pixels where the first has 4x4"):
        images.stack(unions, [group[0] for group in groups])
