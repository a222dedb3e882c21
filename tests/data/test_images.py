"""Decoding and geometry: equal to torchvision's transforms, exact where nothing is to be done, one line on faults."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tradeoffs.data import images
from tradeoffs.data.images import Geometry
from tradeoffs.errors import InputError


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
    found = images.load_masks([mask, colour], geometry)  # a mask stored in three equal channels is the same mask
    assert found.dtype == np.float32
    assert found.shape == (2, 1, 12, 12)
    assert np.array_equal(found[0, 0], images.load([colour], geometry)[0, 0].astype(np.float32) / np.float32(255))
    assert np.array_equal(found[0], found[1])


def test_mask_arrays_and_unions(save: Callable[..., Path], tmp_path: Path) -> None:
    box = np.zeros((8, 8), dtype=bool)
    box[:4] = True
    np.save(tmp_path / "box.npy", box)
    grey = np.full((8, 8), 51, dtype=np.uint8)
    groups = [[tmp_path / "box.npy"], [save("grey.png", pixels=grey), tmp_path / "box.npy"]]
    found = images.load_mask_unions(groups)
    assert np.array_equal(found[0, 0], box.astype(np.float32))
    assert np.array_equal(found[1, 0], np.where(box, np.float32(1), np.float32(0.2)))
    with pytest.raises(InputError, match="no mask of this kind"):
        images.load_mask_unions([[]])


def test_batches_keep_the_order_and_end_with_a_short_one(save: Callable[..., Path]) -> None:
    paths = [save(f"{value}.png", pixels=np.full((4, 4, 3), value, dtype=np.uint8)) for value in range(11)]
    found = list(images.batches(paths, Geometry(), batch_size=4, workers=3))
    assert [len(batch) for batch in found] == [4, 4, 3]
    assert np.concatenate(found)[:, 0, 0, 0].tolist() == list(range(11))


def test_a_bad_image_in_a_later_batch_ends_the_stream(save: Callable[..., Path]) -> None:
    paths = [save(f"{number}.png") for number in range(8)] + [save("odd.png", 9, 9)]
    stream = images.batches(paths, Geometry(), batch_size=4)
    assert len(next(stream)) == len(next(stream)) == 4
    with pytest.raises(InputError, match=r"odd\.png: 9x9 pixels where the first has 8x8"):
        next(stream)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 9, 13, 40])
def test_every_image_comes_once(save: Callable[..., Path], count: int) -> None:
    path = save("a.png")
    assert sum(len(batch) for batch in images.batches([path] * count, Geometry(), batch_size=4)) == count


def test_batches_decode_only_a_little_ahead(save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = save("a.png"), []
    original = images._open
    monkeypatch.setattr(images, "_open", lambda path, mode: (opened.append(path), original(path, mode))[1])
    stream = images.batches([path] * 1000, Geometry(), batch_size=10, workers=2)
    next(stream)
    assert len(opened) <= 30
    stream.close()
    assert len(opened) <= 30


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
    with pytest.raises(InputError, match=rf"/3\.{suffix}: "):
        images.load_masks(paths)


def test_sizes_that_do_not_fit_are_named(save: Callable[..., Path]) -> None:
    paths = [save("a.png", 8, 8), save("b.png", 8, 9)]
    with pytest.raises(InputError, match=r"b\.png: 9x8 pixels where the first has 8x8"):
        images.load(paths)
    with pytest.raises(InputError, match=r"b\.png: 9x8 pixels where the first has 8x8"):
        images.load_mask_unions([paths])
    with pytest.raises(InputError, match=r"a\.png: 8x8 pixels before the crop of 9"):
        images.load(paths, Geometry(crop=9))
    with pytest.raises(InputError, match=r"a\.png: 8x8 pixels, too small to cut 4"):
        images.load(paths, Geometry(border=4))
    with pytest.raises(InputError, match="no images to read"):
        images.load([])
    with pytest.raises(InputError, match="no images to read"):
        next(images.batches([], Geometry(), batch_size=4))


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
        images.load_masks([tmp_path / "mask.npy"])


def test_pickled_truncated_and_missing_mask_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "pickled.npy", np.array([[{}]]), allow_pickle=True)
    np.save(tmp_path / "short.npy", np.ones((8, 8)))
    (tmp_path / "short.npy").write_bytes((tmp_path / "short.npy").read_bytes()[:-100])
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("pickled", "short", "empty"):
        with pytest.raises(InputError, match=rf"{name}\.npy: unreadable mask"):
            images.load_masks([tmp_path / f"{name}.npy"])
    with pytest.raises(InputError, match=r"none\.npy: mask not found"):
        images.load_masks([tmp_path / "none.npy"])
