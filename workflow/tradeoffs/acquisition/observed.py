"""What lies at a path of the user's, by content: looked at before every run, read again only where it may have changed.

The content id of a path is over its files' names, sizes and contents, not over times or over where it lies. Reading
hundreds of gigabytes at every start would take hours, so a record keeps for each folder a signature (names, sizes,
times of change of its files) beside the digest of its contents: while the signature stays, so does the digest.
``touch`` or a copy in place changes signatures, so these folders are read again, and the id stays.

The record also knows the first content that was read whole: the token of :func:`token` is empty for that one. So a
first look need not read anything, and what is assembled from a path is stale exactly when the content is another. What
is assembled knows its content too (``fingerprint.json``): should the record be lost, that is what counts as the first.
"""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.acquisition.storage import exclusive, progress
from tradeoffs.compute.parallel import in_order
from tradeoffs.step.errors import InputError, RefusedError
from tradeoffs.step.files import read_json, sha256, write_json
from tradeoffs.step.folders import unreadable, walk

_READERS = 8  # threads: reading waits for the disk, and hashing a block lets the others run
_AHEAD = 64
_SHOWN = 500_000_000  # bytes to read from which on a progress bar says so
_SAVE_EVERY = 60.0  # seconds
_SETTLED = 2_000_000_000  # ns: a file changed so recently may change again without a change of its time


class Content(NamedTuple):
    """SHA-256 (hex) over the folders with files, by their relative paths, and the number of files."""

    id: str
    files: int


class _Folder(NamedTuple):
    signature: str
    content: str
    files: int


def content(path: Path, records: Path | None = None) -> Content:
    """Return what a file or folder holds, reading what the record in the folder ``records`` does not know.

    The record is brought up to date. Without ``records`` everything is read. Raises InputError for what is missing or
    cannot be read, naming it.
    """
    if records is None:
        return _total(_read(path, {}, lambda found: None))
    record = _record(records, path)
    with exclusive(record):
        known = _load(record)
        save = lambda found: _save(record, path, known.get("first"), found)  # noqa: E731
        found = _read(path, _folders(known), save)
        total = _total(found)
        first = known.get("first") or total.id
        if found != _folders(known) or first != known.get("first"):
            _save(record, path, first, found)
    return total


def of_file(digest: str, size: int) -> Content:
    """Return what :func:`content` says of a file with this SHA-256 (hex), of so many bytes."""
    return _total({"": _Folder("", _described([(size, digest, "")]), 1)})


def recorded(path: Path, records: Path) -> Content:
    """Return what ``path`` held when it was last looked at; of nothing where it never was."""
    return _total(_folders(_load(_record(records, path))))


def token(path: Path, records: Path, assembled: Collection[str] = (), *, look: bool = True) -> str:
    """Return '' while ``path`` holds what was first read there (or was never read), else the id of what it holds.

    ``look``: read what changed since; else what the record says. ``assembled``: ids of what it held when something was
    made of it, where anything was. Errors as :func:`content`.
    """
    record = _record(records, path)
    first = _load(record).get("first")
    if first is None and not (assembled and look):
        return ""
    found = content(path, records).id if look else recorded(path, records).id
    if first is None:  # the record was lost: what was made of another content is stale
        first = next((each for each in sorted(assembled) if each != found), found)
        with exclusive(record):
            _save(record, path, first, _folders(_load(record)))
    return "" if found == first else found


def _read(path: Path, known: dict[str, _Folder], save: Callable[[dict[str, _Folder]], None]) -> dict[str, _Folder]:
    """Return the folders below ``path`` by relative path ('' is itself, also where it is a file).

    What is ``known`` and has its signature still is not read. ``save`` is given what is there, once in a while.
    """
    found: dict[str, _Folder] = {}
    left: list[tuple[str, str, list[tuple[str, str, int]]]] = []
    now = time.time_ns()
    for relative, names in _listing(path):
        if not names:
            continue
        described, sizes, newest = hashlib.sha256(), [], 0
        for name, full in names:
            status = _stat(full)
            if not stat.S_ISREG(status.st_mode):  # said before hours of reading what comes first
                raise RefusedError(f"{full}: a pipe or a device, expected a plain file; remove it")
            changed = status.st_ctime_ns  # unlike the time of modification nobody can set it
            described.update(os.fsencode(f"{status.st_size} {status.st_mtime_ns} {changed} {name}\n"))
            sizes.append((name, full, status.st_size))
            newest = max(newest, changed)
        signature = described.hexdigest() if newest < now - _SETTLED else ""
        if relative in known and signature == known[relative].signature != "":
            found[relative] = known[relative]
        else:
            left.append((relative, signature, sizes))
    total = sum(size for _, _, sizes in left for _, _, size in sizes)
    saved = time.monotonic()
    with progress(f"read {path}", total) if total >= _SHOWN else _Quiet() as bar:
        for relative, signature, sizes in left:
            digests = in_order(lambda item: sha256(Path(item[1])), sizes, workers=_READERS, ahead=_AHEAD)
            read = []
            for (name, _, size), future in zip(sizes, digests, strict=True):
                read.append((size, future.result(), name))
                bar.update(size)
            found[relative] = _Folder(signature, _described(read), len(sizes))
            if time.monotonic() - saved > _SAVE_EVERY:  # a first reading takes an hour, and may be interrupted
                save(known | found)
                saved = time.monotonic()
    return found


class _Quiet:
    """A progress bar that shows nothing."""

    def __enter__(self) -> "_Quiet":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, count: int) -> None:
        """Show nothing."""


def _described(files: Iterable[tuple[int, str, str]]) -> str:
    """Return the digest of a folder's files, each as its size, SHA-256 and name."""
    digest = hashlib.sha256()
    for size, content, name in files:
        digest.update(os.fsencode(f"{size} {content} {name}\n"))
    return digest.hexdigest()


def _listing(path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each folder with its files' names and paths; a file counts as a folder of its own, without a name."""
    if not stat.S_ISDIR(_stat(str(path)).st_mode):
        yield "", [("", str(path))]
        return
    for relative, files in walk(path):
        yield relative, [(entry.name, entry.path) for entry in files]


def _stat(path: str) -> os.stat_result:
    """Return what the system says of a path; InputError where it does not. Of millions: without a Path for each."""
    try:
        return os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise unreadable(Path(path), error) from None


def _total(found: dict[str, _Folder]) -> Content:
    total = hashlib.sha256()
    for relative in sorted(found):
        total.update(os.fsencode(f"{found[relative].content} {relative}\n"))
    return Content(total.hexdigest(), sum(folder.files for folder in found.values()))


def _record(records: Path, path: Path) -> Path:
    """Return where the record of a path lies: named for a person, told apart by the whole path."""
    # As it was given: links may lead elsewhere tomorrow, and a project folder be moved with what lies beside it.
    return records / f"{path.name}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}.json"


def _load(record: Path) -> dict[str, Any]:
    """Return a record, empty where there is none or it is broken: then everything is read again."""
    try:
        known = read_json(record)
        _folders(known)
    except RefusedError:
        raise
    except (InputError, TypeError, AttributeError):
        return {}
    return dict(known)


def _folders(known: dict[str, Any]) -> dict[str, _Folder]:
    return {name: _Folder(*entry) for name, entry in known.get("folders", {}).items()}


def _save(record: Path, path: Path, first: str | None, found: dict[str, _Folder]) -> None:
    write_json(record, {"path": str(path), "first": first, "folders": {name: list(f) for name, f in found.items()}})
