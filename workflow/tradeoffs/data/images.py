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

_NOTHING = "no images to read; the selection is empty"
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
    """Return images as uint8 [n, 3, h, w]; for sets that fit into memory, else :func:`batches`.

    Raises InputError, naming the file, for one that is missing, unreadable, truncated, or of another size than the
    first after ``geometry``.
    """
    return _stack([_image(path, geometry) for path in paths], paths)


def load_masks(paths: Sequence[Path], geometry: Geometry = UNCHANGED) -> NDArray[np.float32]:
    """Return masks (image files, or .npy of [h, w] in [0, 1]) as float32 [n, 1, h, w] in [0, 1]; errors as ``load``."""
    return load_mask_unions([[path] for path in paths], geometry)


def load_mask_unions(groups: Sequence[Sequence[Path]], geometry: Geometry = UNCHANGED) -> NDArray[np.float32]:
    """Return the pixel-wise maximum of each group of masks, float32 [n, 1, h, w]; errors as ``load``.

    A group without masks is refused (InputError): which mask would be meant is not for a reader to decide.
    """
    return _shares(_stack([_union(group, geometry) for group in groups], [group[0] for group in groups]))


def batches(
    paths: Sequence[Path], geometry: Geometry, batch_size: int, workers: int = 2
) -> Iterator[NDArray[np.uint8]]:
    """Yield uint8 [batch, 3, h, w] in the order of ``paths``, decoded by ``workers`` threads; errors as ``load``.

    At most three batches are in memory, however many images there are.
    """
    yield from _stream(lambda path: _image(path, geometry), paths, paths, batch_size, workers)


def mask_batches(
    groups: Sequence[Sequence[Path]], geometry: Geometry, batch_size: int, workers: int = 2
) -> Iterator[NDArray[np.float32]]:
    """Yield unions of masks, float32 [batch, 1, h, w] in [0, 1], as ``batches`` yields images."""
    names = [group[0] if group else Path() for group in groups]
    for batch in _stream(lambda group: _union(group, geometry), groups, names, batch_size, workers):
        yield _shares(batch)


def _stream(
    decode: Callable[[Item], NDArray[np.uint8]],
    items: Sequence[Item],
    names: Sequence[Path],
    batch_size: int,
    workers: int,
) -> Iterator[NDArray[np.uint8]]:
    """Decode in threads, in order, with ``_AHEAD`` batches waiting; ``names`` are the files to name in an error."""
    if not items:
        raise InputError(_NOTHING)
    waiting: deque[tuple[int, list[Future[NDArray[np.uint8]]]]] = deque()
    first: tuple[int, ...] | None = None
    pool = ThreadPoolExecutor(workers)
    try:
        for start in range(0, len(items) + _AHEAD * batch_size, batch_size):
            if start < len(items):
                futures = [pool.submit(decode, item) for item in items[start : start + batch_size]]
                waiting.append((start, futures))
            if waiting and (len(waiting) > _AHEAD or start >= len(items)):
                begin, futures = waiting.popleft()
                batch = _stack([future.result() for future in futures], names[begin : begin + batch_size], first)
                first = first or batch.shape[1:]
                yield batch
    finally:
        pool.shutdown(cancel_futures=True)


def _image(path: Path, geometry: Geometry) -> NDArray[np.uint8]:
    pixels = np.asarray(_shaped(_open(path, "RGB"), geometry, path))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _union(group: Sequence[Path], geometry: Geometry) -> NDArray[np.uint8]:
    if not group:
        raise InputError("an image has no mask of this kind; leave it out, or use another set of features")
    masks = [np.asarray(_shaped(_open_mask(path), geometry, path))[None] for path in group]
    union: NDArray[np.uint8] = _stack(masks, group).max(axis=0)
    return union


def _shares(masks: NDArray[np.uint8]) -> NDArray[np.float32]:
    return masks.astype(np.float32) / np.float32(255)


def _stack(
    decoded: list[NDArray[np.uint8]], names: Sequence[Path], shape: tuple[int, ...] | None = None
) -> NDArray[np.uint8]:
    """Stack arrays of one shape: ``shape``, or else that of the first."""
    if not decoded:
        raise InputError(_NOTHING)
    expected = shape or decoded[0].shape
    for pixels, path in zip(decoded, names, strict=True):
        if pixels.shape != expected:
            found, first = (f"{size[-1]}x{size[-2]}" for size in (pixels.shape, expected))
            raise InputError(f"{path}: {found} pixels where the first has {first}; set a resize and crop for this set")
    return np.stack(decoded)


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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
