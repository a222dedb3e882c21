"""A file on a server that answers to ranges, read as if it were here: what was read is kept, at its place.

Until it is whole, or all that is wanted of it is there, the data are in ``FILE.<address>.sparse``, as long as the file
and with holes, and a note beside it says which bytes they are and of which version of the file (as
:mod:`tradeoffs.acquisition.download`), so that the next run goes on. Each address has one of its own: servers name
versions as they like, and what one has sent is not given up because another was asked for once.
"""

import glob
import hashlib
import io
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tradeoffs.acquisition import server
from tradeoffs.acquisition.archive_file import unexpected
from tradeoffs.acquisition.partial import Version
from tradeoffs.acquisition.storage import progress, require_space
from tradeoffs.step.errors import InputError, RefusedError
from tradeoffs.step.files import read_json, write_json

_FIRST = 1 << 16  # bytes of the first request; a read fetches as many at least
_NOTED = 1 << 26  # bytes after which it is noted that they are there

# What is done about a failure: number of failures in a row, and what the server said. It waits, or raises
# NotDeliveredError.
Wait = Callable[[int, server.TryAgainError], None]
Span = tuple[int, int]  # first byte, and the one behind the last


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the same bytes in as few spans as possible, in order."""
    found: list[Span] = []
    for first, end in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif first < end:
            found.append((first, end))
    return found


def missing(wanted: Iterable[Span], done: Iterable[Span]) -> list[Span]:
    """Return the bytes of ``wanted`` that are not among ``done``."""
    found = []
    there = joined(done)
    for start, end in joined(wanted):
        first = start
        for had, until in there:
            if until <= first or had >= end:
                continue
            if had > first:
                found.append((first, had))
            first = until
        if first < end:
            found.append((first, end))
    return found


def size_of(spans: Iterable[Span]) -> int:
    """Return the number of bytes of spans that have none in common."""
    return sum(end - first for first, end in spans)


class RemoteFile(io.RawIOBase):
    """A file on a server, read by ranges; what was read is kept at its place in a file of the same length."""

    def __init__(self, url: str, path: Path, total: int, validator: str, done: list[Span], wait: Wait) -> None:
        super().__init__()
        self.url, self.path, self.total, self.done = url, path, total, done
        self._validator, self._wait, self._at = validator, wait, 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        os.ftruncate(self._file, total)

    @classmethod
    def begun(cls, url: str, archive: Path, wait: Wait) -> "RemoteFile | None":
        """Return the file at an address, with what is here of the same version; None without ranges, or a version."""
        address = hashlib.sha256(url.encode()).hexdigest()[:8]
        path = archive.with_name(f"{archive.name}.{address}.sparse")
        offered = _offered(url, archive.name, wait)
        if offered is None:
            return None
        validator, total = offered
        known = _known(path)
        same = known is not None and (known["validator"], known["total"]) == (validator, total)
        if not same:
            path.unlink(missing_ok=True)
        return cls(url, path, total, validator, [(a, b) for a, b in known["done"]] if known and same else [], wait)

    def complete(self, spans: list[Span]) -> None:
        """Fetch what is not here of these bytes; InputError where the disk has no room for it."""
        left = missing(spans, self.done)
        require_space(self.path, size_of(left))
        with progress(self.path.name.rsplit(".", 2)[0], size_of(spans), size_of(spans) - size_of(left)) as bar:
            for span in left:
                self._fetch(*span, bar)

    def finish(self, archive: Path) -> None:
        """Give the file its name."""
        self.path.replace(archive)
        _state(self.path).unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove what is here."""
        self.close()
        self.path.unlink(missing_ok=True)
        _state(self.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Note what is there."""
        if not self.closed:
            self._keep()
            os.close(self._file)
        super().close()

    def readable(self) -> bool:
        """As files are."""
        return True

    def seekable(self) -> bool:
        """As files are."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.total}[whence]
        if self._at < 0:
            raise OSError("a position before the file's first byte")
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read what is at the position, fetched where it is not here."""
        end = min(self._at + len(buffer), self.total)
        if end <= self._at:
            return 0
        for first, until in missing([(self._at, end)], self.done):
            self._fetch(first, max(until, min(first + _FIRST, self.total)), None)
        block = os.pread(self._file, end - self._at, self._at)
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)

    def _fetch(self, first: int, end: int, bar: Any) -> None:
        """Receive the bytes from ``first`` on, however often the address fails while there is progress."""
        failures = 0
        while first < end:
            reached = first
            try:
                reached = self._receive(first, end, bar)
            except _CutError as cut:
                reached, reason = cut.reached, cut.reason
                failures = 0 if reached > first and not reason.in_vain else failures + 1
                self._wait(failures, reason)
            first = reached

    def _receive(self, first: int, end: int, bar: Any) -> int:
        """Receive bytes into their place; return the one behind the last. _CutError where there should be more."""
        at = first
        asked = {"Range": f"bytes={first}-{end - 1}", "If-Range": self._validator}
        try:
            with server.request(self.url, server.headers(0, Version(None, None), False) | asked) as response:
                given = server.answer(response)
                if given.status == 200 or given.offered.validator != self._validator:
                    raise server.NotDeliveredError("has another version of the file than before", start_over=True)
                if given.content_range != f"bytes {first}-{end - 1}/{self.total}" or given.encoding != "identity":
                    raise server.TryAgainError(f"answered with the wrong range ({given.content_range or None})")
                pace = server.Pace()
                while at < end and (block := server.read(response)[: end - at]):
                    os.pwrite(self._file, block, at)
                    at = self._had(at, len(block), bar)
                    pace.check(len(block))
            if at < end:
                raise server.TryAgainError(f"connection cut after {at - first} of {end - first} bytes")
        except server.TryAgainError as reason:
            raise _CutError(at, reason) from None
        return at

    def _had(self, at: int, length: int, bar: Any) -> int:
        """Note bytes that have arrived; return the place behind them."""
        before = size_of(self.done)
        self.done = joined([*self.done, (at, at + length)])
        if bar is not None:
            bar.update(length)
        if before // _NOTED != size_of(self.done) // _NOTED:
            self._keep()
        return at + length

    def _keep(self) -> None:
        os.fsync(self._file)
        content = {"validator": self._validator, "total": self.total, "done": self.done}
        write_json(_state(self.path), content)


def forget_all(archive: Path) -> None:
    """Remove what is here of an archive that is no longer wanted by ranges, from whatever address."""
    for pattern in (f"{glob.escape(archive.name)}.*.sparse", f"{glob.escape(archive.name)}.sparse"):
        for path in archive.parent.glob(pattern):
            path.unlink(missing_ok=True)
            _state(path).unlink(missing_ok=True)


class _CutError(Exception):
    """The connection ended too early, after the byte before ``reached``."""

    def __init__(self, reached: int, reason: server.TryAgainError) -> None:
        super().__init__(str(reason))
        self.reached, self.reason = reached, reason


def _state(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _known(path: Path) -> dict[str, Any] | None:
    """Return what is noted of data that are here; None where nothing is, or the note is damaged.

    RefusedError where the system does not let us read it.
    """
    try:
        found = read_json(_state(path))
    except RefusedError:  # nothing is known of it, so it is no damage
        raise
    except InputError:
        return None
    if not path.is_file() or not isinstance(found, dict) or found.keys() != {"validator", "total", "done"}:
        return None
    total, done = found["total"], found["done"]
    spans = isinstance(done, list) and all(
        isinstance(span, list) and len(span) == 2 and all(type(place) is int for place in span) for span in done
    )
    if type(total) is not int or not spans or any(not 0 <= first < end <= total for first, end in done):
        return None
    return found


def _offered(url: str, name: str, wait: Wait) -> tuple[str, int] | None:
    """Return version and size of what is at an address; None where it has no ranges, or cannot tell its versions."""
    failures = 0
    while True:
        try:
            asked = {"Range": f"bytes=0-{_FIRST - 1}"}
            with server.request(url, server.headers(0, Version(None, None), False) | asked) as response:
                given = server.answer(response)
                found = re.fullmatch(r"bytes 0-\d{1,18}/(\d{1,18})", given.content_range)
                if given.status != 206 or found is None or given.offered.validator is None:
                    return None
                first, total = server.read_start(response), int(found[1])
                if len(first) < min(server.START, total):
                    raise server.TryAgainError(f"connection cut after {len(first)} of {total} bytes")
                if wrong := unexpected(name, first):
                    raise server.NotDeliveredError(wrong)
                return given.offered.validator, total
        except server.TryAgainError as reason:
            failures += 1
            wait(failures, reason)
