"""Decode images and masks as each protocol states: cut a border, resize, crop from the centre. Masks stay soft.

Pixels are those of torchvision's Resize (bilinear with antialiasing, on 8-bit images) and CenterCrop. Where no change
of size is needed none is made, so the stored pixels arrive untouched.

Published sets have 8 bits a channel. Copies that went through another program may not: 16-bit grey is scaled to 8
(Pillow would clip it to white), of 16-bit colours the upper 8 are taken, and a mask of labels, 0 and 1 or two colours,
is read as nothing and all (Pillow would read 1 as 1/255). What could mean two things is refused by name.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import opened

_CURE = "make or unpack the data set again"
UNLIKE = "set a resize and crop where the settings have them, else unpack the data set again"  # images of unlike sizes
NOTHING = "no images to read; the selection is empty"
_LOW = "16 bits, but no value above 255; save it with 8 bits"
_LABELS = 16  # a lossless mask whose values are all below this holds labels, not shares of 255
_TINGE = 64  # between the channels of a mask with loss; grey ones differ by what compression adds
_COLOURED = "a mask of several colours; save it as grey, 255 for the object"
_UNITS = {"L;2": 85, "L;4": 17}  # what Pillow makes of a stored 1 where a pixel has 2 or 4 bits
# Every read of a file and every block that is decoded hands Python's lock to another thread and wants it back, which is
# what many threads wait for. So a file is read as a whole, and decoded in one block.
_AT_ONCE = 2**26
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
OfSize = Callable[[Path, tuple[int, int]], Geometry]


class UnreadableError(InputError):
    """A file that is there but cannot be decoded; ``path`` names it."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


def image(path: Path, geometry: Geometry = UNCHANGED) -> NDArray[np.uint8]:
    """Return one image as uint8 [h, w, 3].

    Raises UnreadableError for one that is damaged, InputError for one that is missing, too small for ``geometry``, or
    of pixels whose range is not known.
    """
    return np.asarray(_shaped(colours(path), geometry, path))


def mask(paths: Sequence[Path], geometry: Geometry | OfSize = UNCHANGED) -> NDArray[np.uint8]:
    """Return the pixel-wise maximum of masks (image files, or .npy of [h, w] in [0, 1]) as uint8 [h, w], 255 for 1.

    ``geometry``: or a function that returns it for a file and its width and height. Errors as :func:`image`. No masks
    at all are refused (InputError): which would be meant is not for a reader to say.
    """
    if not paths:
        raise InputError("an image has no mask of this kind; leave it out, or use another set of features")
    found = []
    for path in paths:
        stored = _open_mask(path)
        shape = geometry if isinstance(geometry, Geometry) else geometry(path, stored.size)
        found.append(np.asarray(_shaped(stored, shape, path)))
    union: NDArray[np.uint8] = stack(found, paths).max(0)
    return union


def size(path: Path) -> tuple[int, int]:
    """Return the width and height of an image, whose pixels are not decoded; errors as :func:`image`."""
    with _readable(path), opened(path, "image", _CURE) as stream, Image.open(stream) as file:
        return file.size


def load(paths: Sequence[Path], geometry: Geometry = UNCHANGED, cure: str = UNLIKE) -> NDArray[np.uint8]:
    """Return images as uint8 [n, 3, h, w]; for sets that fit into memory. ``cure``: what is to be done about sizes.

    Raises InputError, naming the file, for one that is missing, unreadable, truncated, or of another size than the
    first after ``geometry``.
    """
    return stack([image(path, geometry) for path in paths], paths, cure=cure).transpose(0, 3, 1, 2)


def stack(
    decoded: Sequence[NDArray[np.uint8]],
    names: Sequence[Path],
    shape: tuple[int, ...] | None = None,
    cure: str = UNLIKE,
) -> NDArray[np.uint8]:
    """Stack arrays [h, w, ...] of one shape, ``shape`` or else that of the first; InputError names one that differs."""
    if not decoded:
        raise InputError(NOTHING)
    expected = shape or decoded[0].shape
    for pixels, path in zip(decoded, names, strict=True):
        if pixels.shape != expected:
            found, first = (f"{size[1]}x{size[0]}" for size in (pixels.shape, expected))
            raise InputError(f"{path}: {found} pixels where the first has {first}; {cure}")
    return np.stack(decoded)


def colours(path: Path, box: Callable[[tuple[int, int]], tuple[int, int, int, int]] | None = None) -> Image.Image:
    """Return an image as RGB of 8 bits; ``box`` chooses by width and height which part (left, top, right, bottom).

    Errors as :func:`image`; InputError for pixels whose range is not known.
    """
    loaded = _load(path)
    shown = loaded.image if box is None else loaded.image.crop(box(loaded.image.size))
    return _converted(_eight_bits(shown, loaded.image, path), "RGB", path)


class _Loaded(NamedTuple):
    """An image as stored, whether it was compressed with loss, and what a stored 1 became."""

    image: Image.Image
    lossy: bool
    unit: int


