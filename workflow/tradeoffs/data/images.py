"""Decode images and masks as each protocol states: cut a border, resize, crop from the centre. Masks stay soft.

Pixels are those of torchvision's Resize (bilinear with antialiasing, on 8-bit images) and CenterCrop. Where no change
of size is needed none is made, so the stored pixels arrive untouched.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.errors import InputError

Item = TypeVar("Item")

_AHEAD = 2  # batches decoded before they are asked for; more would only hold more memory


class Geometry(NamedTuple):
    """Steps in this order; sizes in pixels.

    ``border``: cut from every side. ``resize``: the shorter side becomes this long and the shape is kept, or with
    ``square`` both sides do. ``crop``: the central square of this side.
    """

    border: int = 0
    resize: int | None = None
    square: bool = False
    crop: int | None = None


UNCHANGED = Geometry()


def load(paths: Sequence[Path], geometry: Geometry = UNCHANGED) -> NDArray[np.uint8]:
    """Return images as uint8 [n, 3, h, w].

    Raises InputError, naming the file, for one that is missing, unreadable, truncated, or of another size than the
    first after ``geometry``.
    """
    return np.concatenate(list(batches(paths, geometry, max(1, len(paths)), workers=1)))


def load_masks(paths: Sequence[Path], geometry: Geometry = UNCHANGED) -> NDArray[np.float32]:
    """Return masks (image files, or .npy of [h, w] in [0, 1]) as float32 [n, 1, h, w] in [0, 1]; errors as ``load``."""
    return load_mask_unions([[path] for path in paths], geometry)


def load_mask_unions(groups: Sequence[Sequence[Path]], geometry: Geometry = UNCHANGED) -> NDArray[np.float32]:
    """Return the pixel-wise maximum of each group of masks, float32 [n, 1, h, w]; errors as ``load``.

    A group without masks is refused (InputError): which mask would be meant is not for a reader to decide.
    """
    return np.concatenate(list(mask_batches(groups, geometry, max(1, len(groups)), workers=1)))


def batches(
    paths: Sequence[Path], geometry: Geometry, batch_size: int, workers: int = 2
) -> Iterator[NDArray[np.uint8]]:
    """Yield uint8 [batch, 3, h, w] in the order of ``paths``, decoded by ``workers`` threads; errors as ``load``.

    At most three batches are in memory, however many images there are.
    """

    def decode(path: Path) -> NDArray[np.uint8]:
        pixels = np.asarray(_shaped(_open(path, "RGB"), geometry, path))
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    yield from _stream(decode, paths, lambda path: path, batch_size, workers)


def mask_batches(
    groups: Sequence[Sequence[Path]], geometry: Geometry, batch_size: int, workers: int = 2
) -> Iterator[NDArray[np.float32]]:
    """Yield unions of masks, float32 [batch, 1, h, w] in [0, 1], as ``batches`` yields images."""

    def decode(group: Sequence[Path]) -> NDArray[np.uint8]:
        if not group:
            raise InputError("an image has no mask of this kind; leave it out, or use another set of features")
        masks = [np.asarray(_shaped(_open_mask(path), geometry, path)) for path in group]
        for path, mask in zip(group, masks, strict=True):
            _check_shape(mask, masks[0].shape, path)
        union: NDArray[np.uint8] = np.maximum.reduce(masks)
        return union[None]

    for batch in _stream(decode, groups, lambda group: group[0], batch_size, workers):
        yield batch.astype(np.float32) / np.float32(255)


def _stream(
    decode: Callable[[Item], NDArray[np.uint8]],
    items: Sequence[Item],
    name: Callable[[Item], Path],
    batch_size: int,
    workers: int,
) -> Iterator[NDArray[np.uint8]]:
    if not items:
        raise InputError("no images to read; the selection is empty")
    shape: tuple[int, ...] | None = None
    waiting: deque[tuple[Sequence[Item], list[Future[NDArray[np.uint8]]]]] = deque()
    starts = list(range(0, len(items), batch_size))
    pool = ThreadPoolExecutor(workers)
    try:
        while starts or waiting:
            while starts and len(waiting) <= _AHEAD:
                start = starts.pop(0)
                batch = items[start : start + batch_size]
                waiting.append((batch, [pool.submit(decode, item) for item in batch]))
            batch, futures = waiting.popleft()
            decoded = [future.result() for future in futures]
            shape = shape or decoded[0].shape
            for item, pixels in zip(batch, decoded, strict=True):
                _check_shape(pixels, shape, name(item))
            yield np.stack(decoded)
    finally:
        pool.shutdown(cancel_futures=True)


def _open(path: Path, mode: str) -> Image.Image:
    try:
        with Image.open(path) as file:
            return file.convert(mode)
    except FileNotFoundError:
        raise InputError(f"{path}: image not found; make or unpack the data set again") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: unreadable image ({_one_line(error)}); make or unpack the data set again") from None


def _open_mask(path: Path) -> Image.Image:
    if path.suffix != ".npy":
        return _open(path, "L")
    try:
        mask = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: mask not found; make or unpack the data set again") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: unreadable mask ({_one_line(error)}); make or unpack the data set again") from None
    numbers = mask.ndim == 2 and mask.size > 0 and mask.dtype.kind in "biuf"
    if not numbers or not np.all((mask >= 0) & (mask <= 1)):  # a comparison with NaN is false
        raise InputError(f"{path}: mask of shape {mask.shape}, type {mask.dtype}; expected two axes, values 0 to 1")
    return Image.fromarray(np.rint(mask.astype(np.float64) * 255).astype(np.uint8))


def _shaped(image: Image.Image, geometry: Geometry, path: Path) -> Image.Image:
    border, crop = geometry.border, geometry.crop
    if border:
        if min(image.size) <= 2 * border:
            raise InputError(f"{path}: {image.width}x{image.height} pixels, too small to cut {border} from each side")
        image = image.crop((border, border, image.width - border, image.height - border))
    if geometry.resize is not None:
        size = _resized(image.size, geometry.resize, geometry.square)
        image = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)
    if crop is None:
        return image
    if min(image.size) < crop:
        raise InputError(f"{path}: {image.width}x{image.height} pixels before the crop of {crop}; expected no fewer")
    left, top = round((image.width - crop) / 2), round((image.height - crop) / 2)
    return image if image.size == (crop, crop) else image.crop((left, top, left + crop, top + crop))


def _resized(size: tuple[int, int], target: int, square: bool) -> tuple[int, int]:
    """Return width and height after resizing; the longer side is rounded down, as torchvision does."""
    width, height = size
    if square:
        return target, target
    if width <= height:
        return target, int(target * height / width)
    return int(target * width / height), target


def _check_shape(pixels: NDArray[np.uint8], shape: tuple[int, ...], path: Path) -> None:
    if pixels.shape != shape:
        found, expected = (f"{size[-1]}x{size[-2]}" for size in (pixels.shape, shape))
        raise InputError(f"{path}: {found} pixels where the first has {expected}; set a resize and crop for this set")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
