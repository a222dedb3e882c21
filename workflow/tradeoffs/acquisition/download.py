"""Download one file: ``tradeoffs download --spec JSON --out ARCHIVE``.

``ARCHIVE`` appears by a rename, after its size and checksum were verified. Until then the data are in ``ARCHIVE.part``,
and ``ARCHIVE.part.json`` says which version of the file they belong to (its ETag or Last-Modified, RFC 9110 sections
13.1.5 and 14), so that a file that changed on the server is never spliced. A checksum that nobody published is recorded
in ``ARCHIVE.sha256`` at first use and checked ever after. The next run goes on where this one stopped, however it did.

What a server answers is judged in :mod:`tradeoffs.acquisition.server`; here is what is done about it.
"""

import os
import re
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tradeoffs.acquisition import mirrors, partial, server, zip_ranges
from tradeoffs.acquisition.addresses import shown
from tradeoffs.acquisition.archive_file import (
    Published,
    digests,
    known_sha256,
    problem,
    read_record,
    unexpected,
    write_record,
)
from tradeoffs.acquisition.objectnet_members import OVERLAP
from tradeoffs.acquisition.partial import Version
from tradeoffs.acquisition.remote_file import Wait, forget_all
from tradeoffs.acquisition.storage import exclusive, explained, progress, readable, require_space
from tradeoffs.acquisition.zip_ranges import Wanted
from tradeoffs.step.addresses import EXPECTED, is_address
from tradeoffs.step.cards import write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError

ATTEMPTS = 5  # at one address, without a byte of progress
PAUSE = 1.0  # seconds before the second attempt; doubles with each
LONGEST_PAUSE = 120.0  # seconds; also of what a server asks for by Retry-After


class Settings(NamedTuple):
    """``urls``: addresses of one file; its checksums in hex and its size in bytes, None where nobody published one.

    ``members``: of a zip, which is all that is fetched of it where the server answers to ranges (as those of
    :mod:`tradeoffs.acquisition.unpack`); ``password`` of these.
    """

    urls: list[str]
    sha256: str | None
    md5: str | None
    size: int | None
    members: list[str] | str | None = None
    password: str | None = None


def run(
    settings: Settings,
    *,
    out: Annotated[Path, "file to make"],
    card: Annotated[Path | None, "JSON card to write, when the file is there and verified"] = None,
) -> None:
    """Download one file. Its card keeps no password, and the file is not read again for its checksum."""
    started = time.perf_counter()
    wanted = Wanted(settings.members, settings.password) if settings.members is not None else None
    download(settings.urls, out, checked(settings), wanted)
    if card is not None:
        known = {out.name: known_sha256(out)}
        write_card(
            card,
            kind="download",
            spec=settings._asdict() | {"urls": [shown(url) for url in settings.urls], "password": None},
            code=code_id("tradeoffs.acquisition.download"),
            data=known,
            started=started,
            files=known,
            bytes=out.stat().st_size,
        )


def download(urls: list[str], out: Path, published: Published, wanted: Wanted | None = None) -> None:
    """Make ``out`` from the first of ``urls`` (http or https) that delivers it as published.

    Of a zip only the ``wanted`` members, where an address delivers these; a whole download that has begun goes on.
    A file already at ``out`` is verified, not fetched. Raises InputError, in one line, where no address delivered, the
    disk is full, or the file at ``out`` is another one.
    """
    with exclusive(out), explained(out, "what was received is kept, and the next run goes on from there"):
        partial.check_plain(out)
        recorded = read_record(out)
        if out.exists():
            if zip_ranges.is_part(out):
                if wanted is None:
                    raise InputError(
                        f"{out}: holds some members of the archive alone, of which no checksum is known; delete this "
                        "file, and the next run downloads all of it"
                    )
                published = Published(None, None, None)  # of the whole
            wrong, sha256 = problem(out, out.name, published, recorded)
            if wrong is not None:
                raise InputError(f"{out}: {wrong}; delete this file, and the next run downloads it again")
        elif wanted is not None and not partial.size(out) and _fetch_members(urls, out, published, wanted):
            sha256 = digests(out).sha256
        else:
            sha256 = _fetch(urls, out, published, recorded)
            zip_ranges.forget_part(out)
        if not out.exists():
            partial.data_of(out).replace(out)
        write_record(out, sha256)  # last, as it counts where it is not older than the file is in its place
        partial.forget(out)
        forget_all(out)


def _fetch_members(urls: list[str], out: Path, published: Published, wanted: Wanted) -> bool:
    """Make the file of the wanted members alone; False where an address has the file and does not answer to ranges.

    InputError where no address delivers, though all answer to ranges: what was received is kept.
    """

    def fetch(url: str) -> bool:
        by_ranges = zip_ranges.fetch(url, out, wanted, published.size, patience(url, out))
        if not by_ranges:
            mirrors.say(out, url, "has no ranges, so the whole file is fetched")
        return by_ranges

    return mirrors.first(urls, out, fetch, lambda: "; what was received is kept")


def patience(url: str, out: Path) -> Wait:
    """Return what is done about a failure of an address: to wait, or to raise NotDeliveredError after too many."""

    def wait(failures: int, reason: server.TryAgainError) -> None:
        if failures >= ATTEMPTS:
            raise server.NotDeliveredError(f"{reason}, {ATTEMPTS} times") from None
        pause = min(max(PAUSE * 2 ** max(failures - 1, 0), reason.pause), LONGEST_PAUSE)
        mirrors.say(out, url, f"{reason}; again in {pause:.0f} s")
        time.sleep(pause)

    return wait


