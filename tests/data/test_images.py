"""Decoding and geometry: equal to torchvision's transforms, exact where nothing is to be done, one line on faults."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tradeoffs.data import images
from tradeoffs.data.images import Geometry
from tradeoffs.step.errors import InputError
from tradeoffs.training.augmentation import crop_and_flip


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that saves random pixels, or those given, under a name."""

    def save(name: str, height: int = 8, width: int = 8, pixels: np.ndarray | None = None) -> Path:
        rng = np.random.default_rng([height, width])
        content = rng.integers(0, 256, (height, width, 3), dtype=np.uint8) if pixels is None else pixels
        Image.fromarray(content).save(tmp_path / name)
        return tmp_path / name

    return save


@pytest.mark.parametrize(
    ("size", "geometry"),
    [
        ((37, 53), Geometry(resize=32)),
        ((53, 37), Geometry(resize=32, crop=28)),
        ((53, 37), Geometry(resize=32, crop=27)),
        ((20, 31), Geometry(resize=40, crop=40)),
        ((37, 53), Geometry(resize=24, square=True)),
        ((37, 53), Geometry(resize=32, square=True, crop=28)),
        ((40, 61), Geometry(crop=39)),
        ((44, 57), Geometry(border=2, resize=32, crop=32)),
    ],
)
def test_pixels_are_those_of_torchvision(save: Callable[..., Path], size: tuple[int, int], geometry: Geometry) -> None:
    transforms = pytest.importorskip("torchvision.transforms")
    path = save("image.png", *size)
    steps = []
    if geometry.resize is not None:
        steps.append(transforms.Resize([geometry.resize] * 2 if geometry.square else geometry.resize))
    if geometry.crop is not None:
        steps.append(transforms.CenterCrop(geometry.crop))
    with Image.open(path) as image:
        cut = image.crop((geometry.border, geometry.border, size[1] - geometry.border, size[0] - geometry.border))
        expected = np.asarray(transforms.Compose(steps)(cut)).transpose(2, 0, 1)
    assert np.array_equal(images.load([path], geometry)[0], expected)


def test_pixels_are_exact_where_nothing_is_to_be_done(save: Callable[..., Path]) -> None:
    paths = [save("a.png"), save("b.png", pixels=np.full((8, 8, 3), 7, dtype=np.uint8))]
    stored = np.stack([np.asarray(Image.open(path)).transpose(2, 0, 1) for path in paths])
    for geometry in (Geometry(), Geometry(resize=8, crop=8), Geometry(resize=8, square=True)):
        found = images.load(paths, geometry)
        assert found.dtype == np.uint8
        assert np.array_equal(found, stored)


def test_grey_and_palette_images_become_three_channels(save: Callable[..., Path], tmp_path: Path) -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    path = save("grey.png", pixels=grey)
    assert np.array_equal(images.load([path])[0], np.stack([grey] * 3))
    with Image.open(path) as image:
        image.convert("P").save(tmp_path / "palette.png")
    assert images.load([tmp_path / "palette.png"]).shape == (1, 3, 8, 8)


def test_masks_are_soft_and_share_the_geometry_of_images(save: Callable[..., Path]) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    colour, mask = save("image.png", pixels=np.stack([grey] * 3, axis=-1)), save("mask.png", pixels=grey)
    geometry = Geometry(border=1, resize=16, crop=12)
    found = images.mask([mask], geometry)
    assert found.dtype == np.uint8
    assert found.shape == (12, 12)
    assert np.array_equal(found, images.load([colour], geometry)[0, 0])
    assert np.array_equal(found, images.mask([colour], geometry))  # stored in three equal channels, it is the same mask


