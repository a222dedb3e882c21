"""Unpacking: the wanted members, whole, below the target, or one line; the next run goes on."""

import errno
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acquisition.archives import unpack, write_encrypted, write_tar, write_zip
from refused import refuse
from steps import settings_of
from tradeoffs.acquisition import fingerprint, members, zipcrypto
from tradeoffs.acquisition import unpack as module
from tradeoffs.acquisition.objectnet_members import overlap_members
from tradeoffs.step.errors import InputError

WORD = "objectnetisatestset"


def some_files(count: int = 12, seed: int = 0) -> dict[str, bytes]:
    draw = random.Random(seed)
    return {f"set/{i % 3:02d}_a class/{i}.png": draw.randbytes(draw.randrange(0, 3000)) for i in range(count)} | {
        "set/empty.txt": b"",
        "set/long.txt": b"abc" * 100_000,
        "other/readme.txt": b"not wanted",
    }


FILES = some_files()
KINDS = ["zip", "encrypted", "tar.gz"]


def archive_of(kind: str, folder: Path, files: dict[str, bytes]) -> tuple[Path, dict]:
    """Return an archive and the settings that unpack all of it."""
    spec = {"kind": "zip", "password": None, "members": None}
    if kind == "zip":
        return write_zip(folder / "a.zip", files), spec
    if kind == "encrypted":
        return write_encrypted(folder / "a.zip", files, WORD.encode()), spec | {"password": WORD}
    return write_tar(folder / "a.tar.gz", files), spec | {"kind": "tar.gz"}


