"""Servers that answer wrongly, in every way that came to mind: one line or the right file, and the next run goes on."""

import base64
import errno
import gzip
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from acquisition.faulty_server import Handler, Page, Site, cut
from acquisition.test_download import NOTHING, PUBLISHED, ZIP, left, line
from refused import refuse
from tradeoffs.acquisition import download as module
from tradeoffs.acquisition import server
from tradeoffs.acquisition.addresses import shown
from tradeoffs.acquisition.archive_file import Published
from tradeoffs.acquisition.download import Settings, checked, download
from tradeoffs.step.errors import InputError

Fault = Callable[[Handler, bytes], bool]
HALF = len(ZIP) // 2


def raw(head: str, body: bytes = b"", repeat: int = 1) -> Fault:
    """Send just these bytes: a status line and headers, without the blank line, and a body."""

    def fault(handler: Handler, _: bytes) -> bool:
        try:
            handler.wfile.write(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n")
            for _ in range(repeat):
                handler.wfile.write(body)
        except OSError:
            pass  # the client has had enough
        return True

    return fault


def ok(headers: str, body: bytes = ZIP) -> Fault:
    return raw(f"HTTP/1.1 200 OK\n{headers}".rstrip(), body)


def partial(headers: str, body: bytes = ZIP[HALF:]) -> Fault:
    return raw(f"HTTP/1.1 206 Partial Content\n{headers}", body)


def chunked(*sizes: str) -> Fault:
    body = b"".join(size.encode() + b"\r\n" + ZIP[:4096] + b"\r\n" for size in sizes)
    return ok("Transfer-Encoding: chunked", body)


FAULTS: dict[str, Fault] = {
    "redirect to nowhere": raw("HTTP/1.1 302 Found\nContent-Length: 0"),
    "redirect to a port that is no number": raw("HTTP/1.1 302 Found\nLocation: http://127.0.0.1:port/a"),
    "redirect to a port out of range": raw("HTTP/1.1 302 Found\nLocation: http://127.0.0.1:99999999/a"),
    "redirect to half an IPv6 address": raw("HTTP/1.1 302 Found\nLocation: http://[::1/a"),
    "redirect to an empty label": raw("HTTP/1.1 302 Found\nLocation: http://a..b/a"),
    "redirect to a long label": raw(f"HTTP/1.1 302 Found\nLocation: http://{'a' * 70}.example/a"),
    "redirect to no host": raw("HTTP/1.1 302 Found\nLocation: http:///a"),
    "redirect to a file": raw("HTTP/1.1 302 Found\nLocation: file:///etc/passwd"),
    "redirect to ftp": raw("HTTP/1.1 302 Found\nLocation: ftp://127.0.0.1/a"),
    "redirect to a space": raw("HTTP/1.1 301 Moved\nLocation: http://127.0.0.1:9/a b\x01"),
    "redirect to itself": raw("HTTP/1.1 302 Found\nLocation: /a"),
    "redirect with another number": raw("HTTP/1.1 399 Odd\nLocation: /a"),
    "length of thousands of digits": ok(f"Content-Length: {'9' * 5000}"),
    "length of twenty digits": ok(f"Content-Length: {'9' * 20}"),
    "length of a petabyte": ok("Content-Length: 4000000000000000"),
    "length below 0": ok("Content-Length: -5"),
    "length in words": ok("Content-Length: many"),
    "length in other digits": ok("Content-Length: \xb2\xb3"),
    "length said twice": ok("Content-Length: 10\nContent-Length: 20"),
    "empty, and says so": ok("Content-Length: 0", b""),
    "empty, and does not say so": ok("Connection: close", b""),
    "no content": raw("HTTP/1.1 204 No Content"),
    "accepted, to be ready later": raw("HTTP/1.1 202 Accepted\nContent-Length: 0"),
    "another success": raw("HTTP/1.1 218 This is fine\nContent-Length: 2", b"ok"),
    "error as JSON": ok("Content-Type: application/json", b'{"error": "quota exceeded"}'),
    "error as JSON, spaced": ok("Content-Type: application/json", b'\n  [ {"message": "no"} ]'),
    "a page": ok("Content-Type: application/zip", b"<!-- x --><html><title>Sign in</title></html>"),
    "a page behind a byte order mark": ok("Connection: close", b"\xef\xbb\xbf<!DOCTYPE html>" + bytes(5000)),
    "compressed on the way": ok("Content-Encoding: gzip", gzip.compress(ZIP)),
    "deflated on the way": ok("Content-Encoding: deflate", zlib.compress(ZIP)),
    "compressed by something new": ok("Content-Encoding: zstd", b"\x28\xb5\x2f\xfd" + bytes(5000)),
    "chunks of a size that is none": chunked("xyz"),
    "chunks below 0": chunked("-5"),
    "chunks of huge size": chunked("f" * 15),
    "chunks that end in the middle": chunked("1000", "1000"),
    "no status": raw("what?"),
    "a status that is no number": raw("HTTP/1.1 abc OK"),
    "a status out of range": raw("HTTP/1.1 99 Low"),
    "another protocol": raw("SSH-2.0-OpenSSH_9.2"),
    "a header without end": ok(f"X: {'x' * 70_000}"),
    "a thousand headers": ok("\n".join(f"X-{i}: x" for i in range(1000))),
    "a header of control characters": ok('ETag: "\x01\x02\x7f"\nContent-Length: 30', ZIP[:30]),
    "validators that cannot be sent back": ok('ETag: "\xe9\xff"\nContent-Length: 1000000', ZIP[:400_000]),
    "part of another range": partial(f"Content-Range: bytes 5-{len(ZIP) - 1}/{len(ZIP)}"),
    "part of another total": partial(f"Content-Range: bytes {HALF}-{len(ZIP) + 4}/{len(ZIP) + 5}"),
    "part of an unknown total": partial(f"Content-Range: bytes {HALF}-{len(ZIP) - 1}/*"),
    "part without a range": partial("Content-Length: 3", b"abc"),
    "part of a range in words": partial("Content-Range: bytes some-of/all"),
    "part of a range of many digits": partial(f"Content-Range: bytes {'1' * 5000}-{'2' * 5000}/{'3' * 5000}"),
    "part of another version": partial(
        f'Content-Range: bytes {HALF}-{len(ZIP) - 1}/{len(ZIP)}\nETag: "two"', bytes(len(ZIP) - HALF)
    ),
    "range not satisfiable": raw("HTTP/1.1 416 Range Not Satisfiable\nContent-Length: 0"),
    "asks for a password": raw('HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm="x"\nContent-Length: 0'),
    "asks for something odd": raw("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: \nContent-Length: 0"),
    "says when to come again, oddly": raw(f"HTTP/1.1 503 Busy\nRetry-After: {'9' * 400}\nContent-Length: 0"),
    "says when to come again as a date": raw("HTTP/1.1 503 Busy\nRetry-After: Fri, 31 Dec 1999\nContent-Length: 0"),
}


@pytest.mark.parametrize("published", [NOTHING, PUBLISHED], ids=["unknown", "published"])
@pytest.mark.parametrize("begun", [False, True], ids=["fresh", "begun"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_one_line_or_the_right_file(site: Site, tmp_path: Path, monkeypatch, fault: Fault, begun: bool, published):
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    out = tmp_path / "data" / "archive.zip"
    site.pages["/a"] = Page(ZIP)
    if begun:
        site.faults["/a"] = [cut(HALF), *[raw("HTTP/1.1 500 Sorry\nContent-Length: 0")] * 2]
        line(lambda: download([site.url("/a")], out, published))
    site.faults["/a"] = [fault] * 40
    said = ""
    try:
        download([site.url("/a")], out, published)
    except InputError as error:
        said = str(error)
        assert not out.exists()
        assert not out.with_name("archive.zip.sha256").exists()
    assert "\n" not in said
    site.faults["/a"] = []
    download([site.url("/a")], out, published)
    assert out.read_bytes() == ZIP
    assert left(out) == {"archive.zip", "archive.zip.sha256"}


def test_more_than_published_is_not_written_on(site: Site, tmp_path: Path):
    out = tmp_path / "archive.zip"
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [raw("HTTP/1.1 200 OK\nConnection: close", ZIP, repeat=20)]
    assert f"more than the {len(ZIP)} bytes" in line(lambda: download([site.url("/a")], out, PUBLISHED))
    assert left(out) == set()
    download([site.url("/a")], out, PUBLISHED)
    assert out.read_bytes() == ZIP


def test_trickle_ends(site: Site, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(server, "TIMEOUT", 0.05)
    monkeypatch.setattr(module, "ATTEMPTS", 3)
    monkeypatch.setattr(server, "SLOWEST", 1e6)

    def trickle(handler: Handler, body: bytes) -> bool:
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        try:
            for start in range(0, 30_000, 100):
                handler.wfile.write(body[start : start + 100])
                time.sleep(0.002)
        except OSError:
            pass
        return True

    site.pages["/a"] = Page(ZIP, etag=None, modified=None)
    site.faults["/a"] = [trickle] * 3
    assert "bytes in 0 s, 3 times" in line(lambda: download([site.url("/a")], tmp_path / "archive.zip", NOTHING))


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"", "X-{}: y", id="headers"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n", "0", id="the size of a chunk"),
    ],
)
def test_trickle_before_the_body_ends(site: Site, tmp_path: Path, monkeypatch, start: bytes, piece: str):
    monkeypatch.setattr(server, "TIMEOUT", 0.2)
    monkeypatch.setattr(module, "ATTEMPTS", 3)

    def trickle(handler: Handler, body: bytes) -> bool:
        with suppress(OSError):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + start)
            for number in range(1000):
                handler.wfile.write(piece.format(number % 50).encode())
                time.sleep(0.02)
        return True

    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [trickle] * 3
    assert "no answer for 0 s, 3 times" in line(lambda: download([site.url("/a")], tmp_path / "archive.zip", NOTHING))
    assert left(tmp_path / "archive.zip") == set()
    download([site.url("/a")], tmp_path / "archive.zip", NOTHING)
    assert (tmp_path / "archive.zip").read_bytes() == ZIP


DAMAGED_NOTES = [
    "",
    "{",
    "null",
    "[]",
    "3",
    '"text"',
    "[" * 100_000,
    '{"validator": 5, "total": 5}',
    '{"validator": "a\\nb", "total": null}',
    '{"validator": "\u00e9\u4e16", "total": null}',
    '{"validator": null, "total": "many"}',
    '{"validator": null, "total": 1e400}',
    '{"validator": null, "total": true}',
    '{"validator": null}',
    '{"validator": null, "total": -1}',
    '{"validator": {"a": 1}, "total": [1]}',
    "\ud83d",
]


@pytest.mark.parametrize("note", DAMAGED_NOTES)
def test_damaged_note_of_the_partial_file_heals(site: Site, tmp_path: Path, note: str):
    out = tmp_path / "archive.zip"
    out.with_name("archive.zip.part").write_bytes(ZIP[:HALF])
    out.with_name("archive.zip.part.json").write_bytes(note.encode("utf-8", "surrogatepass"))
    site.pages["/a"] = Page(ZIP)
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert left(out) == {"archive.zip", "archive.zip.sha256"}


def test_a_note_that_cannot_be_read_now_is_not_damaged(site: Site, tmp_path: Path, monkeypatch):
    out = tmp_path / "archive.zip"
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [cut(HALF), *[raw("HTTP/1.1 500 Sorry\nContent-Length: 0")] * module.ATTEMPTS]
    line(lambda: download([site.url("/a")], out, NOTHING))
    asked = len(site.requests)
    with monkeypatch.context() as patch:
        refuse(patch, out.with_name("archive.zip.part.json"), errno.EIO)
        assert "check the disk" in line(lambda: download([site.url("/a")], out, NOTHING))
    assert len(site.requests) == asked
    download([site.url("/a")], out, NOTHING)
    assert site.ranges()[asked:] == [f"bytes={HALF}-"]
    assert out.read_bytes() == ZIP


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("elsewhere")])
@pytest.mark.parametrize("name", ["archive.zip.part", "archive.zip"])
def test_nothing_is_written_through_what_is_no_plain_file(site: Site, tmp_path: Path, make, name: str):
    (tmp_path / "elsewhere").write_text("precious")
    make(tmp_path / name)
    site.pages["/a"] = Page(ZIP)
    message = line(lambda: download([site.url("/a")], tmp_path / "archive.zip", NOTHING))
    assert name in message
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_https_is_not_left(monkeypatch):
    opener = server.Redirects()
    request = server.urllib.request.Request("https://example.org/a")
    with pytest.raises(server.NotDeliveredError, match="redirects from https to http"):
        opener.redirect_request(request, None, 302, "Found", {}, "http://example.org/a")
    assert opener.redirect_request(request, None, 302, "Found", {}, "https://example.org/b") is not None