def test_mask_arrays_and_unions(save: Callable[..., Path], tmp_path: Path) -> None:
    box = np.zeros((8, 8), dtype=bool)
    box[:4] = True
    np.save(tmp_path / "box.npy", box)
    grey = np.full((8, 8), 51, dtype=np.uint8)
    assert np.array_equal(images.mask([tmp_path / "box.npy"]), 255 * box)
    union = images.mask([save("grey.png", pixels=grey), tmp_path / "box.npy"])
    assert np.array_equal(union, np.where(box, 255, 51))
    with pytest.raises(InputError, match="no mask of this kind"):
        images.mask([])


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _no_image(path: Path) -> None:
    path.write_text("<html>not an image</html>")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_truncate, _no_image, _empty, Path.unlink])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_bad_image_is_named_and_nothing_is_returned(
    save: Callable[..., Path], damage: Callable[[Path], None], suffix: str
) -> None:
    paths = [save(f"{number}.{suffix}", 32, 32) for number in range(5)]
    damage(paths[3])
    with pytest.raises(InputError, match=rf"/3\.{suffix}: (unreadable image|image not found)") as error:
        images.load(paths)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=rf"/3\.{suffix}: (unreadable image|image not found)"):
        images.mask(paths[3:])


def test_sizes_that_do_not_fit_are_named(save: Callable[..., Path]) -> None:
    paths = [save("a.png", 8, 8), save("b.png", 8, 9)]
    with pytest.raises(InputError, match=r"b\.png: 9x8 pixels where the first has 8x8"):
        images.load(paths)
    masks = [save("c.png", pixels=np.zeros((8, 8), np.uint8)), save("d.png", pixels=np.zeros((8, 9), np.uint8))]
    with pytest.raises(InputError, match=r"d\.png: 9x8 pixels where the first has 8x8"):
        images.mask(masks)
    with pytest.raises(InputError, match=r"a\.png: 8x8 pixels before the crop of 9"):
        images.load(paths, Geometry(crop=9))
    with pytest.raises(InputError, match=r"a\.png: 8x8 pixels, too small to cut 4"):
        images.load(paths, Geometry(border=4))
    with pytest.raises(InputError, match="no images to read"):
        images.load([])


@pytest.mark.parametrize(
    "mask",
    [
        np.zeros((2, 2, 2)),
        np.full((2, 2), 1.5),
        np.full((2, 2), -1),
        np.array([["a", "b"]]),
        np.zeros((0, 2)),
        np.full((2, 2), np.nan),
    ],
)
def test_mask_arrays_of_another_kind_are_refused(mask: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", mask)
    with pytest.raises(InputError, match=r"mask\.npy: mask of shape"):
        images.mask([tmp_path / "mask.npy"])


def test_pickled_truncated_and_missing_mask_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "pickled.npy", np.array([[{}]]), allow_pickle=True)
    np.save(tmp_path / "short.npy", np.ones((8, 8)))
    (tmp_path / "short.npy").write_bytes((tmp_path / "short.npy").read_bytes()[:-100])
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("pickled", "short", "empty"):
        with pytest.raises(InputError, match=rf"{name}\.npy: unreadable mask"):
            images.mask([tmp_path / f"{name}.npy"])
    with pytest.raises(InputError, match=r"none\.npy: mask not found"):
        images.mask([tmp_path / "none.npy"])


# Pixels of other depths and kinds: what is right comes from the numbers drawn, not from Pillow's conversion

RAMP = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))
LEFT = np.arange(32)[None, :].repeat(32, 0) < 16
HALF = np.where(LEFT, 0, 255).astype(np.uint8)
COLOURS = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=-1)


def _png(path: Path, rows: np.ndarray, bits: int, kind: int) -> None:
    """Write a PNG of a depth that Pillow only reads; ``rows``: the packed bytes of each row, ``bits`` of a channel."""
    height, width = rows.shape[0], rows.shape[1] * 8 // bits // {0: 1, 2: 3, 6: 4}[kind]

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b""))


def _palette(path: Path, indices: np.ndarray, colours: list[int]) -> None:
    image = Image.fromarray(indices.astype(np.uint8))
    image.putpalette(colours + [0] * (768 - len(colours)))
    image.save(path)