def content(folder: Path) -> dict[str, bytes]:
    """Return all files but those that unpacking adds at the top."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not (path.parent == folder and path.suffix == ".json")
    }


def line(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data" / "set"


@pytest.mark.parametrize("kind", KINDS)
def test_everything_arrives(kind: str, tmp_path: Path, out: Path):
    archive, spec = archive_of(kind, tmp_path, FILES)
    unpack(archive, out, spec)
    assert content(out) == FILES
    recorded = fingerprint.recorded(out)
    assert recorded["dataset"] == "set"
    assert recorded["files"] == len(FILES)
    assert recorded["bytes"] == sum(map(len, FILES.values()))
    card = json.loads((out / "card.json").read_text())
    assert card["data"] == {"set": recorded["fingerprint"]}
    assert {path.name for path in out.parent.iterdir()} == {"set", ".set.lock"}


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_members_asked_for(kind: str, tmp_path: Path, out: Path):
    archive, spec = archive_of(kind, tmp_path, FILES)
    unpack(archive, out, spec | {"members": ["set/01_a class/*", "set/*.txt"]})
    chosen = [name for name in FILES if name.startswith("set/01") or (name.startswith("set/") and "txt" in name)]
    assert content(out) == {name: FILES[name] for name in chosen}
    assert "no member matches 'nothing/*'" in line(
        lambda: unpack(archive, out.with_name("b"), spec | {"members": ["set/*", "nothing/*"]})
    )


def test_the_encrypted_archives_here_are_what_other_programs_write(tmp_path: Path):
    """The standard library reads them, and reads what the zip program writes, so the parity tests mean something."""
    for streamed in (False, True):
        path = write_encrypted(tmp_path / "a.zip", FILES, b"word", streamed=streamed)
        with zipfile.ZipFile(path) as archive:
            assert {name: archive.read(name, b"word") for name in archive.namelist()} == FILES


@pytest.mark.skipif(shutil.which("zip") is None, reason="no zip program")
def test_what_the_zip_program_encrypts(tmp_path: Path, out: Path):
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    subprocess.run(["zip", "-q", "-r", "-P", WORD, "a.zip", "set", "other"], cwd=tmp_path, check=True)
    unpack(tmp_path / "a.zip", out, {"kind": "zip", "password": WORD, "members": None})
    # An empty file needs no encryption, so this archive is of both kinds.
    assert content(out) == FILES


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(st.text("abc", min_size=1, max_size=4), st.binary(max_size=700), min_size=1, max_size=9),
    password=st.text(min_size=1, max_size=8),
    deflate=st.booleans(),
    streamed=st.booleans(),
    lanes=st.integers(1, 5),
    block=st.integers(1, 600),
)
def test_any_members_side_by_side(tmp_path_factory, monkeypatch, files, password, deflate, streamed, lanes, block):
    monkeypatch.setattr(zipcrypto, "LANES", lanes)
    monkeypatch.setattr(zipcrypto, "BLOCK", block)
    folder = tmp_path_factory.mktemp("lanes")
    archive = write_encrypted(folder / "a.zip", files, password.encode(), deflate=deflate, streamed=streamed)
    unpack(archive, folder / "out", {"kind": "zip", "password": password, "members": None})
    assert content(folder / "out") == files


def test_wrong_and_missing_password(tmp_path: Path, out: Path):
    archive, spec = archive_of("encrypted", tmp_path, FILES)
    assert "give the password" in line(lambda: unpack(archive, out, spec | {"password": None}))
    for wrong in ("a", "b", "c"):
        assert "password" in line(lambda wrong=wrong: unpack(archive, out, spec | {"password": wrong}))
    assert not out.exists()
    unpack(archive, out, spec)
    assert content(out) == FILES


def write_objectnet(path: Path, imagenet: dict[str, str], labels: dict[str, str], password: bytes) -> dict[str, bytes]:
    files = {f"objectnet-1.0/images/{folder}/{i}.png": folder.encode() * 9 for folder in labels for i in range(2)}
    files["objectnet-1.0/mappings/folder_to_objectnet_label.json"] = json.dumps(labels).encode()
    files["objectnet-1.0/mappings/objectnet_to_imagenet_1k.json"] = json.dumps(imagenet).encode()
    files["objectnet-1.0/README"] = b"read me"
    write_encrypted(path, files, password)
    return files


def test_objectnet_gives_the_overlapping_classes(tmp_path: Path, out: Path):
    labels = {"alarm_clock": "Alarm clock", "mixing_salad_bowl": "Mixing / Salad Bowl", "banana": "Banana"}
    imagenet = {"Alarm clock": "analog clock; digital clock", "Banana": "banana"}
    files = write_objectnet(tmp_path / "o.zip", imagenet, labels, WORD.encode())
    unpack(tmp_path / "o.zip", out, {"kind": "zip", "password": WORD, "members": "objectnet_overlap"})
    assert content(out) == {n: d for n, d in files.items() if "salad" not in n and "README" not in n}


@pytest.mark.parametrize("broken", [{"Ghost": "ghost"}, ["Banana"], {"Banana": 3}])
def test_objectnet_with_broken_mappings(tmp_path: Path, broken):
    write_objectnet(tmp_path / "o.zip", broken, {"banana": "Banana"}, b"word")
    assert "objectnet-1.0/mappings" in line(lambda: overlap_members(tmp_path / "o.zip", "word"))
    assert "password" in line(lambda: overlap_members(tmp_path / "o.zip", "drow"))
    write_zip(tmp_path / "x.zip", FILES)
    assert "right archive" in line(lambda: overlap_members(tmp_path / "x.zip", None))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil-by-absolute-path.txt", "set/../../evil.txt", "C:/evil.txt"])
def test_nothing_outside_the_target(kind: str, name: str, tmp_path: Path, out: Path):
    archive, spec = archive_of(kind, tmp_path, {name: b"evil"} | FILES)
    for wanted in (None, ["set/*"]):
        assert "outside the target" in line(lambda wanted=wanted: unpack(archive, out, spec | {"members": wanted}))
    assert not out.exists()
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]
    assert not Path("/tmp/evil-by-absolute-path.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(kind: bytes, tmp_path: Path, out: Path):
    link = tarfile.TarInfo("set/link")
    link.type, link.linkname = kind, "/etc/passwd"
    archive = write_tar(tmp_path / "a.tar.gz", FILES, [link])
    spec = {"kind": "tar.gz", "password": None, "members": None}
    assert "'set/link' is a link or device" in line(lambda: unpack(archive, out, spec))
    assert not out.exists()
    unpack(archive, out, spec | {"members": ["set/*.png"]})
    assert content(out) == {name: data for name, data in FILES.items() if name.endswith("png")}


def test_symlink_in_a_zip(tmp_path: Path, out: Path):
    archive = write_zip(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(archive, "a") as opened:
        link = zipfile.ZipInfo("set/link")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, "/etc")
        opened.writestr("set/link/passwd", "through the link")
    assert "is a link" in line(lambda: unpack(archive, out, {"kind": "zip", "password": None, "members": None}))
    assert not out.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_names_that_cannot_be_taken(kind: str, tmp_path: Path, out: Path):
    archive, spec = archive_of(kind, tmp_path, FILES | {"card.json": b"{}"})
    assert "card.json" in line(lambda: unpack(archive, out, spec))
    archive, spec = archive_of(kind, tmp_path, FILES | {"./set/empty.txt": b"again"})
    assert "'set/empty.txt' twice" in line(lambda: unpack(archive, out, spec))
    assert not out.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_archive_then_the_whole_one(kind: str, tmp_path: Path, out: Path):
    archive, spec = archive_of(kind, tmp_path, FILES)
    whole = archive.read_bytes()
    for length in (0, len(whole) // 2, len(whole) - 4):
        archive.write_bytes(whole[:length])
        assert "not a whole" in line(lambda: unpack(archive, out, spec))
        assert not out.exists()
    archive.write_bytes(whole)
    unpack(archive, out, spec)
    assert content(out) == FILES


@pytest.mark.parametrize("kind", KINDS)
def test_one_flipped_bit(kind: str, tmp_path: Path, out: Path):
    archive, spec = archive_of(kind, tmp_path, FILES)
    data = bytearray(archive.read_bytes())
    data[len(data) // 3] ^= 4
    archive.write_bytes(data)
    assert "not a whole" in line(lambda: unpack(archive, out, spec))
    assert not out.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_damaged_archive_gave_is_not_kept_once_it_is_whole_again(kind: str, tmp_path: Path, out: Path):
    """Its recorded checksum counts while the record is newer: so what was unpacked before is of the same source."""
    archive, spec = archive_of(kind, tmp_path, FILES)
    whole = archive.read_bytes()
    sha256 = hashlib.sha256(whole).hexdigest()
    if kind == "tar.gz":  # stored, so that a bit changes a member and not the structure
        plain = gzip.decompress(whole)
        whole = gzip.compress(plain, 0)
    for place in (0.2, 0.4, 0.6, 0.8):
        data = bytearray(whole)
        data[int(len(data) * place)] ^= 4
        archive.write_bytes(data)
        archive.with_name(f"{archive.name}.sha256").write_text(f"{sha256}  {archive.name}\n")
        assert "not a whole" in line(lambda: unpack(archive, out, spec))
        assert not out.exists()
        archive.write_bytes(whole)
        archive.with_name(f"{archive.name}.sha256").write_text(f"{sha256}  {archive.name}\n")
        unpack(archive, out, spec)
        assert content(out) == FILES
        shutil.rmtree(out)


def test_compression_that_python_cannot_read(tmp_path: Path, out: Path):
    archive, spec = archive_of("zip", tmp_path, {"set/a": b"x" * 50})
    data = bytearray(archive.read_bytes())
    for signature, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        data[data.index(signature) + at] = 9  # Deflate64
    archive.write_bytes(data)
    assert "7z" in line(lambda: unpack(archive, out, spec))


STALL = """
import signal, sys
from pathlib import Path
rename, calls = Path.replace, []
def replace(self, target):
    calls.append(target)
    if len(calls) > 30:
        signal.pause()
    return rename(self, target)
