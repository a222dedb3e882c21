"""Downloads against a real server: whatever happens, the whole right file or none, one line, and the next goes on."""

import hashlib
import io
import json
import random
import shutil
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acquisition.faulty_server import Page, Site, cut, reset, status
from steps import settings_of
from tradeoffs.acquisition import download as module
from tradeoffs.acquisition import partial, server
from tradeoffs.acquisition.archive_file import Published
from tradeoffs.acquisition.download import download
from tradeoffs.step.errors import InputError

NOTHING = Published(None, None, None)


def make_zip(size: int, seed: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.bin", random.Random(seed).randbytes(size))
    return stream.getvalue()


def make_tar(size: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.bin")
        member.size = size
        archive.addfile(member, io.BytesIO(random.Random(1).randbytes(size)))
    return stream.getvalue()


ZIP, TAR, OTHER = make_zip(1_000_000), make_tar(300_000), make_zip(1_000_000, seed=5)
SHA = hashlib.sha256(ZIP).hexdigest()
PUBLISHED = Published(SHA, hashlib.md5(ZIP).hexdigest(), len(ZIP))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data" / "archive.zip"


def line(call) -> str:
    """Return the message of the InputError that ``call`` raises; it must be one line."""
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def left(out: Path) -> set[str]:
    """Return what lies beside ``out``, without the lock."""
    return {path.name for path in out.parent.iterdir()} - {f".{out.name}.lock"}


def test_whole_file_with_its_record(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    download([site.url("/a")], out, PUBLISHED)
    assert out.read_bytes() == ZIP
    assert (out.parent / "archive.zip.sha256").read_text() == f"{SHA}  archive.zip\n"
    assert left(out) == {"archive.zip", "archive.zip.sha256"}


def test_file_that_is_there_is_verified_and_not_fetched(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    for _ in range(2):
        download([site.url("/a")], out, PUBLISHED)
    assert len(site.requests) == 1
    out.write_bytes(ZIP[:-1] + b"x")
    assert "published is" in line(lambda: download([site.url("/a")], out, PUBLISHED))
    assert len(site.requests) == 1


def test_cut_connection_is_resumed(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [cut(400_000), reset, cut(100_000)]
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert [request[1:] for request in site.requests] == [
        (None, None),
        ("bytes=400000-", '"one"'),
        ("bytes=400000-", '"one"'),
        ("bytes=500000-", '"one"'),
    ]


def test_server_without_ranges_starts_over(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP, ranges=False)
    site.faults["/a"] = [cut(400_000)]
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert len(site.requests) == 2


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 5000), max_size=4),
    page=st.builds(
        Page,
        content=st.just(make_zip(4000)),
        etag=st.sampled_from(['"one"', 'W/"weak"', None]),
        modified=st.sampled_from([1.5e9, None]),
        ranges=st.booleans(),
        length=st.just(True),
        kind=st.just("application/zip"),
    ),
)
def test_any_cuts_give_the_same_file(site: Site, tmp_path_factory, cuts: list[int], page: Page):
    out = tmp_path_factory.mktemp("cuts") / "archive.zip"
    site.pages["/a"], site.faults["/a"] = page, [cut(after) for after in cuts]
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == page.content
    assert left(out) == {"archive.zip", "archive.zip.sha256"}


def test_503_then_fine(site: Site, out: Path, monkeypatch):
    pauses = []
    monkeypatch.setattr(module, "PAUSE", 1.0)
    monkeypatch.setattr(module.time, "sleep", pauses.append)
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [status(503), status(503), status(429, Retry_After="7"), status(503, Retry_After="9999")]
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert pauses == [1, 2, 7, 120]


def test_503_for_ever_keeps_what_came_before(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [cut(400_000), *[status(503)] * module.ATTEMPTS]
    message = line(lambda: download([site.url("/a")], out, NOTHING))
    assert "503" in message
    assert "400.0 kB are kept" in message
    assert not out.exists()
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert site.ranges()[-1] == "bytes=400000-"


def test_404_on_the_first_mirror(site: Site, out: Path):
    site.pages["/b"] = Page(ZIP)
    download([site.url("/gone"), site.url("/b")], out, PUBLISHED)
    assert out.read_bytes() == ZIP
    assert [path for path, *_ in site.requests] == ["/gone", "/b"]


def test_no_mirror_left(site: Site, out: Path):
    message = line(lambda: download([site.url("/gone"), site.url("/too")], out, PUBLISHED))
    assert "/gone: 404" in message
    assert "/too: 404" in message
    assert left(out) == set()


def test_dead_host_falls_back(site: Site, out: Path):
    site.pages["/b"] = Page(ZIP)
    download(["http://127.0.0.1:9/a", site.url("/b")], out, PUBLISHED)
    assert out.read_bytes() == ZIP


def test_silent_server_times_out(site: Site, out: Path, monkeypatch):
    monkeypatch.setattr(server, "TIMEOUT", 0.1)
    released = threading.Event()
    site.pages["/a"] = site.pages["/b"] = Page(ZIP)
    site.faults["/a"] = [cut(100, released.wait)]
    download([site.url("/a")], out, NOTHING)
    released.set()
    assert out.read_bytes() == ZIP
    assert site.ranges() == [None, "bytes=100-"]


@pytest.mark.parametrize("published", [PUBLISHED, Published(SHA, None, None), Published(None, PUBLISHED.md5, None)])
@pytest.mark.parametrize("bad", [ZIP[:-1000], OTHER], ids=["truncated", "another"])
def test_wrong_file_with_correct_headers(site: Site, out: Path, published: Published, bad: bytes):
    site.pages["/bad"] = Page(bad)
    message = line(lambda: download([site.url("/bad")], out, published))
    assert "expected" in message or "published is" in message
    assert left(out) == set()
    site.pages["/good"] = Page(ZIP, etag='"two"')
    download([site.url("/bad"), site.url("/good")], out, published)
    assert out.read_bytes() == ZIP


@pytest.mark.parametrize(("name", "content"), [("a.zip", ZIP), ("a.tar.gz", TAR)])
def test_truncated_file_of_unknown_checksum_is_not_recorded(site: Site, tmp_path: Path, name: str, content: bytes):
    site.pages["/a"] = Page(content[: len(content) // 2])
    assert "truncated or damaged" in line(lambda: download([site.url("/a")], tmp_path / name, NOTHING))
    assert left(tmp_path / name) == set()
    site.pages["/a"] = Page(content)
    download([site.url("/a")], tmp_path / name, NOTHING)
    assert (tmp_path / name).read_bytes() == content


def test_weights_that_a_server_cut_without_saying_their_length_are_not_recorded(site: Site, tmp_path: Path):
    """A zip has its directory at the end, whatever it is called."""
    site.pages["/a"] = Page(ZIP[: len(ZIP) // 2], length=False)
    assert "truncated or damaged" in line(lambda: download([site.url("/a")], tmp_path / "a.pth", NOTHING))
    assert left(tmp_path / "a.pth") == set()
    site.pages["/a"] = Page(ZIP)
    download([site.url("/a")], tmp_path / "a.pth", NOTHING)


def test_web_page_instead_of_an_archive(site: Site, out: Path):
    page = b"\n<!DOCTYPE html><html><head><title>Sign in\n to Box</title></head>" + b"x" * 2_000_000
    site.pages["/a"] = Page(page, etag='"page"', kind="application/zip")
    message = line(lambda: download([site.url("/a")], out, NOTHING))
    assert "web page titled 'Sign in" in message
    assert left(out) == set()


def test_web_page_does_not_cost_the_partial_data(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [cut(400_000), *[reset] * module.ATTEMPTS]
    line(lambda: download([site.url("/a")], out, NOTHING))
    site.pages["/a"] = Page(b"<html>maintenance</html>", etag='"page"')
    assert "web page" in line(lambda: download([site.url("/a")], out, NOTHING))
    site.pages["/a"] = Page(ZIP)
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert site.ranges()[-1] == "bytes=400000-"


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_neither_page_nor_archive(site: Site, tmp_path: Path, name: str):
    site.pages["/a"] = Page(b'{"error": "quota exceeded"}')
    assert "archive (starts with" in line(lambda: download([site.url("/a")], tmp_path / name, NOTHING))


@pytest.mark.parametrize("changed", [{"etag": '"two"'}, {"etag": None, "modified": 1.6e9}], ids=["etag", "date"])
def test_changed_file_is_not_spliced(site: Site, out: Path, changed: dict):
    site.pages["/a"] = Page(ZIP, etag='"one"' if changed["etag"] else None)
    site.faults["/a"] = [cut(400_000), *[reset] * module.ATTEMPTS]
    line(lambda: download([site.url("/a")], out, NOTHING))
    site.pages["/a"] = Page(OTHER, **changed)
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == OTHER


@pytest.mark.parametrize("published", [NOTHING, PUBLISHED], ids=["unknown", "published"])
def test_without_validator_only_a_checksum_allows_to_resume(site: Site, out: Path, published: Published):
    site.pages["/a"] = Page(ZIP, etag='W/"weak"', modified=None)
    site.faults["/a"] = [cut(400_000)]
    download([site.url("/a")], out, published)
    assert out.read_bytes() == ZIP
    assert site.ranges() == [None, None if published == NOTHING else "bytes=400000-"]


def test_garbage_in_the_partial_file_is_found_and_fetched_again(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [cut(400_000), *[reset] * module.ATTEMPTS]
    line(lambda: download([site.url("/a")], out, PUBLISHED))
    part = out.with_name("archive.zip.part")
    part.write_bytes(bytes(part.stat().st_size))
    download([site.url("/a")], out, PUBLISHED)
    assert out.read_bytes() == ZIP
    assert site.ranges()[-2:] == ["bytes=400000-", None]


def test_shorter_file_than_what_is_here(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [cut(400_000), *[reset] * module.ATTEMPTS]
    line(lambda: download([site.url("/a")], out, NOTHING))
    site.pages["/a"] = Page(make_zip(1000))
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == make_zip(1000)


def test_unpublished_checksum_is_recorded_and_checked_ever_after(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP)
    download([site.url("/a")], out, NOTHING)
    out.unlink()
    site.pages["/a"] = Page(OTHER, etag='"two"')
    assert "recorded at first use" in line(lambda: download([site.url("/a")], out, NOTHING))
    assert left(out) == {"archive.zip.sha256"}
    (out.parent / "archive.zip.sha256").unlink()
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == OTHER


def test_broken_record(site: Site, out: Path):
    out.parent.mkdir()
    (out.parent / "archive.zip.sha256").write_text("nonsense")
    assert "archive.zip.sha256: not a recorded checksum" in line(lambda: download([site.url("/a")], out, NOTHING))


def test_no_length_said(site: Site, out: Path):
    site.pages["/a"] = Page(ZIP, length=False)
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP


def test_space_is_checked_first(site: Site, out: Path, monkeypatch):
    site.pages["/a"] = Page(ZIP)
    usage = shutil.disk_usage(out.parent.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=900_000))
    assert "needs 1.0 MB more and its disk has 900.0 kB free" in line(lambda: download([site.url("/a")], out, NOTHING))
    assert left(out) == set()


def test_device_full_while_writing(site: Site, out: Path, monkeypatch):
    """The kernel's own answer on a full device, which needs no rights to get."""
    site.pages["/a"] = Page(ZIP)
    with monkeypatch.context() as patch:
        patch.setattr(partial, "opened", lambda *_: Path("/dev/full").open("wb"))  # noqa: SIM115
        assert "disk or quota is full" in line(lambda: download([site.url("/a")], out, NOTHING))
    assert not out.exists()
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP


def test_disk_full_in_the_middle(site: Site, small_disk: Path):
    content = make_zip(1_500_000)
    out = small_disk / "archive.zip"
    site.pages["/a"] = Page(content, length=False)
    assert "disk or quota is full" in line(lambda: download([site.url("/a")], out, NOTHING))
    assert not out.exists()
    site.pages["/a"] = Page(ZIP, etag='"two"')
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP


def spec(site: Site, path: str) -> str:
    return json.dumps({"urls": [site.url(path)], "sha256": None, "md5": None, "size": None})


def wait_for(condition) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.005)


def test_kill_and_go_on(site: Site, out: Path, start):
    released = threading.Event()
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [cut(600_000, released.wait)]
    process = start("download", "--spec", spec(site, "/a"), "--out", out)
    part = out.with_name("archive.zip.part")
    wait_for(lambda: part.exists() and part.stat().st_size >= 512_000)
    process.kill()
    process.wait()
    released.set()
    kept = part.stat().st_size
    assert not out.exists()
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert site.ranges() == [None, f"bytes={kept}-"]


def test_killed_between_the_last_byte_and_the_rename(site: Site, out: Path, monkeypatch):
    site.pages["/a"] = Page(ZIP)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "problem", die)
        with pytest.raises(KeyboardInterrupt):
            download([site.url("/a")], out, NOTHING)
    assert not out.exists()
    download([site.url("/a")], out, NOTHING)
    assert out.read_bytes() == ZIP
    assert len(site.requests) == 1


def test_two_at_once(site: Site, out: Path, start):
    released = threading.Event()
    site.pages["/a"] = Page(ZIP)
    site.faults["/a"] = [cut(600_000, released.wait)]
    first = start("download", "--spec", spec(site, "/a"), "--out", out)
    wait_for(lambda: site.requests)
    second = start("download", "--spec", spec(site, "/a"), "--out", out)
    assert "waiting" in second.stderr.readline()
    released.set()
    assert first.wait(30) == 0
    assert second.wait(30) == 0
    assert out.read_bytes() == ZIP
    assert len(site.requests) == 1


def test_command_says_one_line_and_fails(site: Site, out: Path, start):
    process = start("download", "--spec", spec(site, "/gone"), "--out", out)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert errors.splitlines()[-1].startswith(f"error: {out}: no address delivered it")
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"urls": []}, "urls is empty"),
        ({"urls": ["file:///etc/passwd"]}, "http://"),
        ({"urls": [3]}, "urls holds 3"),
        ({"sha256": "ABC"}, "64 lower-case hex"),
        ({"md5": "0" * 31}, "32 lower-case hex"),
        ({"size": 0}, "number of bytes"),
        ({"mirror": "x"}, "unknown key"),
    ],
)
def test_wrong_settings(change: dict, said: str):
    good = {"urls": ["https://example.org/a.zip"], "sha256": None, "md5": None, "size": None}
    module.checked(settings_of(module, json.dumps(good)))
    assert said in line(lambda: module.checked(settings_of(module, json.dumps(good | change))))