def _fetch(urls: list[str], out: Path, published: Published, recorded: str | None) -> str:
    """Complete and verify the partial file; return its SHA-256."""

    def rest() -> str:
        kept = partial.size(out)
        return f"; {readable(kept)} are kept, and the next run goes on from there" if kept else ""

    return mirrors.first(urls, out, lambda url: _fetch_from(url, out, published, recorded), rest)


def _fetch_from(url: str, out: Path, published: Published, recorded: str | None) -> str:
    """Complete and verify the partial file from one address; raise NotDeliveredError where that cannot be had."""
    checksum_known = not (published.sha256 is None and published.md5 is None and recorded is None)
    start = _complete(url, out, published.size, checksum_known)
    wrong, sha256 = problem(partial.data_of(out), out.name, published, recorded)
    if wrong is not None:
        partial.forget(out)
        if start == 0:
            raise server.NotDeliveredError(wrong)
        # What an earlier run left may be to blame: once more, from the first byte.
        _complete(url, out, published.size, checksum_known)
        wrong, sha256 = problem(partial.data_of(out), out.name, published, recorded)
        if wrong is not None:
            partial.forget(out)
            raise server.NotDeliveredError(wrong)
    return sha256


def _complete(url: str, out: Path, size: int | None, checksum_known: bool) -> int:
    """Receive the partial file to its end, however often the address fails in between while there is progress.

    Return the byte that the last answer went on from; NotDeliveredError where the address does not deliver.
    """
    failures, furthest = 0, partial.size(out)
    wait = patience(url, out)
    while True:
        try:
            return _receive(url, out, size, checksum_known)
        except server.NoFileError as reason:
            if reason.start_over:
                partial.forget(out)
            if not isinstance(reason, server.TryAgainError):
                raise
            reached = partial.size(out)
            failures = 0 if reached > furthest and not reason.in_vain else failures + 1
            furthest = max(furthest, reached)
            wait(failures, reason)


def _receive(url: str, out: Path, size: int | None, checksum_known: bool) -> int:
    """Receive what is missing of the partial file; return the byte it went on from."""
    here, version = partial.size(out), partial.read_version(out)
    if here and version.total == here:
        return here  # complete; the last run ended before it could say so
    with _asked(url, here, version, checksum_known) as response:
        given = server.answer(response)
        if checksum_known:  # which shows whether what another address calls another version is one
            version = version._replace(validator=None)
        start, offered = server.beginning(given, out.name, here, version)
        total = server.length(offered.total, size)
        require_space(out, (total or 0) - partial.size(out))  # where it starts over, what is there makes room
        first = server.read_start(response)
        if start == 0:
            _check_start(first, total, out.name)
        received = _store(response, first, out, start, offered, total)
    if total is not None and received < total:
        raise server.TryAgainError(f"connection cut after {received} of {total} bytes")
    return start


def _asked(url: str, here: int, version: Version, checksum_known: bool) -> Any:
    """Return the response to a request for what is missing behind byte ``here``.

    A server that calls a file of the same length another version may be another address of the same file: where a
    checksum will show it, the rest alone is asked for once more.
    """
    response = server.request(url, server.headers(here, version, checksum_known))
    given = server.answer(response)
    if here and checksum_known and version.validator and given.status == 200 and given.offered.total == version.total:
        response.close()
        return server.request(url, server.headers(here, version._replace(validator=None), checksum_known))
    return response


def _check_start(first: bytes, total: int | None, name: str) -> None:
    """Check the first bytes of a file against its name, before anything that is here is given up for them."""
    if not first and total is None:
        raise server.NotDeliveredError("sends an empty file")
    if not first:
        raise server.TryAgainError(f"connection cut after 0 of {total} bytes")
    wrong = unexpected(name, first) if len(first) >= server.START else None
    if wrong is not None:
        raise server.NotDeliveredError(wrong)


def _store(response: Any, first: bytes, out: Path, start: int, offered: Version, total: int | None) -> int:
    """Write a body behind byte ``start``, to its end; return the number of bytes that are there then."""
    with partial.opened(out, start) as sink, progress(out.name, total, start) as bar:
        partial.write_version(out, offered)
        received, block, pace = start, first, server.Pace()
        while block:
            if total is not None and received + len(block) > total:
                raise server.NotDeliveredError(f"sends more than the {total} bytes expected", start_over=True)
            sink.write(block)
            sink.flush()
            received += len(block)
            bar.update(len(block))
            pace.check(len(block))
            block = server.read(response)
        os.fsync(sink.fileno())
    return received


def checked(settings: Settings) -> Published:
    """Return what is published; InputError for settings that are unusable."""
    if not settings.urls:
        raise InputError("--spec: urls is empty; give at least one address")
    for url in settings.urls:
        if not is_address(url):
            raise InputError(f"--spec: urls holds {url!r}; expected an address, {EXPECTED}")
    for key, value, digits in (("sha256", settings.sha256, 64), ("md5", settings.md5, 32)):
        if value is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
            raise InputError(f"--spec: {key} = {value!r}; expected {digits} lower-case hex digits, or null")
    if settings.size is not None and settings.size < 1:
        raise InputError(f"--spec: size = {settings.size}; expected a number of bytes, or null")
    if isinstance(settings.members, str) and settings.members != OVERLAP:
        raise InputError(f"--spec: members = {settings.members!r}; expected globs, {OVERLAP!r}, or null for all")
    return Published(settings.sha256, settings.md5, settings.size)
