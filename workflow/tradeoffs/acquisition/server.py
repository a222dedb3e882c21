"""One request to a server, and what is made of its answer: what will not pass, and what may be tried again.

An answer is not trusted: one that is empty, too long, compressed on the way, of another version than what is here, or
that leads from https to http is no answer (RFC 9110, sections 13.1.5 and 14).
"""

import http.client
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tradeoffs.acquisition.addresses import without_password
from tradeoffs.acquisition.partial import PRINTABLE, Version

TIMEOUT = 60.0  # seconds without a byte, connecting included
SLOWEST = 1000.0  # bytes per second over TIMEOUT; a server that sends less is as good as silent

_BLOCK = 1 << 18
START = 9  # bytes that tell a file of one kind from another
_TRANSIENT = (202, 204, 408, 425, 429, 500, 502, 503, 504)
_LARGEST = 10**15  # bytes; a length beyond is a fault of the server


class NoFileError(Exception):
    """No file from this address; ``start_over``: what is here does not belong to what the server has."""

    def __init__(self, said: str, *, start_over: bool = False) -> None:
        super().__init__(said)
        self.start_over = start_over


class NotDeliveredError(NoFileError):
    """This address will not deliver the file."""


class TryAgainError(NoFileError):
    """This address may deliver later.

    ``pause``: seconds that the server asks for. ``in_vain``: what was received does not count as progress.
    """

    def __init__(self, said: str, *, start_over: bool = False, pause: float = 0.0, in_vain: bool = False) -> None:
        super().__init__(said, start_over=start_over)
        self.pause, self.in_vain = pause, in_vain


class Answer(NamedTuple):
    """What a server says before the file: ``content_range`` as it stands there, ``encoding`` in lower case."""

    status: int
    reason: str
    offered: Version
    encoding: str
    content_range: str


class Pace:
    """Watches that a server sends at least SLOWEST bytes per second, window by window of TIMEOUT seconds."""

    def __init__(self) -> None:
        self._since, self._bytes = time.monotonic(), 0

    def check(self, received: int) -> None:
        """Count ``received`` bytes; TryAgainError at the end of a window that brought too few."""
        self._bytes += received
        now = time.monotonic()
        if now - self._since < TIMEOUT:
            return
        if self._bytes < SLOWEST * (now - self._since):
            raise TryAgainError(f"sent {self._bytes} bytes in {now - self._since:.0f} s", in_vain=True)
        self._since, self._bytes = now, 0


def headers(offset: int, version: Version, checksum_known: bool) -> dict[str, str]:
    """Return the headers of a request that goes on from byte ``offset``.

    Partial data are continued where a validator makes sure that they belong to the same file, or a checksum will show
    whether they do. Everything else starts over.
    """
    found = {"User-Agent": "tradeoffs", "Accept-Encoding": "identity"}
    if offset and (version.validator or checksum_known):
        found["Range"] = f"bytes={offset}-"
        if version.validator:
            found["If-Range"] = version.validator
    return found


