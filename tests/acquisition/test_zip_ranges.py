"""Of a zip on a server with ranges only the wanted members are fetched; whatever happens, the next run goes on."""

import errno
import hashlib
import json
import random
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.archives import write_encrypted, write_zip
from acquisition.faulty_server import Page, Site, cut, reset
from refused import refuse
from tradeoffs.acquisition import remote_file, unpack, zip_ranges
from tradeoffs.acquisition.archive_file import Published
from tradeoffs.acquisition.download import Settings, download, run
from tradeoffs.acquisition.remote_file import joined, missing
from tradeoffs.acquisition.zip_ranges import Wanted
from tradeoffs.step.errors import InputError

NOTHING = Published(None, None, None)
RULE = Wanted("objectnet_overlap", "secret")
MAPPINGS = {
    "folder_to_objectnet_label.json": {"chair": "Chair", "spoon": "Spoon", "odd": "Odd thing"},
    "objectnet_to_imagenet_1k.json": {"Chair": "chair", "Spoon": "spoon"},
}


def content(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def objectnet(path: Path, password: bytes | None = b"secret", *, deflate: bool = True) -> Path:
    """ObjectNet's layout: the images of a class that ImageNet does not have lie between those of two that it has."""
    files = {
        f"objectnet-1.0/images/{folder}/{number}.png": content(100_000, number + seed)
        for seed, folder in enumerate(("chair", "odd", "spoon"))
        for number in (10, 20)
    }
    mappings = {f"objectnet-1.0/mappings/{name}": json.dumps(table).encode() for name, table in MAPPINGS.items()}
    everything = files | mappings
    return write_encrypted(path, everything, password, deflate=deflate) if password else write_zip(path, everything)


@pytest.fixture
def whole(site: Site, tmp_path: Path, monkeypatch) -> bytes:
    """The archive on the server; requests are small, so that there are several."""
    monkeypatch.setattr(remote_file, "_FIRST", 1000)
    found = objectnet(tmp_path / "whole.zip").read_bytes()
    site.pages["/o"] = Page(found)
    return found


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "objectnet-1.0.zip"


def sparse(out: Path) -> Path:
    """Where the data are until all that is wanted is there."""
    (path,) = out.parent.glob(f"{out.name}.*.sparse")
    return path


def received(site: Site) -> int:
    """Bytes that were asked for by ranges."""
    spans = [wanted.removeprefix("bytes=").split("-") for wanted in site.ranges() if wanted]
    return sum(int(last) + 1 - int(first) for first, last in spans)


def unpacked(archive: Path, folder: Path) -> dict[str, bytes]:
    unpack.unpack(archive, folder, unpack.Settings("zip", "secret", "objectnet_overlap"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}


def test_only_the_wanted_members_are_fetched_and_unpack_as_from_the_whole(site, out, whole, tmp_path):
    download([site.url("/o")], out, Published(None, "0" * 32, len(whole)), RULE)  # the md5 is of the whole
    assert out.stat().st_size == len(whole)
    assert received(site) < 0.75 * len(whole)
    assert all(site.ranges()), "the whole file was asked for"
    assert json.loads((out.parent / "objectnet-1.0.zip.members.json").read_text())["of"] == len(whole)
    assert {path.name for path in out.parent.iterdir()} == {
        *(out.name, f"{out.name}.sha256", f"{out.name}.members.json", f".{out.name}.lock")
    }
    found = unpacked(out, tmp_path / "part")
    assert found == unpacked(tmp_path / "whole.zip", tmp_path / "from_whole")
    assert {Path(name).parent.name for name in found} == {"chair", "spoon"}
    # What is there is verified, not fetched.
    asked = len(site.requests)
    download([site.url("/o")], out, Published(None, "0" * 32, len(whole)), RULE)
    assert len(site.requests) == asked


def test_members_by_globs_of_a_zip_without_password(site, out, tmp_path, monkeypatch):
    monkeypatch.setattr(remote_file, "_FIRST", 1000)
    site.pages["/o"] = Page(objectnet(tmp_path / "plain.zip", password=None).read_bytes())
    download([site.url("/o")], out, NOTHING, Wanted(["*/spoon/*"], None))
    with zipfile.ZipFile(out) as archive:
        assert archive.read("objectnet-1.0/images/spoon/10.png") == content(100_000, 12)
        with pytest.raises(zipfile.BadZipFile):
            archive.read("objectnet-1.0/images/odd/10.png")


def test_a_damaged_member_is_found_by_its_checksum(site, out, whole, tmp_path):
    damaged = bytearray(objectnet(tmp_path / "stored.zip", deflate=False).read_bytes())
    damaged[50_000] ^= 1  # inside the first chair
    site.pages["/o"] = Page(bytes(damaged))
    download([site.url("/o")], out, NOTHING, RULE)
    with pytest.raises(InputError, match=r"chair/10.png is damaged"):
        unpacked(out, tmp_path / "part")


def test_connections_that_are_cut_go_on_from_where_they_were(site, out, whole):
    site.faults["/o"] = [cut(500), reset, cut(0), cut(30_000), cut(20_000), reset]
    download([site.url("/o")], out, NOTHING, RULE)
    with zipfile.ZipFile(out) as archive:
        assert len(archive.infolist()) == 8


def test_an_address_that_fails_again_and_again_is_one_line_and_the_next_run_goes_on(site, out, whole):
    site.faults["/o"] = [*[lambda handler, body: False] * 6, cut(60_000), *[reset] * 5]
    with pytest.raises(InputError, match=r"no address delivered it .*, 5 times\); what was received is kept") as raised:
        download([site.url("/o")], out, NOTHING, RULE)
    assert "\n" not in str(raised.value)
    assert not out.exists()
    assert sparse(out).exists()
    before = len(site.requests)
    download([site.url("/o")], out, NOTHING, RULE)
    again = [wanted for wanted in site.ranges()[before:] if wanted and wanted.startswith("bytes=0-")]
    assert again == ["bytes=0-999"], "asked whether it is the same file, and fetched nothing twice"


def test_a_note_that_cannot_be_read_now_is_not_damaged(site, out, whole, monkeypatch):
    site.faults["/o"] = [*[lambda handler, body: False] * 6, cut(60_000), *[reset] * 5]
    with pytest.raises(InputError):
        download([site.url("/o")], out, NOTHING, RULE)
    data = sparse(out)
    there = data.read_bytes()
    with monkeypatch.context() as patch:
        refuse(patch, data.with_name(f"{data.name}.json"), errno.ESTALE)
        with pytest.raises(InputError, match="the file server lost it"):
            download([site.url("/o")], out, NOTHING, RULE)
    assert data.read_bytes() == there


def test_another_version_on_the_server_is_never_spliced(site, out, whole, tmp_path):
    site.faults["/o"] = [*[lambda handler, body: False] * 6, cut(60_000), *[reset] * 5]
    with pytest.raises(InputError):
        download([site.url("/o")], out, NOTHING, RULE)
    site.pages["/o"] = Page(objectnet(tmp_path / "other.zip", deflate=False).read_bytes(), etag='"two"')
    download([site.url("/o")], out, NOTHING, RULE)
    conditions = {condition for _, _, condition in site.requests[-3:]}
    assert conditions == {'"two"'}
    assert unpacked(out, tmp_path / "part")


@pytest.mark.parametrize("page", [{"ranges": False}, {"etag": None, "modified": None}])
def test_without_ranges_or_a_version_the_whole_file_is_fetched(page, site, out, whole):
    site.pages["/o"] = Page(whole, **page)
    download([site.url("/o")], out, Published(None, None, len(whole)), RULE)
    assert out.read_bytes() == whole
    assert not zip_ranges.is_part(out)


def test_a_second_address_does_not_cost_what_the_first_has_sent(site, out, whole):
    """It calls the same file another version; where it fails too, the next run goes on with the first."""
    site.pages["/b"] = site.pages["/o"]._replace(etag='"two"')
    site.faults["/o"] = [*[lambda handler, body: False] * 6, cut(60_000), *[reset] * 5]
    site.faults["/b"] = [lambda handler, body: False, *[reset] * 5]
    urls = [site.url("/o"), site.url("/b")]
    with pytest.raises(InputError, match="what was received is kept"):
        download(urls, out, NOTHING, RULE)
    before = len(site.requests)
    download(urls, out, NOTHING, RULE)
    again = [wanted for path, wanted, _ in site.requests[before:] if wanted.startswith("bytes=0-")]
    assert again == ["bytes=0-999"], "asked whether it is the same file, and fetched nothing twice"
    assert {path.name for path in out.parent.iterdir() if not path.name.startswith(".")} == {
        *(out.name, f"{out.name}.sha256", f"{out.name}.members.json")
    }


def test_where_ranges_end_in_the_whole_file_nothing_is_left_of_them(site, out, whole):
    site.faults["/o"] = [*[lambda handler, body: False] * 6, cut(60_000), *[reset] * 5]
    with pytest.raises(InputError):
        download([site.url("/o")], out, NOTHING, RULE)
    assert sparse(out).exists()
    site.pages["/o"] = Page(whole, ranges=False)
    download([site.url("/o")], out, Published(None, None, len(whole)), RULE)
    assert out.read_bytes() == whole
    assert not [path for path in out.parent.iterdir() if "sparse" in path.name]


def test_members_alone_are_not_the_archive_of_a_checksum_that_was_set_since(site, out, whole):
    download([site.url("/o")], out, NOTHING, RULE)
    with pytest.raises(InputError, match=r"holds some members of the archive alone, .* delete this file"):
        download([site.url("/o")], out, Published("0" * 64, None, None))
    out.unlink()
    download([site.url("/o")], out, Published(hashlib.sha256(whole).hexdigest(), None, None))
    assert out.read_bytes() == whole
    assert not zip_ranges.is_part(out)


def test_a_second_address_delivers_where_the_first_is_gone(site, out, whole):
    download([site.url("/gone"), site.url("/o")], out, NOTHING, RULE)
    assert zip_ranges.is_part(out)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (b"<!doctype html><title>Sign in</title>" + bytes(2000), "a web page titled 'Sign in'"),
        (b"PK\3\4" + bytes(5000), "not a whole zip archive"),
    ],
)
def test_what_is_no_archive_is_one_line(page, said, site, out, whole):
    site.pages["/o"] = Page(page)
    with pytest.raises(InputError, match=said) as raised:
        download([site.url("/o")], out, NOTHING, RULE)
    assert "\n" not in str(raised.value)
    assert not out.exists()