Path.replace = replace
from tradeoffs.runner.commands import main
main()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_kill_and_go_on(kind: str, tmp_path: Path, out: Path, start):
    """Kill -9 when a member is written and has not its name yet, and 29 members (and source.json) have theirs."""
    files = {f"set/{i:04d}": bytes([i]) * 90 for i in range(60)}
    archive, spec = archive_of(kind, tmp_path, files)
    process = start(["-c", STALL], "unpack", "--spec", json.dumps(spec), "--archive", archive, "--out", out)
    stalled = out.with_name(".set.unpacking") / "set"
    limit = time.monotonic() + 60
    while not stalled.is_dir() or len(whole_members(stalled)) < 29 or not list(stalled.glob("*.unfinished")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = whole_members(stalled)
    assert not out.exists()
    unpack(archive, out, spec)
    assert content(out) == files
    after = whole_members(out / "set")
    assert {name: after[name] for name in before} == before, "members that were whole were unpacked again"


def whole_members(folder: Path) -> dict[str, int]:
    """Return the inodes of the members that have their name."""
    return {entry.name: entry.inode() for entry in os.scandir(folder) if not entry.name.startswith(".")}


@pytest.mark.parametrize("kind", KINDS)
def test_partial_member_is_not_taken_for_whole(kind: str, tmp_path: Path, out: Path, monkeypatch):
    """A member cut by a power failure has its name but not its size; one under way has not its name."""
    archive, spec = archive_of(kind, tmp_path, FILES)
    with monkeypatch.context() as patch:
        patch.setattr("tradeoffs.acquisition.unpack.check_folder", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            unpack(archive, out, spec)
    staging = out.with_name(".set.unpacking")
    (staging / "set/long.txt").write_bytes(b"abc")
    (staging / "set/.x.png.unfinished").write_bytes(b"abc")
    unpack(archive, out, spec)
    assert content(out) == FILES


@pytest.mark.parametrize("kind", KINDS)
def test_complete_folder_is_verified_and_kept(kind: str, tmp_path: Path, out: Path):
    archive, spec = archive_of(kind, tmp_path, FILES)
    unpack(archive, out, spec)
    first = fingerprint.recorded(out)
    inodes = {path: path.stat().st_ino for path in out.rglob("*.png")}
    (out / "fingerprint.json").unlink()  # as a workflow does before it runs a step again
    (out / "set/long.txt").unlink()
    unpack(archive, out, spec)
    assert content(out) == FILES
    assert fingerprint.recorded(out) == first
    assert {path: path.stat().st_ino for path in out.rglob("*.png")} == inodes
    (out / "set/mine.txt").write_text("put here by somebody")
    assert "mine.txt: does not come from the archive" in line(lambda: unpack(archive, out, spec))
    assert out.is_dir()


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_folder_stays_where_it_is_while_it_is_verified_again(
    kind: str, tmp_path: Path, out: Path, monkeypatch
):
    """What reads it meanwhile finds it, and an interruption takes nothing away, also where the archive goes then."""
    archive, spec = archive_of(kind, tmp_path, FILES)
    unpack(archive, out, spec)
    seen = []

    def interrupted(folder, *_):
        seen.append(content(out) == FILES)
        (out / "set/.x.unfinished").write_bytes(b"abc")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tradeoffs.acquisition.unpack.check_folder", interrupted)
        with pytest.raises(KeyboardInterrupt):
            unpack(archive, out, spec)
    assert seen == [True]
    assert fingerprint.verify(out) == fingerprint.recorded(out)["fingerprint"]
    archive.unlink()
    unpack(archive, out, spec)
    assert {name: value for name, value in content(out).items() if not name.endswith(".unfinished")} == FILES


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("own", [[], ["set/.DS_Store"]])
def test_what_a_system_or_a_kill_left_spoils_no_unpacked_folder(kind: str, own: list[str], tmp_path: Path, out: Path):
    archive, spec = archive_of(kind, tmp_path, FILES | dict.fromkeys(own, b"of the archive"))
    unpack(archive, out, spec)
    first = fingerprint.recorded(out)
    if own:
        assert first["files"] == len(FILES) + 1
        (out / own[0]).unlink()
        assert "does not match" in line(lambda: fingerprint.verify(out))
        unpack(archive, out, spec)
    else:
        for name in (".fingerprint.4711.0a1b2c3d.json", "set/.DS_Store", "set/.nfs0001", "Thumbs.db"):
            (out / name).write_bytes(b"x")
    unpack(archive, out, spec)
    assert fingerprint.verify(out) == first["fingerprint"]
    archive.unlink()
    (out / "fingerprint.json").unlink()
    unpack(archive, out, spec)
    assert fingerprint.recorded(out) == first
    (out / "set/mine.txt").write_bytes(b"x")
    assert "take away what was added" in line(lambda: unpack(archive, out, spec))


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_folder_needs_no_archive(kind: str, tmp_path: Path, out: Path):
    """As where the code of this step has changed and the archive was removed meanwhile to make room."""
    archive, spec = archive_of(kind, tmp_path, FILES)
    unpack(archive, out, spec)
    first = fingerprint.recorded(out)
    archive.unlink()
    (out / "fingerprint.json").unlink()  # as a workflow does before it runs a step again
    unpack(archive, out, spec)
    assert fingerprint.recorded(out) == first
    assert fingerprint.verify(out) == first["fingerprint"]
    assert "file not found" in line(lambda: unpack(archive, out, spec | {"members": ["set/*"]}))
    (out / "set/long.txt").unlink()
    assert "not all that was unpacked is there" in line(lambda: unpack(archive, out, spec))
    archive_of(kind, tmp_path, FILES)
    os.utime(archive)
    unpack(archive, out, spec)
    assert content(out) == FILES


def test_other_selection_or_archive_replaces_the_folder(tmp_path: Path, out: Path):
    archive, spec = archive_of("zip", tmp_path, FILES)
    prints = []
    for wanted in (None, ["set/*"], ["set/*.png"]):
        unpack(archive, out, spec | {"members": wanted})
        prints.append(fingerprint.recorded(out)["fingerprint"])
    changed = FILES | {"set/long.txt": b"xyz" * 100_000}
    write_zip(archive, changed)
    unpack(archive, out, spec)
    assert content(out) == changed
    prints.append(fingerprint.recorded(out)["fingerprint"])
    assert len(set(prints)) == 4


def test_recorded_checksum_counts_while_it_is_newer(tmp_path: Path, out: Path):
    archive, spec = archive_of("zip", tmp_path, FILES)
    record = tmp_path / "a.zip.sha256"
    record.write_text(f"{'1' * 64}  a.zip\n")
    unpack(archive, out, spec)
    assert json.loads((out / "source.json").read_text())["sha256"] == "1" * 64
    os.utime(record, (1e9, 1e9))
    unpack(archive, out, spec)
    assert json.loads((out / "source.json").read_text())["sha256"] != "1" * 64


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path, out: Path):
    archive, spec = archive_of("zip", tmp_path, FILES)
    out.mkdir(parents=True)
    (out / "thesis.txt").write_text("precious")
    assert "not made by unpacking" in line(lambda: unpack(archive, out, spec))
    assert (out / "thesis.txt").read_text() == "precious"


def test_missing_archive(tmp_path: Path, out: Path):
    spec = {"kind": "zip", "password": None, "members": None}
    assert "file not found" in line(lambda: unpack(tmp_path / "none.zip", out, spec))


@pytest.mark.parametrize("kind", KINDS)
def test_space_is_checked_first(kind: str, tmp_path: Path, out: Path, monkeypatch):
    archive, spec = archive_of(kind, tmp_path, FILES)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    assert "has 1.0 kB free" in line(lambda: unpack(archive, out, spec))
    assert not out.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_disk_full_in_the_middle(kind: str, tmp_path: Path, small_disk: Path, monkeypatch):
    archive, spec = archive_of(kind, tmp_path, {f"set/{i}": bytes(100_000) for i in range(15)})
    monkeypatch.setattr("tradeoffs.acquisition.zip_archive.require_space", lambda *_: None)
    out = small_disk / "set"
    assert "disk or quota is full" in line(lambda: unpack(archive, out, spec))
    assert not out.exists()
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    unpack(archive, out, spec)
    assert len(content(out)) == 15


@pytest.mark.parametrize("kind", KINDS)
def test_no_space_left_on_any_write(kind: str, tmp_path: Path, out: Path, monkeypatch):
    """The same without the right to mount."""
    archive, spec = archive_of(kind, tmp_path, FILES)

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    with monkeypatch.context() as patch:
        patch.setattr(members.Path, "replace", full)
        assert "disk or quota is full" in line(lambda: unpack(archive, out, spec))
    assert not out.exists()
    unpack(archive, out, spec)
    assert content(out) == FILES


def test_two_at_once(tmp_path: Path, out: Path, start):
    archive, spec = archive_of("encrypted", tmp_path, {f"set/{i:04d}": bytes(50) for i in range(200)})
    both = [start("unpack", "--spec", json.dumps(spec), "--archive", archive, "--out", out) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert len(content(out)) == 200


def test_command_says_one_line_and_fails(tmp_path: Path, out: Path, start):
    spec = json.dumps({"kind": "zip", "password": None, "members": None})
    process = start("unpack", "--spec", spec, "--archive", tmp_path / "none.zip", "--out", out)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert errors == f"error: {tmp_path / 'none.zip'}: file not found; download it first, or correct the path\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "rar"}, "'zip' or 'tar.gz'"),
        ({"kind": "tar.gz", "password": "x"}, "password is for a zip"),
        ({"members": []}, "globs"),
        ({"members": [1]}, "globs"),
        ({"members": "all"}, "objectnet_overlap"),
        ({"kind": "tar.gz", "members": "objectnet_overlap"}, "of a zip"),
        ({"strip": 1}, "unknown key"),
    ],
)
def test_wrong_settings(change: dict, said: str):
    good = {"kind": "zip", "password": None, "members": None}
    assert module.checked(settings_of(module, json.dumps(good))) == module.Settings(**good)
    assert said in line(lambda: module.checked(settings_of(module, json.dumps(good | change))))


