"""Download one file: ``python -m tradeoffs.data.download --spec JSON --out ARCHIVE``.

``ARCHIVE`` appears by a rename, after its size and checksum were verified. Until then the data are in ``ARCHIVE.part``,
and ``ARCHIVE.part.json`` says which version of the file they belong to (its ETag or Last-Modified, RFC 9110 sections
13.1.5 and 14), so that a file that changed on the server is never spliced. A checksum that nobody published is recorded
in ``ARCHIVE.sha256`` at first use and checked ever after. The next run goes on where this one stopped, however it did.
"""

import argparse
import http.client
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.cards import write_card
from tradeoffs.code_id import code_id
from tradeoffs.data.archive_file import Published, known_sha256, problem, read_record, unexpected, write_record
from tradeoffs.data.storage import exclusive, explained, progress, readable, require_space
from tradeoffs.errors import InputError, exit_code
from tradeoffs.files import read_json, write_json
from tradeoffs.specs import parse_spec

ATTEMPTS = 5  # at one address, without a byte of progress
PAUSE = 1.0  # seconds before the second attempt; doubles with each
LONGEST_PAUSE = 120.0  # seconds; also of what a server asks for by Retry-After
TIMEOUT = 60.0  # seconds without a byte, connecting included

_BLOCK = 1 << 18
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)


class _TryAgainError(Exception):
    """This address may deliver later."""

    pause = 0.0  # seconds the server asks for


class _RefusedError(Exception):
    """This address will not deliver the file."""


class _Version(NamedTuple):
    """Which file the partial data belong to: ``validator`` for If-Range, ``total`` bytes; None where not said."""

    validator: str | None
    total: int | None


def download(urls: list[str], out: Path, published: Published) -> None:
    """Make ``out`` from the first of ``urls`` (http or https) that delivers it as published.

    A file already at ``out`` is verified, not fetched. Raises InputError, in one line, where no address delivered, the
    disk is full, or the file at ``out`` is another one.
    """
    with exclusive(out), explained(out, "what was received is kept, and the next run goes on from there"):
        recorded = read_record(out)
        if out.exists():
            wrong, sha256 = problem(out, out.name, published, recorded)
            if wrong is not None:
                raise InputError(f"{out}: {wrong}; delete this file, and the next run downloads it again")
        else:
            sha256 = _fetch(urls, out, published, recorded)
        write_record(out, sha256)
        if not out.exists():
            _part(out).replace(out)
        _forget(out)


def _fetch(urls: list[str], out: Path, published: Published, recorded: str | None) -> str:
    """Complete and verify the partial file; return its SHA-256."""
    reasons = []
    for url in urls:
        try:
            return _fetch_from(url, out, published, recorded)
        except _RefusedError as reason:
            reasons.append(f"{url}: {reason}")
            print(f"{out.name}: {reasons[-1]}", file=sys.stderr, flush=True)
    kept = _size(_part(out))
    hint = f"; {readable(kept)} are kept, and the next run goes on from there" if kept else ""
    raise InputError(f"{out}: no address delivered it ({'; '.join(reasons)}){hint}")


def _fetch_from(url: str, out: Path, published: Published, recorded: str | None) -> str:
    """Complete and verify the partial file from one address; raise _RefusedError where that cannot be had."""
    failures, furthest, spliced = 0, _size(_part(out)), False
    checksum_known = not (published.sha256 is None and published.md5 is None and recorded is None)
    while True:
        try:
            start = _receive(url, out, published.size, checksum_known)
        except _TryAgainError as reason:
            reached = _size(_part(out))
            failures = 0 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if failures >= ATTEMPTS:
                raise _RefusedError(f"{reason}, {ATTEMPTS} times") from None
            pause = min(max(PAUSE * 2 ** max(failures - 1, 0), reason.pause), LONGEST_PAUSE)
            print(f"{out.name}: {url}: {reason}; again in {pause:.0f} s", file=sys.stderr, flush=True)
            time.sleep(pause)
            continue
        wrong, sha256 = problem(_part(out), out.name, published, recorded)
        if wrong is None:
            return sha256
        _forget(out)
        if start == 0 or spliced:
            raise _RefusedError(wrong)
        spliced = True  # what an earlier run left may be to blame: once more, from the first byte


