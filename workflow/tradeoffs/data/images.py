"""Decode images and masks as each protocol states: cut a border, resize, crop from the centre. Masks stay soft.

Pixels are those of torchvision's Resize (bilinear with antialiasing, on 8-bit images) and CenterCrop. Where no change
of size is needed none is made, so the stored pixels arrive untouched.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoffs.data.parallel import in_order
from tradeoffs.errors import InputError

NOTHING = "no images to read; the selection is empty"
AHEAD = 2  # batches decoded before they are asked for; more would only hold more memory


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


class UnreadableError(InputError):
    """A file that is there but cannot be decoded; ``path`` names it."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


def image(path: Path, geometry: Geometry = UNCHANGED) -> NDArray[np.uint8]:
    """Return one image as uint8 [h, w, 3].

    Raises UnreadableError for one that is damaged, InputError for one that is missing or too small for ``geometry``.
    """
    return np.asarray(_shaped(_open(path, "RGB"), geometry, path))


def mask(paths: Sequence[Path], geometry: Geometry = UNCHANGED) -> NDArray[np.uint8]:
    """Return the pixel-wise maximum of masks (image files, or .npy of [h, w] in [0, 1]) as uint8 [h, w], 255 for 1.

    Errors as :func:`image`. No masks at all are refused (InputError): which would be meant is not for a reader to say.
    """
    if not paths:
        raise InputError("an image has no mask of this kind; leave it out, or use another set of features")
    union: NDArray[np.uint8] = stack([np.asarray(_shaped(_open_mask(p), geometry, p)) for p in paths], paths).max(0)
    return union


def load(paths: Sequence[Path], geometry: Geometry = UNCHANGED) -> NDArray[np.uint8]:
    """Return images as uint8 [n, 3, h, w]; for sets that fit into memory, else :func:`batches`.

    Raises InputError, naming the file, for one that is missing, unreadable, truncated, or of another size than the
    first after ``geometry``.
    """
    return stack([image(path, geometry) for path in paths], paths).transpose(0, 3, 1, 2)


def load_masks(paths: Sequence[Path], geometry: Geometry = UNCHANGED) -> NDArray[np.float32]:
    """Return masks as float32 [n, 1, h, w] in [0, 1]; errors as ``load``."""
    return load_mask_unions([[path] for path in paths], geometry)


def load_mask_unions(groups: Sequence[Sequence[Path]], geometry: Geometry = UNCHANGED) -> NDArray[np.float32]:
    """Return the union (:func:`mask`) of each group of masks, float32 [n, 1, h, w] in [0, 1]; errors as ``load``."""
    unions = stack([mask(group, geometry) for group in groups], [group[0] for group in groups])
    return unions[:, None].astype(np.float32) / np.float32(255)


def batches(
    paths: Sequence[Path], geometry: Geometry, batch_size: int, workers: int = 2
) -> Iterator[NDArray[np.uint8]]:
    """Yield uint8 [batch, 3, h, w] in the order of ``paths``, decoded by ``workers`` threads; errors as ``load``.

    At most three batches are in memory, however many images there are.
    """
    if not paths:
        raise InputError(NOTHING)
    shape: tuple[int, ...] | None = None
    waiting: list[NDArray[np.uint8]] = []
    decoded = in_order(lambda path: image(path, geometry), paths, workers=workers, ahead=AHEAD * batch_size)
    for number, future in enumerate(decoded, start=1):
        waiting.append(future.result())
        if len(waiting) == batch_size or number == len(paths):
            batch = stack(waiting, paths[number - len(waiting) : number], shape)
            shape = batch.shape[1:]
            waiting = []
            yield batch.transpose(0, 3, 1, 2)


def stack(
    decoded: Sequence[NDArray[np.uint8]], names: Sequence[Path], shape: tuple[int, ...] | None = None
) -> NDArray[np.uint8]:
    """Stack arrays [h, w, ...] of one shape, ``shape`` or else that of the first; InputError names one that differs."""
    if not decoded:
        raise InputError(NOTHING)
    expected = shape or decoded[0].shape
    for pixels, path in zip(decoded, names, strict=True):
        if pixels.shape != expected:
            found, first = (f"{size[1]}x{size[0]}" for size in (pixels.shape, expected))
            raise InputError(f"{path}: {found} pixels where the first has {first}; set a resize and crop for this set")
    return np.stack(decoded)


def _open(path: Path, mode: str) -> Image.Image:
    try:
        with Image.open(path) as file:
            file.load()
            return file if file.mode == mode else file.convert(mode)
    except FileNotFoundError:
        raise InputError(f"{path}: image not found; make or unpack the data set again") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(path, "image", error) from None


def _open_mask(path: Path) -> Image.Image:
    if path.suffix != ".npy":
        return _open(path, "L")
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: mask not found; make or unpack the data set again") from None
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(path, "mask", error) from None
    numbers = found.ndim == 2 and found.size > 0 and found.dtype.kind in "biuf"
    if not numbers or not np.all((found >= 0) & (found <= 1)):  # a comparison with NaN is false
        raise InputError(f"{path}: mask of shape {found.shape}, type {found.dtype}; expected two axes, values 0 to 1")
    return Image.fromarray(np.rint(found.astype(np.float64) * 255).astype(np.uint8))


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


def _unreadable(path: Path, kind: str, error: Exception) -> InputError:
    reason = " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno is not None:  # the system's fault (permission, disk), not the file's
        return InputError(f"{path}: cannot read this {kind} ({reason}); check the disk and the file's permissions")
    return UnreadableError(path, f"{path}: unreadable {kind} ({reason}); make or unpack the data set again")
