"""How long a download goes on, and what it believes of a server's answer."""

import hashlib
import io
import json
import os
import random
import threading
import time
import zipfile
from pathlib import Path

import pytest

from acquisition.faulty_server import Handler, Page, Site, cut, reset, status
from steps import settings_of
from tradeoffs.acquisition import download as module
from tradeoffs.acquisition import server
from tradeoffs.acquisition.archive_file import Published, known_sha256, problem, record_of, unexpected, write_record
from tradeoffs.acquisition.download import download
from tradeoffs.acquisition.members import check_folder, is_whole, write_whole
from tradeoffs.step.errors import InputError

NOTHING = Published(None, None, None)


def make_zip(size: int, seed: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.bin", random.Random(seed).randbytes(size))
    return stream.getvalue()


ZIP, OTHER = make_zip(100_000, 0), make_zip(100_000, 1)
PUBLISHED = Published(hashlib.sha256(ZIP).hexdigest(), None, len(ZIP))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "archive.zip"


def line(call) -> str:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def answer(code: int, body: bytes, **headers: str):
    """Answer once with these headers and this body, whatever was asked for."""

    def fault(handler: Handler, _: bytes) -> bool:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return fault


def test_a_connection_cut_more_often_than_the_limit_but_further_each_time(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    cuts = 3 * module.ATTEMPTS
    site.faults["/a"] = [cut(6000)] * cuts
    download([site.url("/a")], out, PUBLISHED)
    assert out.read_bytes() == ZIP
    assert site.ranges() == [None, *(f"bytes={6000 * number}-" for number in range(1, cuts + 1))]


def test_progress_starts_the_count_of_failures_again(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    idle = module.ATTEMPTS - 1
    site.faults["/a"] = [*[reset] * idle, cut(5000), *[status(503)] * idle, cut(1), *[reset] * idle]
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert len(site.requests) == 3 * idle + 3


def test_bytes_that_had_been_there_before_are_no_progress(site: Site, out: Path):
    """Without ranges each attempt starts over; what counts is the furthest that any has come."""
    site.pages["/a"] = Page(ZIP, ranges=False)
    site.faults["/a"] = [cut(5000)] * 40
    message = line(lambda: download([site.url("/a")], out, NOTHING))
    assert f"{module.ATTEMPTS} times" in message
    assert len(site.requests) == module.ATTEMPTS + 1


@pytest.mark.parametrize(
    "said",
    [
        {"Content_Range": f"bytes 40000-{len(ZIP) - 1}/{len(ZIP) + 7}"},  # another total
        {"Content_Range": f"bytes 39999-{len(ZIP) - 1}/{len(ZIP)}"},  # another start
        {"Content_Range": f"bytes 0-{len(ZIP) - 1}/{len(ZIP)}"},
        {"Content_Range": f"bytes 40000-{len(ZIP) - 1}/*"},
        {},
    ],
    ids=["total", "start", "whole", "unsaid", "no range"],
)
def test_a_part_of_another_file_or_place_is_not_spliced(site: Site, out: Path, said: dict[str, str]):
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [cut(40_000), answer(206, OTHER[40_000:], ETag='"one"', **said)]
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert site.ranges() == [None, "bytes=40000-", None]


@pytest.mark.parametrize("again", [False, True], ids=["first answer", "resumed"])
def test_a_size_that_does_not_fit_is_seen_before_the_body_is_read(site: Site, out: Path, monkeypatch, again: bool):
    monkeypatch.setattr(server, "TIMEOUT", 0.3)
    released = threading.Event()
    site.pages["/a"] = Page(OTHER + b"x", etag='"other"', length=not again)
    site.faults["/a"] = [*([cut(50_000)] if again else []), cut(0, released.wait)]
    message = line(lambda: download([site.url("/a")], out, PUBLISHED))
    released.set()
    assert f"offers {len(OTHER) + 1} bytes, expected {len(ZIP)}" in message
    assert len(site.requests) == (2 if again else 1)


def test_a_body_longer_than_was_published_is_not_taken_and_not_asked_for_again(site: Site, out: Path, monkeypatch):
    """It is left as soon as it is too long: it might have no end."""
    monkeypatch.setattr(server, "TIMEOUT", 0.5)
    released = threading.Event()
    site.pages["/a"] = Page(ZIP + b"x" * 10, length=False)
    site.faults["/a"] = [cut(len(ZIP) + 5, released.wait)]
    assert f"sends more than the {len(ZIP)} bytes expected" in line(lambda: download([site.url("/a")], out, PUBLISHED))
    released.set()
    assert len(site.requests) == 1
    assert not out.with_name("archive.zip.part").exists()
    site.pages["/b"] = Page(ZIP, length=False)
    download([site.url("/a"), site.url("/b")], out, PUBLISHED)
    assert out.read_bytes() == ZIP


def test_a_part_longer_than_the_file_is_not_taken(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    rest = f"bytes 40000-{len(ZIP) - 1}/{len(ZIP)}"
    site.faults["/a"] = [cut(40_000), answer(206, ZIP[40_000:] + b"x", ETag='"one"', Content_Range=rest)]
    assert "sends more than" in line(lambda: download([site.url("/a")], out, NOTHING))
    assert not out.exists()


@pytest.mark.parametrize("published", [PUBLISHED, Published(PUBLISHED.sha256, None, None)], ids=["size", "no size"])
def test_wrong_content_that_is_cut_each_time_ends(site: Site, out: Path, published: Published):
    """Twice from the first byte, since what was resumed might be to blame, and no more."""
    site.pages["/a"] = Page(OTHER)
    site.faults["/a"] = [cut(40_000)] * 200
    message = line(lambda: download([site.url("/a")], out, published))
    assert "published is" in message
    assert len(site.requests) == 3 + 3
    assert not out.exists()
    assert not out.with_name("archive.zip.part").exists()


def test_a_second_address_goes_on_where_the_first_broke_off_if_a_checksum_is_known(site: Site, out: Path):
    """Servers name the same file's versions as they like."""
    site.pages["/a"], site.pages["/b"] = Page(ZIP), Page(ZIP, etag='"two"')
    site.faults["/a"] = [cut(60_000), *[reset] * 10]
    download([site.url("/a"), site.url("/b")], out, PUBLISHED)
    assert out.read_bytes() == ZIP
    assert [wanted for path, wanted, _ in site.requests if path == "/b"] == ["bytes=60000-"] * 2
    out.unlink()
    out.with_name(f"{out.name}.sha256").unlink()
    site.faults["/a"], site.pages["/b"] = [cut(60_000), *[reset] * 10], Page(OTHER, etag='"two"')
    assert "sha256 is" in line(lambda: download([site.url("/a"), site.url("/b")], out, PUBLISHED))
    assert not out.exists()


def test_wrong_content_in_one_piece_is_fetched_once(site: Site, out: Path):
    site.pages["/a"] = Page(OTHER)
    assert "published is" in line(lambda: download([site.url("/a")], out, PUBLISHED))
    assert len(site.requests) == 1


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(site: Site, out: Path, code: int):
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [status(code)]
    download([site.url("/a")], out, PUBLISHED)
    assert len(site.requests) == 2


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 501])
def test_what_will_not_pass_is_not(site: Site, out: Path, code: int):
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [status(code)]
    assert str(code) in line(lambda: download([site.url("/a")], out, PUBLISHED))
    assert len(site.requests) == 1


def test_pauses_double_up_to_the_longest_and_start_again_with_progress(site: Site, out: Path, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(module, "PAUSE", 50.0)
    monkeypatch.setattr(module.time, "sleep", pauses.append)
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [*[reset] * 4, cut(5000), *[reset] * 2]
    download([site.url("/a")], out, NOTHING)
    assert pauses == [50, 100, 120, 120, 50, 50, 100]


# The pieces.


@pytest.mark.parametrize(("size", "right"), [(None, True), (1, True), (0, False), (-1, False), (1.5, False)])
def test_a_size_is_a_positive_number_of_bytes(size: object, right: bool):
    text = json.dumps({"urls": ["http://localhost/a"], "sha256": None, "md5": None, "size": size})
    if right:
        assert module.checked(settings_of(module, text)) == Published(None, None, size)
    else:
        assert "size = " in line(lambda: module.checked(settings_of(module, text)))


@pytest.mark.parametrize(
    ("name", "start", "said"),
    [
        ("a.zip", b"PK\x03\x04rest", None),
        ("a.zip", b"PK\x05\x06", None),
        ("a.zip", b"\x1f\x8b", "not a zip archive"),
        ("a.tar.gz", b"\x1f\x8b\x08", None),
        ("a.tgz", b"PK\x03\x04", "not a tgz archive"),
        ("a.json", b"{}", None),
        ("a.json", b"\xef\xbb\xbf \n<!DOCTYPE html>", "a web page instead"),
        ("a.json", b"<HTML><TITLE lang=en> Sign  in </TITLE>", "titled 'Sign  in'"),
        ("a.json", b"<?xml version='1.0'?>", "a web page"),
        ("a.json", b"text about <html>", None),
    ],
)
def test_first_bytes(name: str, start: bytes, said: str | None):
    found = unexpected(name, start)
    assert (found is None) if said is None else (found is not None and said in found)


def test_what_is_wrong_with_a_file(tmp_path: Path):
    path = tmp_path / "a.part"
    path.write_bytes(ZIP)
    sha256, md5 = hashlib.sha256(ZIP).hexdigest(), hashlib.md5(ZIP).hexdigest()

    def wrong(published: Published, recorded: str | None = None) -> str | None:
        return problem(path, "a.zip", published, recorded)[0]

    assert problem(path, "a.zip", Published(sha256, md5, len(ZIP)), None) == (None, sha256)
    assert problem(path, "a.zip", NOTHING, None) == (None, sha256)
    assert wrong(NOTHING, sha256) is None
    assert "recorded at first use" in str(wrong(NOTHING, "0" * 64))
    assert wrong(Published(sha256, None, None), "0" * 64) is None  # what is published counts, not the record
    assert wrong(Published(None, md5, None), "0" * 64) is None
    assert "md5 is" in str(wrong(Published(sha256, "0" * 32, None)))
    assert "sha256 is" in str(wrong(Published("0" * 64, md5, None)))
    assert "bytes, expected" in str(wrong(Published(sha256, md5, len(ZIP) - 1)))
    path.write_bytes(ZIP[:-10])
    assert "truncated" in str(wrong(NOTHING))


def test_record_counts_where_it_is_not_older_than_the_archive(tmp_path: Path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(ZIP)
    right = hashlib.sha256(ZIP).hexdigest()
    assert known_sha256(archive) == right
    record_of(archive).write_text(f"{'1' * 64}  a.zip\n")
    changed = archive.stat().st_ctime_ns
    for age, expected in ((0, "1" * 64), (10**9, "1" * 64), (-(10**9), right)):
        os.utime(record_of(archive), ns=(changed + age, changed + age))
        assert known_sha256(archive) == expected


def test_another_archive_in_its_place_is_hashed_even_with_the_time_of_the_first(tmp_path: Path):
    archive, other = tmp_path / "a.zip", tmp_path / "other.zip"
    archive.write_bytes(ZIP)
    write_record(archive, known_sha256(archive))
    written = archive.stat().st_mtime_ns
    other.write_bytes(ZIP + b"more")
    os.utime(other, ns=(written, written))
    time.sleep(0.02)  # the clock of files is a coarse one
    other.replace(archive)
    assert archive.stat().st_mtime_ns == written
    assert known_sha256(archive) == hashlib.sha256(ZIP + b"more").hexdigest()


def test_a_member_is_whole_when_it_is_a_plain_file_of_its_size(tmp_path: Path):
    path = tmp_path / "folder" / "member"
    with pytest.raises(ValueError, match="has 3 bytes, its archive says 4"):
        write_whole(path, 4, [b"a", b"bc"])
    assert not is_whole(path, 3)
    write_whole(path, 3, [b"a", b"bc"])
    assert path.read_bytes() == b"abc"
    assert is_whole(path, 3)
    assert not is_whole(path, 4)
    assert not is_whole(path / "below", 3)
    link = tmp_path / "link"
    link.symlink_to(path)
    assert not is_whole(link, 3)
    assert not is_whole(link, link.lstat().st_size)


def test_a_folder_that_lacks_a_file_or_has_one_of_another_size(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "source.json").write_text("{}")
    (tmp_path / ".b.unfinished").write_bytes(b"x")
    check_folder(tmp_path, {"a": 3})
    assert not (tmp_path / ".b.unfinished").exists()
    assert "1 of 2 files" in line(lambda: check_folder(tmp_path, {"a": 3, "b": 1}))
    assert "not the 4 bytes" in line(lambda: check_folder(tmp_path, {"a": 4}))
    (tmp_path / "c").write_bytes(b"")
    assert "does not come from the archive" in line(lambda: check_folder(tmp_path, {"a": 3}))
