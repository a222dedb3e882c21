"""A real HTTP server on loopback, with ranges and validators (RFC 9110), and faults on demand."""

import threading
from collections import defaultdict
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Page(NamedTuple):
    content: bytes
    etag: str | None = '"one"'
    modified: float | None = 1.5e9
    ranges: bool = True
    length: bool = True  # say Content-Length
    kind: str = "application/octet-stream"


class Site:
    """``pages`` by path; ``faults`` by path, used up one a request; ``requests`` seen: (path, Range, If-Range)."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.faults: dict[str, list[Callable[[Handler, bytes], bool]]] = defaultdict(list)
        self.requests: list[tuple[str, str | None, str | None]] = []
        self.address = ""

    def url(self, path: str) -> str:
        return f"{self.address}{path}"

    def ranges(self) -> list[str | None]:
        return [request[1] for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.requests.append((self.path, self.headers["Range"], self.headers["If-Range"]))
        self.close_connection = True
        fault = site.faults[self.path].pop(0) if site.faults[self.path] else None
        page = site.pages.get(self.path)
        if page is None:
            self.refuse(404)
            return
        body = page.content
        modified = None if page.modified is None else formatdate(page.modified, usegmt=True)
        start = self.wanted_from(page, modified)
        end = len(body) if start is None else self.wanted_until(len(body))
        if start is not None and start >= len(body):
            self.refuse(416)
            return
        if fault is not None and fault(self, body[start or 0 :]):
            return
        self.send_response(200 if start is None else 206)
        self.send_header("Content-Type", page.kind)
        if page.etag:
            self.send_header("ETag", page.etag)
        if modified:
            self.send_header("Last-Modified", modified)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
        if page.length:
            self.send_header("Content-Length", str(end - (start or 0)))
        self.end_headers()
        self.send_body(body[start or 0 : end])

    cut: int | None = None  # bytes of the body that are sent before the connection ends
    wait: Callable[[], object] | None = None  # called after these, instead of the end

    def send_body(self, body: bytes) -> None:
        try:
            if self.cut is None:
                self.wfile.write(body)
                return
            self.wfile.write(body[: self.cut])
            self.wfile.flush()
            if self.wait is not None:
                self.wait()
                self.wfile.write(body[self.cut :])
        except OSError:
            pass  # the client was killed

    def wanted_from(self, page: Page, modified: str | None) -> int | None:
        """Return the first byte asked for, None where the whole file must be sent."""
        wanted, condition = self.headers["Range"], self.headers["If-Range"]
        if wanted is None or not page.ranges:
            return None
        if condition is not None and condition not in (page.etag, modified):
            return None
        return int(wanted.removeprefix("bytes=").partition("-")[0])

    def wanted_until(self, total: int) -> int:
        """Return the byte behind the last one asked for."""
        last = str(self.headers["Range"]).partition("-")[2]
        return min(int(last) + 1, total) if last else total

    def refuse(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def cut(after: int, wait: Callable[[], object] | None = None) -> Callable[[Handler, bytes], bool]:
    """Correct headers, but only ``after`` bytes, then the end of the connection, or ``wait()`` and the rest."""

    def fault(handler: Handler, body: bytes) -> bool:
        handler.cut, handler.wait = after, wait
        return False

    return fault


def status(code: int, **headers: str) -> Callable[[Handler, bytes], bool]:
    def fault(handler: Handler, body: bytes) -> bool:
        handler.refuse(code, **headers)
        return True

    return fault


def reset(handler: Handler, body: bytes) -> bool:
    """End the connection without an answer."""
    return True


def serve(site: Site) -> tuple[ThreadingHTTPServer, threading.Thread]:
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    return server, thread