def test_password_is_sent_to_its_host_only_and_never_shown(site: Site, tmp_path: Path, capsys):
    seen: list[tuple[str, str | None]] = []

    def note(handler: Handler, _: bytes) -> bool:
        seen.append((handler.path, handler.headers["Authorization"]))
        return False

    def redirect(handler: Handler, body: bytes) -> bool:
        note(handler, body)
        handler.refuse(302, Location=f"http://localhost:{site.address.rpartition(':')[2]}/b?token=s3cret")
        return True

    site.pages["/a"] = site.pages["/b?token=s3cret"] = Page(ZIP)
    site.faults["/a"], site.faults["/b?token=s3cret"] = [redirect], [note]
    address = site.url("/a").replace("//", "//me:pass%40word@")
    download([address], tmp_path / "archive.zip", NOTHING)
    assert (tmp_path / "archive.zip").read_bytes() == ZIP
    expected = "Basic " + base64.b64encode(b"me:pass@word").decode()
    assert seen == [("/a", expected), ("/b?token=s3cret", None)]
    site.faults["/a"] = [raw("HTTP/1.1 500 Sorry\nContent-Length: 0")] * module.ATTEMPTS
    said = line(lambda: download([address, f"{address}?api_key=s3cret"], tmp_path / "b.zip", NOTHING))
    said += capsys.readouterr().err
    assert not any(secret in said for secret in ("pass%40word", "pass@word", "s3cret", "me:p"))


