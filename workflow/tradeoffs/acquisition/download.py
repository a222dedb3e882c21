"""Download one file: ``python -m tradeoffs.acquisition.download --spec JSON --out ARCHIVE``.

``ARCHIVE`` appears by a rename, after its size and checksum were verified. Until then the data are in ``ARCHIVE.part``,
and ``ARCHIVE.part.json`` says which version of the file they belong to (its ETag or Last-Modified, RFC 9110 sections
13.1.5 and 14), so that a file that changed on the server is never spliced. A checksum that nobody published is recorded
in ``ARCHIVE.sha256`` at first use and checked ever after. The next run goes on where this one stopped, however it did.

A server's answer is not trusted: one that is empty, too long, compressed on the way, of another version than what is
here, or that leads from https to http is no answer. A name and password in an address are sent, and never shown.
"""

import argparse
import base64
import http.client
import json
import os
import re
import stat
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from tradeoffs.acquisition.archive_file import Published, known_sha256, problem, read_record, unexpected, write_record
from tradeoffs.acquisition.storage import exclusive, explained, progress, readable, require_space
from tradeoffs.step.cards import write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError, exit_code
from tradeoffs.step.files import read_json, write_json
from tradeoffs.step.specs import parse_spec

ATTEMPTS = 5  # at one address, without a byte of progress
PAUSE = 1.0  # seconds before the second attempt; doubles with each
LONGEST_PAUSE = 120.0  # seconds; also of what a server asks for by Retry-After
TIMEOUT = 60.0  # seconds without a byte, connecting included
SLOWEST = 1000.0  # bytes per second over TIMEOUT; a server that sends less is as good as silent

_BLOCK = 1 << 18
_TRANSIENT = (202, 204, 408, 425, 429, 500, 502, 503, 504)
_LARGEST = 10**15  # bytes; a length beyond is a fault of the server


_SECRET = re.compile(r"((?:token|key|sig|password|secret|auth)[^=&]*=)[^&]+", re.IGNORECASE)
_PRINTABLE = re.compile(r"[ -~]{1,1000}")


class _TryAgainError(Exception):
    """This address may deliver later."""

    pause = 0.0  # seconds the server asks for
    in_vain = False  # whether what was received does not count as progress


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
        _check_plain(_part(out))
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
            reasons.append(f"{shown(url)}: {reason}")
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
            failures = 0 if reached > furthest and not reason.in_vain else failures + 1
            furthest = max(furthest, reached)
            if failures >= ATTEMPTS:
                raise _RefusedError(f"{reason}, {ATTEMPTS} times") from None
            pause = min(max(PAUSE * 2 ** max(failures - 1, 0), reason.pause), LONGEST_PAUSE)
            print(f"{out.name}: {shown(url)}: {reason}; again in {pause:.0f} s", file=sys.stderr, flush=True)
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
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        # Some servers call a .gz file's own compression an encoding; what it starts with is looked at below.
        if encoding != "identity" and not (encoding in ("gzip", "x-gzip") and out.name.endswith((".gz", ".tgz"))):
            raise _RefusedError(f"sends it as {encoding[:20]!r}, which was not asked for")
        if response.status == 206:
            found = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", response.headers.get("Content-Range", ""))
            if found is None or int(found[1]) != offset or version.total not in (None, int(found[2])):
                _forget(out)
                raise _TryAgainError(f"answered with the wrong range ({response.headers.get('Content-Range')})")
            if offset and version.validator and offered.validator not in (None, version.validator):
                _forget(out)
                raise _TryAgainError("went on with another version of the file")
            offered = _Version(offered.validator or version.validator, int(found[2]))
        elif response.status == 200:
            offset = 0
        else:
            raise _RefusedError(f"answered {response.status} {response.reason}")
        if size is not None and offered.total not in (None, size):
            raise _RefusedError(f"offers {offered.total} bytes, expected {size}")
        total = offered.total if offered.total is not None else size
        if total is not None and not 0 < total < _LARGEST:
            raise _RefusedError(f"offers {total} bytes")
        require_space(out, (total or 0) - _size(part))  # where it starts over, what is there makes room
        first = _read(response)
        if offset == 0 and not first:
            if total is None:
                raise _RefusedError("sends an empty file")
            raise _TryAgainError(f"connection cut after 0 of {total} bytes")
        wrong = unexpected(out.name, first) if offset == 0 and len(first) > 8 else None
        if wrong is not None:
            raise _RefusedError(wrong)
        with _opened(part, offset) as sink, progress(out.name, total, offset) as bar:
            write_json(_version(out), offered._asdict())
            received, block, pace = offset, first, _Pace()
            while block:
                if total is not None and received + len(block) > total:
                    _forget(out)
                    raise _RefusedError(f"sends more than the {total} bytes expected")
                sink.write(block)
                sink.flush()
                received += len(block)
                bar.update(len(block))
                pace.check(len(block))
                block = _read(response)
            os.fsync(sink.fileno())
    if total is not None and received < total:
        raise _TryAgainError(f"connection cut after {received} of {total} bytes")
    return offset


