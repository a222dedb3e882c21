"""What a folder holds, as one hash: over the contents of its files, or over their names and sizes."""

import hashlib
import os
from pathlib import Path

from tradeoffs.step.errors import InputError
from tradeoffs.step.files import sha256
from tradeoffs.step.folders import passed_over, unreadable, walk

FINGERPRINT = "fingerprint.json"
CARD = "card.json"
SOURCE = "source.json"
UNFINISHED = ".unfinished"  # how the name ends of what is written and has not its own name yet


def fingerprint(folder: Path) -> tuple[str, int]:
    """Return the SHA-256 (hex) over the sorted relative paths and contents of ``folder``, and the number of files.

    The folder's own ``fingerprint.json`` and ``card.json`` do not count. Raises InputError for a missing folder, and
    for anything below it that cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: folder not found; make the data first, or correct the path")
    files = _files(folder, (FINGERPRINT, CARD))
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(os.fsencode(f"{sha256(folder / name)} {name}\n"))
    return total.hexdigest(), len(files)


def listing(folder: Path) -> dict[str, int]:
    """Return the size of every file below ``folder`` by relative path, links followed.

    What a step wrote is left out, and what it has begun.
    Raises InputError for a folder below it that cannot be read: its files would count as none.
    """
    try:
        found = _files(folder, (FINGERPRINT, CARD, SOURCE))
        return {name: entry.stat().st_size for name, entry in found.items() if not name.endswith(UNFINISHED)}
    except OSError as error:
        raise unreadable(Path(error.filename), error) from None


def listing_as(folder: Path, source: str, expected: str) -> dict[str, int] | None:
    """Return the :func:`listing` of ``folder`` whose fingerprint is ``expected``; None where there is none.

    That of all files, or of all but those that a system or a kill has put there: an archive may hold such names too.
    """
    every = listing(folder)
    for sizes in (every, {name: size for name, size in every.items() if not stray(name)}):
        if listing_fingerprint(source, sizes) == expected:
            return sizes
    return None


def stray(name: str) -> bool:
    """Whether a file of this path is of no data set, unless its archive holds it: ``.DS_Store``, ``.nfs0001``.

    What a kill leaves of :func:`~tradeoffs.step.files.write_atomically` is hidden, and so among them.
    """
    return any(map(passed_over, name.split("/")))


def _files(folder: Path, own: tuple[str, ...]) -> dict[str, os.DirEntry[str]]:
    """Return all files below ``folder`` by relative path, but those of the names ``own`` in ``folder`` itself."""
    found: dict[str, os.DirEntry[str]] = {}
    for base, entries in walk(folder, skip=lambda _: False):
        found |= {f"{base}/{entry.name}" if base else entry.name: entry for entry in entries}
    return {name: entry for name, entry in found.items() if name not in own}


def listing_fingerprint(source: str, sizes: dict[str, int]) -> str:
    """Return the SHA-256 (hex) over where files come from and their sorted paths and sizes."""
    total = hashlib.sha256(f"{source}\n".encode())
    for name in sorted(sizes):
        total.update(f"{sizes[name]} {name}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()