def request(url: str, wanted: dict[str, str]) -> Any:
    """Return the response to a GET; TryAgainError for what may pass, NotDeliveredError for what will not."""
    try:
        address, authorization = without_password(url)
        get = urllib.request.Request(address, headers=wanted)
        if authorization:
            get.add_unredirected_header("Authorization", authorization)
        response = urllib.request.build_opener(Redirects, Http, Https).open(get, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            said = " ".join(f"{error.code} {error.reason}".split())  # a loop of redirects is told in three lines
            if error.code == 416:  # the file has become shorter than what is here
                raise TryAgainError(said, start_over=True, pause=_pause(error)) from None
            if error.code in _TRANSIENT:
                raise TryAgainError(said, pause=_pause(error)) from None
            raise NotDeliveredError(said) from None
    except (ValueError, http.client.InvalidURL) as error:  # of the address itself, or of one it leads to
        raise NotDeliveredError(f"no usable address ({_network(error)})") from None
    except (OSError, http.client.HTTPException) as error:
        raise TryAgainError(_network(error)) from None
    if response.status in _TRANSIENT:
        with response:
            raise TryAgainError(f"{response.status} {response.reason}")
    return response


def answer(response: Any) -> Answer:
    """Return what a response says of the file. A weak ETag cannot vouch for single bytes (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag")
    strong = etag if etag and not etag.startswith("W/") else None
    length = response.headers.get("Content-Length", "")
    validator = strong or response.headers.get("Last-Modified")
    offered = Version(
        validator if validator and PRINTABLE.fullmatch(validator) else None,
        int(length) if re.fullmatch("[0-9]{1,18}", length) else None,
    )
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    return Answer(response.status, response.reason, offered, encoding, response.headers.get("Content-Range", ""))


def beginning(given: Answer, name: str, offset: int, version: Version) -> tuple[int, Version]:
    """Return the byte of the file ``name`` that a body begins with, and the version of the file.

    ``offset`` and ``version`` are of the data that are here. Errors as :func:`request`.
    """
    # Some servers call a .gz file's own compression an encoding; what it starts with is looked at later.
    own = given.encoding in ("gzip", "x-gzip") and name.endswith((".gz", ".tgz"))
    if given.encoding != "identity" and not own:
        raise NotDeliveredError(f"sends it as {given.encoding[:20]!r}, which was not asked for")
    if given.status == 200:
        return 0, given.offered
    if given.status != 206:
        raise NotDeliveredError(f"answered {given.status} {given.reason}")
    found = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", given.content_range)
    if found is None or int(found[1]) != offset or version.total not in (None, int(found[2])):
        raise TryAgainError(f"answered with the wrong range ({given.content_range or None})", start_over=True)
    if offset and version.validator and given.offered.validator not in (None, version.validator):
        raise TryAgainError("went on with another version of the file", start_over=True)
    return offset, Version(given.offered.validator or version.validator, int(found[2]))


def length(offered: int | None, published: int | None) -> int | None:
    """Return the file's size in bytes, None where nobody says it; NotDeliveredError where it cannot be the file."""
    if published is not None and offered not in (None, published):
        raise NotDeliveredError(f"offers {offered} bytes, expected {published}")
    total = offered if offered is not None else published
    if total is not None and not 0 < total < _LARGEST:
        raise NotDeliveredError(f"offers {total} bytes")
    return total


def read(response: Any) -> bytes:
    """Return what there is of the body, nothing at its end; TryAgainError where the connection is cut."""
    try:
        # The size of a chunk may come byte by byte, each within the socket's own limit.
        with _in_time(response.connected) if getattr(response, "chunked", False) else nullcontext():
            block: bytes = response.read1(_BLOCK)  # what is there: read() would lose it in a timeout
    except (OSError, http.client.HTTPException) as error:
        raise TryAgainError(_network(error)) from None
    return block


def read_start(response: Any) -> bytes:
    """Return how a body begins: at least START bytes, where it has them, however few come at once."""
    found = read(response)
    while 0 < len(found) < START and (more := read(response)):
        found += more
    return found


@contextmanager
def _in_time(connected: socket.socket) -> Iterator[None]:
    """Give what is waited for on a socket TIMEOUT in all, then raise TimeoutError."""
    late = threading.Event()

    def end() -> None:
        late.set()
        with suppress(OSError):  # closed by the other side just now
            socket.socket.shutdown(connected, socket.SHUT_RDWR)  # also of TLS, whose own would wait for an answer

    timer = threading.Timer(TIMEOUT, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if late.is_set():
            raise TimeoutError


class Prompt(http.client.HTTPConnection):
    """A connection whose answer, up to the end of its headers, takes TIMEOUT at most: a socket's own limit starts anew
    with every byte."""

    def getresponse(self) -> http.client.HTTPResponse:
        """Return the answer; TimeoutError where it is not there in time."""
        connected = self.sock
        with _in_time(connected):
            response = super().getresponse()
        response.connected = connected  # type: ignore[attr-defined]
        return response


class PromptSecure(Prompt, http.client.HTTPSConnection):
    """The same over TLS."""


class Http(urllib.request.HTTPHandler):
    """Opens http addresses by connections that are prompt."""

    def do_open(self, http_class: Any, req: Any, **named: Any) -> Any:
        """Return the answer to a request, as urllib's own."""
        return super().do_open(Prompt, req, **named)


class Https(urllib.request.HTTPSHandler):
    """Opens https addresses by connections that are prompt."""

    def do_open(self, http_class: Any, req: Any, **named: Any) -> Any:
        """Return the answer to a request, as urllib's own."""
        return super().do_open(PromptSecure, req, **named)


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects as ever, but never from https to anything else, nor from http to what is neither."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Return the next request; NotDeliveredError for a scheme that would not protect the file as before."""
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after != "https"):
            raise NotDeliveredError(f"redirects from {before} to {after or 'no'} address, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _pause(error: urllib.error.HTTPError) -> float:
    wait = error.headers.get("Retry-After", "")
    return float(wait) if wait.isdecimal() else 0.0


def _network(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(error, UnicodeError):
        return "its host's name is malformed"
    if isinstance(reason, TimeoutError):
        return f"no answer for {TIMEOUT:.0f} s"
    if isinstance(error, http.client.IncompleteRead):
        return "connection cut"
    return " ".join(str(reason).split())[:200] or type(reason).__name__