def _load(path: Path) -> _Loaded:
    with _readable(path):
        with opened(path, "image", _CURE) as stream:
            whole = io.BytesIO(stream.read())
        with Image.open(whole) as file:
            file.decodermaxblock = _AT_ONCE
            raw = file.tile[0][3] if file.tile else None
            lossy = file.format in ("JPEG", "MPO")
            file.load()
            stored = str(raw[0] if isinstance(raw, tuple) and raw else raw)
            if ";16" in stored and file.mode[0] not in "IF" and not np.asarray(file.convert("RGB")).any():
                raise InputError(f"{path}: {_LOW}")
            return _Loaded(file, lossy, _UNITS.get(stored, 1))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Name an image that Pillow cannot read (UnreadableError)."""
    try:
        yield
    except UnidentifiedImageError:  # whose text names the buffer
        raise _unreadable(path, "image", "cannot identify image file") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(path, "image", error) from None


def _converted(image: Image.Image, mode: str, path: Path) -> Image.Image:
    try:
        return image if image.mode == mode else image.convert(mode)
    except ValueError as error:
        raise _unreadable(path, "image", error) from None


def _eight_bits(part: Image.Image, whole: Image.Image, path: Path) -> Image.Image:
    """Return ``part`` of an image with 8 bits a channel: 16-bit grey by 257, all else as it is.

    Raises InputError for floats and 32 bits, whose white is not known, and for 16 bits that hold 8-bit values.
    """
    if whole.mode[0] not in "IF":
        return part
    if not (whole.mode.startswith("I;16") or (whole.mode == "I" and whole.format in ("PNG", "PPM"))):
        kind = "floats" if whole.mode == "F" else "32-bit numbers"
        raise InputError(f"{path}: its pixels are {kind}, whose range is not known; save it with 8 or 16 bits")
    if 0 < int(np.asarray(whole).max()) < 256:
        raise InputError(f"{path}: {_LOW}")
    values = np.asarray(part).astype(np.int64)
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _levels(loaded: _Loaded, path: Path) -> NDArray[np.uint8]:
    """Return a mask's uint8 [h, w], 255 for 1; labels 0 and 1 (or black and one colour) become 0 and 255.

    Raises InputError for labels of another kind, and for a mask that seems to lie in the transparency.
    """
    found = loaded.image
    if found.mode[0] in "IF":
        stored = np.asarray(found)
        if stored.size and stored.max() == 1 and np.isin(stored, (0, 1)).all():
            return np.where(stored == 1, 255, 0).astype(np.uint8)
        return np.asarray(_eight_bits(found, found, path))
    if loaded.lossy:
        levels = np.asarray(_converted(found, "L", path))
        if levels.max() == 1:
            raise InputError(f"{path}: a mask of 0 and 1 out of 255, with loss; save it as PNG with 0 and 255")
        if int(np.ptp(np.asarray(_converted(found, "RGB", path)), axis=-1).max()) > _TINGE:
            raise InputError(f"{path}: {_COLOURED}")
        return levels
    levels = np.asarray(_converted(found, "L", path)) if found.mode in ("1", "L") else _one_channel(found, path)
    if levels.max() == loaded.unit and np.isin(levels, (0, loaded.unit)).all():
        return np.where(levels > 0, 255, 0).astype(np.uint8)
    if 0 < levels.max() < _LABELS:
        raise InputError(f"{path}: a mask with values up to {levels.max()} of 255: labels? save it with 0 and 255")
    return levels


def _one_channel(found: Image.Image, path: Path) -> NDArray[np.uint8]:
    """Return the grey of a mask stored in colours or through a palette; black and one colour are 0 and 255."""
    pixels = np.asarray(_converted(found, "RGBA", path)).astype(np.int64)
    codes, alpha = (pixels[..., 0] << 16) + (pixels[..., 1] << 8) + pixels[..., 2], pixels[..., 3]
    if codes.min() == codes.max() and alpha.min() < alpha.max():
        raise InputError(f"{path}: a mask of one colour whose transparency varies; save it as grey, 255 for the object")
    if alpha.min() < alpha.max() and not np.array_equal(codes > 0, alpha > 0):
        raise InputError(f"{path}: a mask whose transparency says another thing; save it as grey, 255 for the object")
    if np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 0], pixels[..., 2]):
        return pixels[..., 0].astype(np.uint8)
    if len(np.unique(codes)) == 2 and codes.min() == 0:
        return np.where(codes > 0, 255, 0).astype(np.uint8)
    raise InputError(f"{path}: {_COLOURED}")


def _open_mask(path: Path) -> Image.Image:
    if path.suffix.lower() != ".npy":
        return Image.fromarray(_levels(_load(path), path))
    with opened(path, "mask", _CURE) as stream:
        content = io.BytesIO(stream.read())
    try:
        found = np.lib.format.read_array(content, allow_pickle=False)  # numpy.load takes archives and pickles too
    except Exception as error:  # a header is Python's syntax, whose damage is an error of any kind
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


def _unreadable(path: Path, kind: str, error: object) -> InputError:
    reason = " ".join(str(error).split())
    return UnreadableError(path, f"{path}: unreadable {kind} ({reason}); make or unpack the data set again")
