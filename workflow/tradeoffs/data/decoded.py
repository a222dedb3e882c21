"""Images decoded once for all models: the pixels of a whole list of images, brought to one size, kept in a file.

The file's name is a hash of all that decides the pixels: what the data set holds (its fingerprint), which images in
which order, the geometry, the code that decodes and the libraries that it calls. So pixels of other images, of an older
version or of another size are never found, and what is read is, bit for bit, what decoding gives.

A file is the images, uint8 [n, side, side, 3], then n numbers (int64): of each image the CRC-32 of its pixels, or -1 of
one that cannot be decoded. That one is decoded each time, so that it is named, or left out, as ever. A file that is
damaged is removed, and the images are decoded.

Images are read with pread and not mapped into memory: where the file is gone from a server, or its disk fails, a read
is an error after which the image is decoded, and a mapped page is the process's end.
"""

import hashlib
import json
import os
import platform
import threading
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import features

from tradeoffs.data import decoded_folder, images
from tradeoffs.data.decoded_folder import Bounded, Part, size_of
from tradeoffs.data.images import Geometry, UnreadableError
from tradeoffs.step.code_id import code_id

Read = Callable[[int], NDArray[np.uint8]]
_ABSENT = -1
_SUM = np.dtype("<i8")


class _Kept(NamedTuple):
    """What an evaluation keeps: where, of which data sets (fingerprints by folder), and what it has read so far."""

    within: Bounded
    fingerprints: Mapping[Path, str]
    writes: bool
    read: dict[str, "_Images"]


_KEPT: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@contextmanager
def kept(fingerprints: Mapping[Path, str], *, writes: bool = True) -> Iterator[None]:
    """Within the block, :func:`reader` reads what is kept of the data sets and, if it ``writes``, keeps what is not.

    ``fingerprints``: of each data set by its folder. Nothing is kept where the environment names no folder for it
    (:mod:`tradeoffs.data.decoded_folder`, whose InputError this raises).
    """
    within = decoded_folder.bounded()
    if within is None:
        yield
        return
    here = _Kept(within, fingerprints, writes, {})
    token = _KEPT.set(here)
    try:
        yield
    finally:
        _KEPT.reset(token)
        for some in here.read.values():
            some.close()


def reader(paths: Sequence[Path], geometry: Geometry) -> Read:
    """Return the function that gives the pixels of the image at each position of ``paths``, uint8 [h, w, 3].

    As :func:`tradeoffs.data.images.image` decodes it, and with its errors; from several threads. ``paths`` are to be
    the same for every model: a list that a network's answers decide would be kept and never read.
    """

    def decode(i: int) -> NDArray[np.uint8]:
        return images.image(paths[i], geometry)

    here, size = _KEPT.get(), side(geometry)
    if here is None or size is None or not paths:
        return decode
    name = _name(paths, geometry, here.fingerprints)
    if name is None:
        return decode
    if name not in here.read:
        shape = (len(paths), size, size, 3)
        here.read[name] = _Images(here.within.folder / name, shape, decode, here.within if here.writes else None)
    return here.read[name]


def side(geometry: Geometry) -> int | None:
    """Return the side of the square that every image becomes; None where its size depends on the image."""
    return geometry.crop if geometry.crop is not None or not geometry.square else geometry.resize


def _name(paths: Sequence[Path], geometry: Geometry, fingerprints: Mapping[Path, str]) -> str | None:
    """Return the name of the file of these images; None where they are not of one data set whose content is known."""
    names = [os.fspath(path) for path in paths]
    for root, fingerprint in fingerprints.items():
        above = f"{root}{os.sep}"
        if all(name.startswith(above) for name in names):
            decides = {
                "data": fingerprint,
                "images": [name.removeprefix(above) for name in names],
                "geometry": geometry._asdict(),
                "code": code_id(__name__),
                "libraries": {"Pillow": PIL.__version__, "numpy": np.__version__, "machine": platform.machine()}
                | {name: features.version(name) for name in ("libjpeg_turbo", "jpg", "zlib", "webp")},
            }
            digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
            return f"{root.name[:40]}-{side(geometry)}-{digest[:40]}{decoded_folder.SUFFIX}"
    return None


class _DamagedError(Exception):
    """A kept file is not what was written."""