# Colours of 16 bits, which Pillow does not write, and the number that PNG has for their kind.
WIDE = {
    "colours of 16 bits": (COLOURS.astype(np.uint16) * 257, 2),
    "colours of 8 bits in 16": (COLOURS.astype(np.uint16), 2),
    "labels in colours of 16 bits": (np.stack([~LEFT] * 3, -1).astype(np.uint16), 2),
    "transparent, of 8 bits in 16": (
        np.dstack([COLOURS, np.full_like(RAMP, 1)]).astype(np.uint16) * [1, 1, 1, 65535],
        6,
    ),
}


def _write(path: Path, kind: str) -> None:
    """Write one of the kinds below; the suffix is always .png, as in a data set, whatever the bytes are."""
    wide = RAMP.astype(np.uint16) * 257
    form = "TIFF" if kind.endswith("tiff") else "PPM" if kind.endswith("pgm") else "PNG"
    arrays = {
        "grey16": wide,
        "grey16 tiff": wide,
        "grey16 big-endian tiff": wide.astype(">u2"),
        "half16": np.where(LEFT, 0, 65535).astype(np.uint16),
        "labels16": np.where(LEFT, 0, 1).astype(np.uint16),
        "labels of three16": np.where(LEFT, 0, 2).astype(np.uint16),
        "int32 tiff": RAMP.astype(np.int32),
        "float tiff": (RAMP / 255).astype(np.float32),
        "grey": RAMP,
        "half": HALF,
        "labels": np.where(LEFT, 0, 1).astype(np.uint8),
        "labels, all": np.ones_like(RAMP),
        "empty": np.zeros_like(RAMP),
        "labels of three": (np.arange(32)[None, :].repeat(32, 0) // 11).astype(np.uint8),
        "labels of sixteen": (np.arange(32)[None, :].repeat(32, 0) // 2).astype(np.uint8),
        "bits": ~LEFT,
        "colours": COLOURS,
        "two colours": np.where(LEFT[..., None], 0, np.array([0, 0, 128])).astype(np.uint8),
        "grey in colours": np.stack([RAMP] * 3, -1),
        "grey and transparency": np.dstack([RAMP, RAMP.T]),
        "colours and transparency": np.dstack([COLOURS, HALF]),
        "half and its transparency": np.dstack([HALF, HALF]),
        "only transparency": np.dstack([np.full_like(COLOURS, 255), HALF]),
    }
    if kind == "grey16 pgm":
        path.write_bytes(b"P5 32 32 65535\n" + wide.astype(">u2").tobytes())
    elif kind == "2 bits":
        _png(path, np.repeat(np.array([[0b00011011] * 8], np.uint8), 32, 0), 2, 0)
    elif kind == "labels in 2 bits":
        _png(path, np.repeat(np.array([[0] * 4 + [0b01010101] * 4], np.uint8), 32, 0), 2, 0)
    elif kind == "labels in 4 bits":
        _png(path, np.repeat(np.array([[0] * 8 + [0x11] * 8], np.uint8), 32, 0), 4, 0)
    elif kind == "palette of two":
        _palette(path, ~LEFT, [0, 0, 0, 128, 0, 0])
    elif kind == "palette of grey":
        _palette(path, RAMP // 8, [level for value in range(0, 256, 8) for level in (value,) * 3])
    elif kind == "palette of many":
        _palette(path, np.arange(32)[None, :].repeat(32, 0) // 11, [0, 0, 0, 128, 0, 0, 0, 128, 0])
    elif kind in WIDE:
        values, colour = WIDE[kind]
        _png(path, values.astype(">u2").reshape(32, -1).view(np.uint8), 16, colour)
    elif kind == "colours, lossy":
        Image.fromarray(np.dstack([HALF, 0 * HALF, 0 * HALF])).save(path, "JPEG")
    elif kind == "labels, lossy":
        Image.fromarray(arrays["labels"]).save(path, "JPEG", quality=100)
    else:
        Image.fromarray(arrays[kind]).save(path, form)


STEPS = np.tile(np.array([0, 85, 170, 255], np.uint8), (32, 8))


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("grey16", RAMP),
        ("grey16 tiff", RAMP),
        ("grey16 big-endian tiff", RAMP),
        ("grey16 pgm", RAMP),
        ("half16", HALF),
        ("2 bits", STEPS),
        ("bits", HALF),
        ("palette of grey", RAMP),
        ("grey and transparency", RAMP),
        ("colours", COLOURS),
        ("colours and transparency", COLOURS),
        ("colours of 16 bits", COLOURS),
    ],
)
def test_images_of_other_depths_show_what_was_drawn(tmp_path: Path, kind: str, right: np.ndarray) -> None:
    _write(tmp_path / "a.png", kind)
    expected = right if right.ndim == 3 else np.stack([right] * 3, -1)
    assert np.array_equal(images.image(tmp_path / "a.png"), expected)
    # ... and in training, where the image is decoded for a random crop: here one that is the whole image.
    assert np.array_equal(np.asarray(images.colours(tmp_path / "a.png", lambda size: (0, 0, *size))), expected)


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("grey16", RAMP),
        ("half16", HALF),
        ("labels16", HALF),
        ("grey", RAMP),
        ("half", HALF),
        ("labels", HALF),
        ("labels, all", np.full_like(RAMP, 255)),
        ("empty", np.zeros_like(RAMP)),
        ("bits", HALF),
        ("2 bits", STEPS),
        ("labels in 2 bits", HALF),
        ("labels in 4 bits", HALF),
        ("palette of two", HALF),
        ("palette of grey", RAMP),
        ("two colours", HALF),
        ("grey in colours", RAMP),
        ("half and its transparency", HALF),
    ],
)
def test_masks_of_other_kinds_are_what_was_drawn(tmp_path: Path, kind: str, right: np.ndarray) -> None:
    _write(tmp_path / "m.png", kind)
    assert np.array_equal(images.mask([tmp_path / "m.png"]), right)


