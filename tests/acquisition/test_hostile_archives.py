"""Archives made to harm or damaged at random: one line or what they hold, and nothing outside the folder."""

import gzip
import io
import os
import random
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from acquisition.archives import unpack, write_encrypted, write_tar, write_zip
from acquisition.test_unpack import KINDS, archive_of, content, line, some_files
from tradeoffs.acquisition.objectnet_members import overlap_members
from tradeoffs.step.errors import InputError

SEEDS = int(os.environ.get("TRADEOFFS_SEEDS", "20"))  # of each kind; TRADEOFFS_SEEDS=100 is the whole campaign
SMALL = dict(list(some_files(9, seed=3).items())[:9]) | {"set/a.txt": b"abc" * 400}


def attempt(archive: Path, out: Path, spec: dict) -> str | None:
    """Return the one line that unpacking ends in, None where it succeeds."""
    try:
        unpack(archive, out, spec)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", KINDS)
def test_random_damage(kind: str, seed: int, tmp_path: Path):
    """Bytes replaced, cut out, doubled, or the end lost, anywhere: in headers, names, contents, directories."""
    rng = random.Random(f"{kind}{seed}")
    archive, spec = archive_of(kind, tmp_path, SMALL)
    whole = archive.read_bytes()
    data = bytearray(whole)
    if kind == "tar.gz" and seed % 2:  # half of the damage is to the tar inside, where gzip's checksum is right
        data = bytearray(gzip.decompress(whole))
    # Most of the damage is where structure is: within the first bytes, and in the directory at the end.
    centre = rng.choice([0, len(data) - 200, rng.randrange(len(data))])
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = min(max(0, centre + rng.randrange(-100, 300)), len(data) - 1)
        match rng.randrange(5):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at : at + rng.randrange(1, 9)] = rng.randbytes(rng.randrange(1, 9))
            case 2:
                data[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"9999"])
            case 3:
                del data[at : at + rng.randrange(1, 40)]
            case _:
                data[at:at] = data[at : at + rng.randrange(1, 60)]
    archive.write_bytes(gzip.compress(bytes(data), 1) if kind == "tar.gz" and seed % 2 else bytes(data))
    inside = kind == "tar.gz" and seed % 2
    said = attempt(archive, tmp_path / "data" / "set", spec)
    if said is None:
        found = content(tmp_path / "data" / "set")
        # A bit of a tar's own padding or times means nothing, and what gzip vouches for is what the archive holds.
        if inside:
            found = {name: SMALL[name] if len(data) == len(SMALL[name]) else data for name, data in found.items()}
        assert found == SMALL
    else:
        assert "\n" not in said
        assert not (tmp_path / "data" / "set").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"data", archive.name}
    archive.write_bytes(whole)
    unpack(archive, tmp_path / "data" / "set", spec)
    assert content(tmp_path / "data" / "set") == SMALL


@pytest.mark.parametrize(
    "damage",
    [
        lambda tar, third: tar[:third],
        lambda tar, third: tar[: third + 100],
        lambda tar, third: tar.rstrip(b"\0") + bytes(-len(tar.rstrip(b"\0")) % 512),
        lambda tar, third: tar[: third + 3] + bytes([tar[third + 3] ^ 1]) + tar[third + 4 :],
        lambda tar, third: tar[:third] + bytes(512) + tar[third + 512 :],
    ],
    ids=["cut before a header", "cut in a header", "no end", "a bit of a header", "a header of zeros"],
)
def test_a_tar_that_ends_too_early_in_a_sound_gzip_is_not_whole(damage, tmp_path: Path):
    archive, spec = archive_of("tar.gz", tmp_path, SMALL)
    tar = gzip.decompress(archive.read_bytes())
    headers = [at for at in range(0, len(tar), 512) if tar[at + 257 : at + 262] == b"ustar"]
    archive.write_bytes(gzip.compress(damage(tar, headers[2])))
    assert "not a whole tar.gz" in line(lambda: unpack(archive, tmp_path / "out", spec))
    assert not (tmp_path / "out").exists()


NAMES = {
    "deep": "a/" * 2000 + "b",
    "deep and dotted": "./a/" * 900 + "b",
    "long": "a" * 300,
    "as long as a file system allows": "a" * 255,
    "long in bytes": "\u00e9" * 200,
    "parent": "set/../../../evil",
    "absolute": "//evil",
    "drive": "c:evil",
    "backslashes": "..\\..\\evil",
    "nothing but dots": "./.",
    "own": "fingerprint.json",
    "own of a step": "source.json/x",
    "unfinished": "set/.a.unfinished",
    "a file where another has its folder": "set/a.txt/b",
    "control characters": "set/a\nb\x1b[31m",
    "surrogates": "set/\udce9",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_made_to_harm(kind: str, name: str, tmp_path: Path):
    try:
        archive, spec = archive_of(kind, tmp_path, SMALL | {name: b"evil"})
    except UnicodeEncodeError:
        pytest.skip("a zip holds no such name")
    out = tmp_path / "data" / "set"
    said = attempt(archive, out, spec)
    if said is None:
        assert len(content(out)) == len(SMALL) + 1
    else:
        assert "\n" not in said
        assert len(said) < 700
        assert not out.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"data", archive.name}
    assert {path.name for path in (tmp_path / "data").iterdir()} <= {"set", ".set.lock", ".set.unpacking"}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_archive_that_is_no_plain_file(make, name: str, tmp_path: Path):
    make(tmp_path / name)
    spec = {"kind": name.partition(".")[2], "password": None, "members": None}
    assert f"{name}: not a plain file" in line(lambda: unpack(tmp_path / name, tmp_path / "out", spec))