class _Images:
    """The images of one list: read from their file while it is sound, decoded else, and then written if that may be."""

    def __init__(self, path: Path, shape: tuple[int, ...], decode: Read, within: Bounded | None) -> None:
        self._path, self._shape, self._decode = path, shape, decode
        self._lock = threading.Lock()
        self._stored = self._opened(path)
        self._written: _Written | None = None
        if self._stored is None and within is not None:
            part = decoded_folder.begin(path, size_of(shape[0], shape[1]), within)
            self._written = None if part is None else _Written(part, shape)

    def __call__(self, i: int) -> NDArray[np.uint8]:
        """Return the pixels of image ``i``; errors as decoding it has."""
        stored, written = self._stored, self._written
        if stored is not None:
            try:
                pixels = stored.pixels(i)
            except (OSError, _DamagedError) as error:
                self._lose(stored, error)
            else:
                return self._decode(i) if pixels is None else pixels
        if written is None:
            return self._decode(i)
        try:
            pixels = self._decode(i)
        except UnreadableError:
            written.put(i, None)
            raise
        if written.put(i, pixels):
            self._stored = self._opened(written.part.path)
        return pixels

    def close(self) -> None:
        """Put what is whole in its place, and drop what is not."""
        if self._written is not None:
            self._written.close()

    def _opened(self, path: Path) -> "_Stored | None":
        file = decoded_folder.use(path)
        if file is None:
            return None
        try:
            return _Stored(file, self._shape)
        except (OSError, _DamagedError) as error:
            decoded_folder.discard(path, str(error))
            return None

    def _lose(self, stored: "_Stored", error: Exception) -> None:
        """Go on without a file that is damaged or gone; said once, whichever thread sees it first."""
        with self._lock:
            if self._stored is not stored:
                return
            self._stored = None
        if self._written is not None:
            self._written.close(whole=False)
        decoded_folder.discard(self._path, str(error))


class _Stored:
    """An open file of images; closed once no thread has it any more, since a number of a file is soon another's."""

    def __init__(self, file: int, shape: tuple[int, ...]) -> None:
        weakref.finalize(self, os.close, file)
        self._file, self._shape = file, shape[1:]
        self._bytes = int(np.prod(self._shape))
        expected, found = size_of(*shape[:2]), os.fstat(file).st_size
        if found != expected:
            raise _DamagedError(f"damaged ({found} bytes, expected {expected})")
        self._sums = np.frombuffer(_exactly(file, shape[0] * _SUM.itemsize, shape[0] * self._bytes), _SUM)

    def pixels(self, i: int) -> NDArray[np.uint8] | None:
        """Return an image, None one that could not be decoded; _DamagedError or OSError where it cannot be had."""
        if self._sums[i] == _ABSENT:
            return None
        found = _exactly(self._file, self._bytes, i * self._bytes)
        if zlib.crc32(found) != self._sums[i]:
            raise _DamagedError(f"damaged (the pixels of image {i + 1} are not those that were written)")
        return np.frombuffer(found, np.uint8).reshape(self._shape)


class _Written:
    """A file that threads write, each image at its place."""

    def __init__(self, part: Part, shape: tuple[int, ...]) -> None:
        self.part = part
        self._bytes = int(np.prod(shape[1:]))
        self._sums = np.zeros(shape[0], _SUM)
        self._missing = set(range(shape[0]))
        self._open = True
        self._lock = threading.Lock()  # after close the number of the file may be another's

    def put(self, i: int, pixels: NDArray[np.uint8] | None) -> bool:
        """Write image ``i``, None where it cannot be decoded; return whether it was the last. A full disk ends it."""
        content = b"" if pixels is None else pixels.tobytes()
        check = _ABSENT if pixels is None else zlib.crc32(content)
        with self._lock:
            if not self._open or i not in self._missing:
                return False
            try:
                _write(self.part.file, content, i * self._bytes)
                self._sums[i] = check
                self._missing.remove(i)
                if not self._missing:
                    _write(self.part.file, self._sums.tobytes(), len(self._sums) * self._bytes)
            except OSError as error:
                self._open = False
                decoded_folder.drop(self.part, error)
            return self._open and not self._missing

    def close(self, *, whole: bool = True) -> None:
        """Put the file in its place if it is ``whole``, else remove it."""
        with self._lock:
            if self._open:
                self._open = False
                act = decoded_folder.drop if self._missing or not whole else decoded_folder.finish
                act(self.part)


def _exactly(file: int, count: int, start: int) -> bytes:
    found = os.pread(file, count, start)
    if len(found) != count:  # cut off since it was opened
        raise _DamagedError("damaged (it ends too early)")
    return found


def _write(file: int, content: bytes, start: int) -> None:
    left = memoryview(content)
    while left:
        count = os.pwrite(file, left, start)
        left, start = left[count:], start + count