def test_card_keeps_no_password(site: Site, tmp_path: Path, start):
    site.pages["/a"] = Page(ZIP)
    address = site.url("/a").replace("//", "//me:s3cret@")
    spec = json.dumps({"urls": [address], "sha256": None, "md5": None, "size": None})
    card = tmp_path / "card.json"
    process = start("download", "--spec", spec, "--out", tmp_path / "archive.zip", "--card", card)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "s3cret" not in card.read_text() + errors


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://a.org/x.zip", "https://a.org/x.zip"),
        ("https://me:pw@a.org/x.zip", "https://a.org/x.zip"),
        ("https://a.org/x?shared_name=abc&Signature=zzz&b=1", "https://a.org/x?shared_name=abc&Signature=...&b=..."),
        ("https://a.org/x?rm=get&file_id=f_1&pass=pw&pwd=pw#pw", "https://a.org/x?rm=get&file_id=f_1&pass=...&pwd=..."),
        (
            "https://a.org/x?X-Amz-Credential=pw&old_rm=pw&empty=",
            "https://a.org/x?X-Amz-Credential=...&old_rm=...&empty=",
        ),
        ("https://a.org/x?a=p=w&b", "https://a.org/x?a=...&b"),
    ],
)
def test_what_is_shown_of_an_address(address: str, expected: str):
    assert shown(address) == expected


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("in_to_in9.json", b'{"error": "rate limit"}', "an error message"),
        ("in_to_in9.json", b'{"0": 1, "1"', "truncated or damaged file"),
        ("in_to_in9.json", b"404: Not Found", "truncated or damaged file"),
        ("table.csv", b'{"message": "Not Found"}', "a JSON answer"),
        ("model.ckpt", b"Bad gateway, try again later", "not a ckpt weights file"),
        ("model.pt", b'{"error": 1}' + b" " * 9, "not a pt weights file"),
    ],
)
def test_what_is_no_archive_is_looked_at_too(site: Site, tmp_path: Path, name: str, body: bytes, said: str):
    site.pages["/a"] = Page(body)
    assert said in line(lambda: download([site.url("/a")], tmp_path / name, NOTHING))
    assert left(tmp_path / name) == set()


def test_a_published_checksum_outranks_what_a_file_looks_like(site: Site, tmp_path: Path):
    body = b'{"error": 1}'
    site.pages["/a"] = Page(body)
    published = Published(None, hashlib.md5(body).hexdigest(), len(body))
    download([site.url("/a")], tmp_path / "in_to_in9.json", published)
    assert (tmp_path / "in_to_in9.json").read_bytes() == body


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "http:///a",
        "https://a b/c",
        "ftp://a/b",
        "http://a/\n",
        "http://a/\u00e9",
        "https://[a/b",
        "https://a]/b",
    ],
)
def test_addresses_that_are_none(address: str):
    assert "urls holds" in line(lambda: checked(Settings([address], None, None, None)))
