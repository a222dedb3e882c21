"""Files appear whole or not at all: write beside the target, then rename."""

import contextlib
import errno
import hashlib
import io
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import opened, read_text


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Call ``write(temporary)`` and rename ``temporary`` (same folder, same suffix) to ``path``.

    The temporary name is unique, so two processes writing one file never mix; the last rename wins. Raises OSError that
    names ``path``, or the folder that cannot be made; InputError for a device or a pipe, which would become a file.
    """
    if not path.name:  # ".": no file has that name
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    plain(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem[:40]}.{os.getpid()}.{secrets.token_hex(4)}{path.suffix[:20]}")
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary), temporary):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with contextlib.suppress(OSError):  # a read-only disk: what was refused before counts
            temporary.unlink(missing_ok=True)


def plain(path: Path) -> None:
    """Raise InputError for a path at which there is neither a file nor a folder nor nothing: a device, a pipe."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: a device, pipe or socket; expected the path of a file to write")


def may_be_written(path: Path) -> None:
    """Raise InputError, before hours are spent, for a path at which the system lets nobody, or not us, write a file."""
    plain(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected the path of a file to write")
    place = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not place.is_dir():
        raise InputError(f"{path}: {place} is no folder; correct the path")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"{path}: nothing can be written into {place}; correct the path, or its permissions")


def write_whole(path: Path, save: Callable[[BinaryIO], object]) -> None:
    """Write what ``save`` puts into a buffer in memory: libraries make other errors of a full disk than OSError.

    In memory, torch does not write the file's name either, by which equal weights would differ.
    """
    buffer = io.BytesIO()
    save(buffer)

    def write(temporary: Path) -> None:
        temporary.write_bytes(buffer.getbuffer())

    write_atomically(path, write)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys; NaN is refused (ValueError), use null."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"

    def write(temporary: Path) -> None:
        temporary.write_text(text)

    write_atomically(path, write)


def read_json(path: Path) -> Any:
    """Read JSON; a missing or broken file is an :class:`InputError` that names it, RefusedError one out of reach."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); delete it and make it again") from None


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hex; InputError names a file that is missing or cannot be read."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def set_aside(path: Path) -> Path | None:
    """Rename ``path`` to ``<name>.damaged`` (or ``.damaged2`` and on); return the new path, None where it is gone."""
    number, target = 1, path.with_name(f"{path.name}.damaged")
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged{number}")
    try:
        return path.rename(target)
    except FileNotFoundError:  # another step found the same damage, or the rule is making the file again
        return None
