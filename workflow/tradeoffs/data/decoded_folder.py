"""A bounded folder of decoded images: what was used longest ago makes room for what is new.

Two variables of the environment, which the workflow sets, name it and its bound. Without them, or with a bound of 0,
nothing is kept.

Files appear whole or not at all: each is written beside its place, by one process at a time, and renamed. What a killed
process left there is written anew, or goes. A file that goes while another process reads it stays readable to that
process, or its next read is an error (on a network's file system), never other bytes.
"""

import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tradeoffs.step import locks
from tradeoffs.step.errors import InputError

FOLDER = "TRADEOFFS_DECODED"
GIGABYTES = "TRADEOFFS_DECODED_GIGABYTES"
SUFFIX = ".pixels"
_PART = ".pixels-part"
# Sets that do not fit together would push each other out for ever, each written again and none read.
_IN_USE = 86_400.0  # seconds in which a file that was used makes no room for another
_SPARE = 2**30  # bytes of the disk that are left to results


class Bounded(NamedTuple):
    """The folder, and the bytes that its files may take."""

    folder: Path
    size: float


class Part(NamedTuple):
    """A file on its way to ``target``: open and locked."""

    file: int
    path: Path
    target: Path


def size_of(images: int, side: int) -> int:
    """Return the bytes of so many images, three of each pixel, and of a number for each."""
    return images * (side * side * 3 + 8)


def bounded() -> Bounded | None:
    """Return the folder that the environment names, brought within its bound; None where nothing is to be kept.

    Raises InputError for a bound that is no number of gigabytes.
    """
    folder, text = os.environ.get(FOLDER, ""), os.environ.get(GIGABYTES, "0")
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < 1e6:
        raise InputError(f"{GIGABYTES} = {text!r}; expected a number of gigabytes, 0 to keep no decoded images")
    if not folder or not gigabytes:
        return None
    found = Bounded(Path(folder), gigabytes * 1e9)
    for path in _listed(found.folder, _PART):
        _remove_left(path)
    _make_room(found, float("inf"))
    return found


def use(path: Path) -> int | None:
    """Open a file of the folder for reading and note that it was used; None where there is none that can be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    with suppress(OSError):  # of another user
        os.utime(path)
    return file


def begin(target: Path, size: int, within: Bounded) -> Part | None:
    """Return a file of ``size`` bytes that will be ``target``; None where it is not to be, which is said.

    It is not where it would not fit into the bound, beside what was used of late, or on the disk; nor, without a word,
    where another process is writing it.
    """
    if size > within.size:
        _say(target, f"{_gigabytes(size)}, of which the bound allows {_gigabytes(within.size)}")
        return None
    part = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _locked(target)
        if part is None or _fits(part, size, within):
            return part
    except (OSError, InputError) as error:
        _say(target, str(error))
    if part is not None:
        drop(part)
    return None


def finish(part: Part) -> None:
    """Put a whole file in its place, once its bytes are on the disk: another machine must not see it without them."""
    try:
        os.fsync(part.file)
        part.path.replace(part.target)
    except OSError as error:
        _say(part.target, error.strerror or str(error))
        drop(part)
    else:
        locks.release(part.file, part.path)


def drop(part: Part, error: OSError | None = None) -> None:
    """Remove a file that will not be whole; say why, where ``error`` is given."""
    if error is not None:
        _say(part.target, error.strerror or str(error))
    with suppress(OSError):
        os.ftruncate(part.file, 0)  # whoever may still have it open, its bytes are free
    with suppress(OSError):
        part.path.unlink()
    locks.release(part.file, part.path)


def discard(path: Path, why: str) -> None:
    """Remove a damaged file, with a line."""
    print(f"{path}: {why}; it is removed, and its images are decoded again", file=sys.stderr)
    with suppress(OSError):
        path.unlink()


def _locked(target: Path) -> Part | None:
    """Return the file beside ``target``, empty; None where another process writes it, or has just finished.

    Raises InputError or OSError where there cannot be one.
    """
    path = target.with_suffix(_PART)
    file = locks.open_file(path)
    if not locks.take(file, path):
        os.close(file)
        return None
    part = Part(file, path, target)
    if not _is(file, path):  # renamed or removed before it was locked
        locks.release(file, path)
        return None
    if target.exists():
        drop(part)
        return None
    return part


def _fits(part: Part, size: int, within: Bounded) -> bool:
    """Whether there is room; the file then has its size, though not its bytes, so that other processes count it."""
    os.ftruncate(part.file, 0)
    os.ftruncate(part.file, size)
    if not _make_room(within, time.time() - _IN_USE):
        _say(part.target, f"{_gigabytes(size)}, and the others there, used within a day, leave no room for it")
        return False
    if shutil.disk_usage(part.path.parent).free < size + _promised(part.path) + _SPARE:
        _say(part.target, f"{_gigabytes(size)}, and the disk is nearly full")
        return False
    return True


def _promised(own: Path) -> int:
    """Return the bytes that files on their way beside ``own`` will take of the disk, and have not taken yet."""
    total = 0
    for path in _listed(own.parent, _PART):
        with suppress(OSError):
            if path != own:
                status = path.stat()
                total += max(0, status.st_size - 512 * status.st_blocks)
    return total


def _make_room(within: Bounded, before: float) -> bool:
    """Remove files that were used before that time, the longest ago first, until the rest fits; return whether it does.

    What is on its way counts, and stays. Where the rest would not fit either, nothing is removed.
    """
    found = []
    for path in _listed(within.folder, SUFFIX, _PART):
        with suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    old = sorted((used, size, path) for used, size, path in found if path.suffix == SUFFIX and used < before)
    if total - sum(size for _, size, _ in old) > within.size:
        return False
    for _, size, path in old:
        if total <= within.size:
            break
        with suppress(OSError):
            path.unlink()
            total -= size
    return total <= within.size


def _remove_left(path: Path) -> None:
    """Remove what a killed process left; nothing where its process is at work."""
    with suppress(OSError, InputError):
        file = locks.open_file(path)
        if not locks.take(file, path):
            os.close(file)
            return
        if _is(file, path):
            path.unlink()
        locks.release(file, path)


def _is(file: int, path: Path) -> bool:
    """Whether an open file is the one at ``path``."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def _listed(folder: Path, *suffixes: str) -> list[Path]:
    """Return the files of the folder, which may be missing."""
    try:
        return [path for path in folder.iterdir() if path.suffix in suffixes]
    except OSError:
        return []


def _say(target: Path, why: str) -> None:
    print(f"decoded images are not kept as {target}: {why}", file=sys.stderr)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.3g} GB"