def test_the_command_takes_the_members_and_its_card_keeps_no_password(site, out, whole, tmp_path):
    settings = Settings([site.url("/o")], None, None, None, "objectnet_overlap", "secret")
    run(settings, out=out, card=tmp_path / "card.json")
    assert "secret" not in (tmp_path / "card.json").read_text()
    with pytest.raises(InputError, match="members = 'overlap'; expected globs"):
        run(settings._replace(members="overlap"), out=out, card=None)


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))), max_size=8)


@given(spans, spans)
def test_what_is_missing_is_what_is_wanted_and_not_there(wanted, done):
    def places(listed):
        return {place for first, end in listed for place in range(first, end)}

    assert places(joined(wanted)) == places(wanted)
    assert all(one[1] < other[0] for one, other in zip(joined(wanted), joined(wanted)[1:], strict=False))
    assert places(missing(wanted, done)) == places(wanted) - places(done)


@pytest.mark.parametrize("after", [0, 2])
def test_a_connection_that_is_cut_in_the_first_bytes_is_tried_again(site: Site, whole: bytes, out: Path, after: int):
    """So few say nothing of what kind of a file it is."""
    site.faults["/o"].append(cut(after))
    download([site.url("/o")], out, NOTHING, RULE)
    assert len(site.requests) > 2


def test_first_bytes_that_come_alone_are_no_file_of_another_kind(site: Site, whole: bytes, out: Path):
    site.faults["/o"].append(cut(2, lambda: time.sleep(0.3)))
    download([site.url("/o")], out, NOTHING, RULE)