def test_member_renamed_by_a_bit_in_the_directory(tmp_path: Path):
    """The two names of a member are compared: its data would else appear under another image's class."""
    for kind in ("zip", "encrypted"):
        archive, spec = archive_of(kind, tmp_path, {"set/00_cat/1.png": b"x" * 99, "set/01_dog/2.png": b"y" * 99})
        data = bytearray(archive.read_bytes())
        at = data.rindex(b"set/00_cat")
        data[at + 5] ^= 2
        archive.write_bytes(data)
        assert "not a whole" in line(lambda archive=archive, spec=spec: unpack(archive, tmp_path / "out", spec))


def with_method(archive: Path, method: int, flags: int = 0) -> None:
    """Give every member another method of compression, in its header and in the directory."""
    data = bytearray(archive.read_bytes())
    for signature, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        start = 0
        while (start := data.find(signature, start)) >= 0:
            data[start + at : start + at + 2] = struct.pack("<H", method)
            data[start + at - 2] |= flags
            start += 4
    archive.write_bytes(data)


@pytest.mark.parametrize(
    ("method", "flags", "said"), [(99, 1, "AES"), (9, 0, "type 9"), (14, 1, "type 14"), (8, 0x41, "7z")]
)
def test_what_cannot_be_read_is_not_blamed_on_the_password(method: int, flags: int, said: str, tmp_path: Path):
    labels = b'{"banana": "Banana"}'
    files = {
        "objectnet-1.0/mappings/folder_to_objectnet_label.json": labels,
        "objectnet-1.0/mappings/objectnet_to_imagenet_1k.json": labels,
    }
    archive = write_encrypted(tmp_path / "o.zip", files, b"word") if flags else write_zip(tmp_path / "o.zip", files)
    with_method(archive, method, flags)
    spec = {"kind": "zip", "password": "word", "members": None}
    for found in (
        line(lambda: overlap_members(archive, "word")),
        line(lambda: unpack(archive, tmp_path / "out", spec)),
    ):
        assert said in found
        assert "7z" in found
        assert "password" not in found


def test_tar_of_sparse_and_long_and_odd_members(tmp_path: Path):
    """Headers of every kind that tarfile knows, with sizes that are not true."""
    for number, kind in enumerate(b"01234567LKSxgVNM"):
        for size in (0, 5, 1 << 40):
            member = tarfile.TarInfo("set/odd")
            member.type, member.size = bytes([kind]), size
            raw = member.tobuf(tarfile.GNU_FORMAT) + b"7 a=b\n\0".ljust(512, b"\0")
            stream = io.BytesIO(raw + bytes(1024))
            archive = tmp_path / "a.tar.gz"
            archive.write_bytes(gzip.compress(stream.getvalue(), 1))
            said = attempt(
                archive, tmp_path / f"{number}-{size}", {"kind": "tar.gz", "password": None, "members": None}
            )
            assert said is None or "\n" not in said


def test_archives_within_archives_and_none(tmp_path: Path):
    inner = write_tar(tmp_path / "inner.tar.gz", SMALL).read_bytes()
    for name, data in {
        "empty.zip": b"",
        "text.zip": b"PK\3\4 but no more",
        "only the end.zip": b"PK\5\6" + bytes(18),
        "gz of gz.tar.gz": gzip.compress(inner, 1),
        "gz of nothing.tar.gz": gzip.compress(b"", 1),
        "gz of text.tar.gz": gzip.compress(b"x" * 5000, 1),
        "zip as tar.tar.gz": write_zip(tmp_path / "inner.zip", SMALL).read_bytes(),
        "tar as zip.zip": inner,
        "directory that points outside.zip": b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 9, 9, 1 << 31, 1 << 31, 0),
    }.items():
        archive = tmp_path / name
        archive.write_bytes(data)
        spec = {"kind": "zip" if name.endswith("zip") else "tar.gz", "password": None, "members": None}
        line(lambda archive=archive, spec=spec, name=name: unpack(archive, tmp_path / "out" / name, spec))


def test_zip_of_more_than_it_says(tmp_path: Path):
    """A member larger than its directory says is not written on, encrypted or not."""
    for kind in ("zip", "encrypted"):
        archive, spec = archive_of(kind, tmp_path, {"set/a": bytes(50_000)})
        data = bytearray(archive.read_bytes())
        at = data.rindex(b"PK\1\2")
        data[at + 24 : at + 28] = struct.pack("<L", 10)
        archive.write_bytes(data)
        assert "not a whole" in line(lambda archive=archive, spec=spec: unpack(archive, tmp_path / "out", spec))
    assert zipfile.is_zipfile(tmp_path / "a.zip")