class _Pace:
    """Watches that a server sends at least SLOWEST bytes per second, window by window of TIMEOUT seconds."""

    def __init__(self) -> None:
        self._since, self._bytes = time.monotonic(), 0

    def check(self, received: int) -> None:
        """Count ``received`` bytes; _TryAgainError at the end of a window that brought too few."""
        self._bytes += received
        now = time.monotonic()
        if now - self._since < TIMEOUT:
            return
        if self._bytes < SLOWEST * (now - self._since):
            slow = _TryAgainError(f"sent {self._bytes} bytes in {now - self._since:.0f} s")
            slow.in_vain = True
            raise slow
        self._since, self._bytes = now, 0


def _open(url: str, headers: dict[str, str], out: Path) -> Any:
    """Return the response to a GET; _TryAgainError for what may pass, _RefusedError for what will not."""
    address, authorization = _without_password(url)
    try:
        request = urllib.request.Request(address, headers=headers)
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        response = urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            said = " ".join(f"{error.code} {error.reason}".split())  # a loop of redirects is told in three lines
            if error.code == 416:
                _forget(out)  # the file has become shorter than what is here
            if error.code not in (416, *_TRANSIENT):
                raise _RefusedError(said) from None
            again = _TryAgainError(said)
            wait = error.headers.get("Retry-After", "")
            again.pause = float(wait) if wait.isdecimal() else 0.0
            raise again from None
    except (ValueError, http.client.InvalidURL) as error:  # of the address itself, or of one it leads to
        raise _RefusedError(f"no usable address ({_network(error)})") from None
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgainError(_network(error)) from None
    if response.status in _TRANSIENT:
        with response:
            raise _TryAgainError(f"{response.status} {response.reason}")
    return response


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects as ever, but never from https to anything else, nor from http to what is neither."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Return the next request; _RefusedError for a scheme that would not protect the file as before."""
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after != "https"):
            raise _RefusedError(f"redirects from {before} to {after or 'no'} address, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _without_password(url: str) -> tuple[str, str | None]:
    """Return an address without name and password, and the header that says them to its own host and no other."""
    name, at, rest = urlsplit(url).netloc.rpartition("@")
    if not at:
        return url, None
    said = base64.b64encode(unquote(name).encode()).decode()
    return url.replace(f"{name}@{rest}", rest, 1), f"Basic {said}"


def shown(url: str) -> str:
    """Return an address as it may be printed and kept: without name, password and the values of a query."""
    plain = _without_password(url)[0].partition("#")[0]
    return _SECRET.sub(r"\1...", plain)


def _read(response: Any) -> bytes:
    try:
        block: bytes = response.read1(_BLOCK)  # what is there: read() would lose it in a timeout
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgainError(_network(error)) from None
    return block


def _network(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(error, UnicodeError):
        return "its host's name is malformed"
    if isinstance(reason, TimeoutError):
        return f"no answer for {TIMEOUT:.0f} s"
    if isinstance(error, http.client.IncompleteRead):
        return "connection cut"
    return " ".join(str(reason).split())[:200] or type(reason).__name__


def _offered(response: Any) -> _Version:
    """Return what a full answer says of the file. A weak ETag cannot vouch for single bytes (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag")
    strong = etag if etag and not etag.startswith("W/") else None
    length = response.headers.get("Content-Length", "")
    validator = strong or response.headers.get("Last-Modified")
    return _Version(
        validator if validator and _PRINTABLE.fullmatch(validator) else None,
        int(length) if re.fullmatch("[0-9]{1,18}", length) else None,
    )


def _part(out: Path) -> Path:
    return out.with_name(f"{out.name}.part")


def _version(out: Path) -> Path:
    return out.with_name(f"{out.name}.part.json")


def _read_version(out: Path) -> _Version:
    """Return what is known of the partial data; nothing where its file is missing or damaged: then it starts over."""
    nothing = _Version(None, None)
    try:
        found = _Version(**read_json(_version(out)))
    except (InputError, TypeError, RecursionError):
        return nothing
    printable = isinstance(found.validator, str) and _PRINTABLE.fullmatch(found.validator)
    if not (found.validator is None or printable) or type(found.total) not in (int, type(None)):
        return nothing
    return found


def _check_plain(path: Path) -> None:
    """InputError where a file that is written to is there already and is a link, a device, a pipe or a folder."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(kind):
        raise InputError(f"{path}: not a plain file, so nothing is written to it; remove it and run again")


def _opened(part: Path, offset: int) -> IO[bytes]:
    """Open the partial file to go on from ``offset`` or to start over; a link is never followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_APPEND if offset else os.O_TRUNC)
    return os.fdopen(os.open(part, flags, 0o666), "ab" if offset else "wb")


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
        if not isinstance(url, str) or not re.fullmatch(r"https?://[^/\s]+/[!-~]*", url):
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
        known = {arguments.out.name: known_sha256(arguments.out)}
        write_card(
            arguments.card,
            kind="download",
            spec=json.loads(arguments.spec) | {"urls": [shown(url) for url in urls]},
            code=code_id("tradeoffs.acquisition.download"),
            data=known,
            started=started,
            files=known,
            bytes=arguments.out.stat().st_size,
        )


if __name__ == "__main__":
    sys.exit(exit_code(main))