@pytest.mark.parametrize(
    ("kind", "read", "message"),
    [
        ("int32 tiff", images.image, "32-bit numbers, whose range is not known"),
        ("float tiff", images.image, "floats, whose range is not known"),
        ("float tiff", lambda path: images.mask([path]), "floats, whose range is not known"),
        ("labels16", images.image, "16 bits, but no value above 255"),
        ("labels of three16", lambda path: images.mask([path]), "16 bits, but no value above 255"),
        ("labels of three", lambda path: images.mask([path]), "values up to 2 of 255: labels"),
        ("labels of sixteen", lambda path: images.mask([path]), "values up to 15 of 255: labels"),
        ("labels, lossy", lambda path: images.mask([path]), "0 and 1 out of 255, with loss"),
        ("palette of many", lambda path: images.mask([path]), "several colours"),
        ("colours", lambda path: images.mask([path]), "several colours"),
        ("only transparency", lambda path: images.mask([path]), "whose transparency varies"),
        ("grey and transparency", lambda path: images.mask([path]), "whose transparency says another thing"),
        ("colours, lossy", lambda path: images.mask([path]), "several colours"),
        ("colours of 8 bits in 16", images.image, "16 bits, but no value above 255"),
        ("labels in colours of 16 bits", lambda path: images.mask([path]), "16 bits, but no value above 255"),
        ("transparent, of 8 bits in 16", images.image, "16 bits, but no value above 255"),
    ],
)
def test_pixels_that_could_mean_two_things_are_refused_by_name(
    tmp_path: Path, kind: str, read: Callable[[Path], object], message: str
) -> None:
    _write(tmp_path / "odd.png", kind)
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path / "odd.png")
    assert str(tmp_path / "odd.png") in str(error.value)
    assert "\n" not in str(error.value)


def test_a_random_crop_of_a_16_bit_image_is_that_of_its_8_bit_copy(tmp_path: Path) -> None:
    rows = np.tile(np.arange(0, 256, dtype=np.uint8), (64, 1))
    Image.fromarray(rows.astype(np.uint16) * 257).save(tmp_path / "wide.png")
    Image.fromarray(rows).save(tmp_path / "narrow.png")
    for seed in range(4):
        wide, narrow = (
            crop_and_flip(tmp_path / f"{name}.png", 24, np.random.default_rng(seed)) for name in ("wide", "narrow")
        )
        assert np.array_equal(wide, narrow)