def _receive(url: str, out: Path, size: int | None, checksum_known: bool) -> int:
    """Receive what is missing of the partial file; return the byte it went on from.

    Partial data are continued where a validator makes sure that they belong to the same file, or a checksum will show
    whether they do. Everything else starts over.
    """
    part, version = _part(out), _read_version(out)
    offset = _size(part)
    if offset and version.total == offset:
        return offset  # complete; the last run ended before it could say so
    headers = {"User-Agent": "tradeoffs", "Accept-Encoding": "identity"}
    if offset and (version.validator or checksum_known):
        headers["Range"] = f"bytes={offset}-"
        if version.validator:
            headers["If-Range"] = version.validator
    with _open(url, headers, out) as response:
        offered = _offered(response)
        if response.status == 206:
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
            if found is None or int(found[1]) != offset or version.total not in (None, int(found[2])):
                _forget(out)
                raise _TryAgainError(f"answered with the wrong range ({response.headers.get('Content-Range')})")
            offered = version._replace(total=int(found[2]))
        else:
            offset = 0
        if size is not None and offered.total not in (None, size):
            raise _RefusedError(f"offers {offered.total} bytes, expected {size}")
        total = offered.total if offered.total is not None else size
        require_space(out, (total or 0) - _size(part))  # where it starts over, what is there makes room
        first = _read(response)
        wrong = unexpected(out.name, first) if offset == 0 and len(first) > 8 else None
        if wrong is not None:
            raise _RefusedError(wrong)
        with part.open("ab" if offset else "wb") as sink, progress(out.name, total, offset) as bar:
            write_json(_version(out), offered._asdict())
            received, block = offset, first
            while block:
                sink.write(block)
                sink.flush()
                received += len(block)
                bar.update(len(block))
                block = _read(response) if total is None or received <= total else b""
            os.fsync(sink.fileno())
    if total is not None and received > total:
        _forget(out)
        raise _RefusedError(f"sends more than the {total} bytes expected")
    if total is not None and received < total:
        raise _TryAgainError(f"connection cut after {received} of {total} bytes")
    return offset


def _open(url: str, headers: dict[str, str], out: Path) -> Any:
    """Return the response to a GET; _TryAgainError for what may pass, _RefusedError for what will not."""
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            said = f"{error.code} {error.reason}"
            if error.code == 416:
                _forget(out)  # the file has become shorter than what is here
            if error.code not in (416, *_TRANSIENT):
                raise _RefusedError(said) from None
            again = _TryAgainError(said)
            wait = error.headers.get("Retry-After", "")
            again.pause = float(wait) if wait.isdecimal() else 0.0
            raise again from None
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgainError(_network(error)) from None


def _read(response: Any) -> bytes:
    try:
        block: bytes = response.read1(_BLOCK)  # what is there: read() would lose it in a timeout
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgainError(_network(error)) from None
    return block


def _network(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"no answer for {TIMEOUT:.0f} s"
    if isinstance(error, http.client.IncompleteRead):
        return "connection cut"
    return str(reason) or type(reason).__name__


def _offered(response: Any) -> _Version:
    """Return what a full answer says of the file. A weak ETag cannot vouch for single bytes (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag")
    strong = etag if etag and not etag.startswith("W/") else None
    length = response.headers.get("Content-Length", "")
    return _Version(strong or response.headers.get("Last-Modified"), int(length) if length.isdecimal() else None)


def _part(out: Path) -> Path:
    return out.with_name(f"{out.name}.part")


def _version(out: Path) -> Path:
    return out.with_name(f"{out.name}.part.json")


def _read_version(out: Path) -> _Version:
    try:
        return _Version(**read_json(_version(out)))
    except (InputError, TypeError):
        return _Version(None, None)


def _forget(out: Path) -> None:
    """Remove partial data that are finished or of no use."""
    _part(out).unlink(missing_ok=True)
    _version(out).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def parse(text: str) -> tuple[list[str], Published]:
    """Return the addresses and what is published from ``--spec``; InputError for anything unusable."""
    nothing = type(None)
    spec = parse_spec(text, {"urls": list, "sha256": (str, nothing), "md5": (str, nothing), "size": (int, nothing)})
    if not spec["urls"]:
        raise InputError("--spec: urls is empty; give at least one address")
    for url in spec["urls"]:
        if not isinstance(url, str) or not re.match(r"https?://[^/\s]+/\S*$", url):
            raise InputError(f"--spec: urls holds {url!r}; expected an address that starts with http:// or https://")
    for key, digits in (("sha256", 64), ("md5", 32)):
        if spec[key] is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", spec[key]):
            raise InputError(f"--spec: {key} = {spec[key]!r}; expected {digits} lower-case hex digits, or null")
    if spec["size"] is not None and spec["size"] < 1:
        raise InputError(f"--spec: size = {spec['size']}; expected a number of bytes, or null")
    return spec["urls"], Published(spec["sha256"], spec["md5"], spec["size"])


def main() -> None:
    """Download one file from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help='{"urls": [...], "sha256": hex|null, "md5": ..., "size": ...}')
    parser.add_argument("--out", required=True, type=Path, help="file to make")
    parser.add_argument("--card", type=Path, help="JSON card to write, when the file is there and verified")
    arguments = parser.parse_args()
    started = time.perf_counter()
    urls, published = parse(arguments.spec)
    download(urls, arguments.out, published)
    if arguments.card is not None:
        write_card(
            arguments.card,
            kind="download",
            spec=json.loads(arguments.spec),
            code=code_id("tradeoffs.data.download"),
            data={arguments.out.name: known_sha256(arguments.out)},
            started=started,
            bytes=arguments.out.stat().st_size,
        )


if __name__ == "__main__":
    sys.exit(exit_code(main))
