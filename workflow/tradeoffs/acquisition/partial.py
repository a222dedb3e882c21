"""A file that is not complete yet: its data in ``FILE.part``, the version that they belong to in ``FILE.part.json``."""

import os
import re
import stat
from pathlib import Path
from typing import IO, NamedTuple

from tradeoffs.step.errors import InputError, RefusedError
from tradeoffs.step.files import read_json, write_json

PRINTABLE = re.compile(r"[ -~]{1,1000}")


class Version(NamedTuple):
    """Which file the partial data belong to: ``validator`` for If-Range, ``total`` bytes; None where not said."""

    validator: str | None
    total: int | None


def data_of(out: Path) -> Path:
    """Return where the data of the file ``out`` are until it is complete."""
    return out.with_name(f"{out.name}.part")


def _version_of(out: Path) -> Path:
    return out.with_name(f"{out.name}.part.json")


def size(out: Path) -> int:
    """Return the number of bytes that are there."""
    path = data_of(out)
    return path.stat().st_size if path.exists() else 0


def read_version(out: Path) -> Version:
    """Return what is known of the partial data; nothing where its file is missing or damaged: then it starts over.

    RefusedError where the system does not let us read it.
    """
    nothing = Version(None, None)
    try:
        found = Version(**read_json(_version_of(out)))
    except RefusedError:  # nothing is known of it, so it is no damage
        raise
    except (InputError, TypeError):
        return nothing
    printable = isinstance(found.validator, str) and PRINTABLE.fullmatch(found.validator)
    if not (found.validator is None or printable) or type(found.total) not in (int, type(None)):
        return nothing
    return found


def write_version(out: Path, version: Version) -> None:
    """Note which file the data belong to."""
    write_json(_version_of(out), version._asdict())


def check_plain(out: Path) -> None:
    """InputError where the data's file is there already and is a link, a device, a pipe or a folder."""
    path = data_of(out)
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(kind):
        raise InputError(f"{path}: not a plain file, so nothing is written to it; remove it and run again")


def opened(out: Path, offset: int) -> IO[bytes]:
    """Open the data to go on from ``offset`` or to start over; a link is never followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_APPEND if offset else os.O_TRUNC)
    return os.fdopen(os.open(data_of(out), flags, 0o666), "ab" if offset else "wb")


def forget(out: Path) -> None:
    """Remove partial data that are finished or of no use."""
    data_of(out).unlink(missing_ok=True)
    _version_of(out).unlink(missing_ok=True)