def test_what_is_half_unpacked_stays_where_its_source_cannot_be_read_now(tmp_path: Path, out: Path, monkeypatch):
    archive, spec = archive_of("zip", tmp_path, FILES)
    unpack(archive, out, spec)
    staging = out.with_name(".set.unpacking")
    out.rename(staging)
    with monkeypatch.context() as patch:
        refuse(patch, staging / "source.json", errno.EIO)
        assert "check the disk" in line(lambda: unpack(archive, out, spec))
    assert content(staging) == FILES


def test_a_file_in_the_place_of_the_folder_is_left_alone(tmp_path: Path, out: Path):
    archive, spec = archive_of("zip", tmp_path, FILES)
    out.parent.mkdir()
    out.write_text("precious")
    assert "not made by unpacking" in line(lambda: unpack(archive, out, spec))
    assert out.read_text() == "precious"


@pytest.mark.parametrize("text", ["[1]", "null", "{", '"zip"'])
def test_folder_whose_source_is_somebody_elses_is_left_alone(tmp_path: Path, out: Path, text: str):
    archive, spec = archive_of("zip", tmp_path, FILES)
    out.mkdir(parents=True)
    (out / "source.json").write_text(text)
    (out / "thesis.txt").write_text("precious")
    assert "not made by unpacking" in line(lambda: unpack(archive, out, spec))
    assert (out / "thesis.txt").read_text() == "precious"


def test_archive_unpacked_again_elsewhere_leaves_no_trace_of_the_first_time(tmp_path: Path, out: Path):
    """An empty folder, and one that an interrupted run had put aside, are no obstacle and are gone afterwards."""
    archive, spec = archive_of("zip", tmp_path, FILES)
    out.mkdir(parents=True)
    aside = out.with_name(".set.replaced")
    aside.mkdir()
    (aside / "old.txt").write_text("old")
    unpack(archive, out, spec)
    assert content(out) == FILES
    assert {path.name for path in out.parent.iterdir()} == {"set", ".set.lock"}
