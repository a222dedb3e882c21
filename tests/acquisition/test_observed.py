"""The content of a user's folder: what changes its id, what is read for it, and no folder that counts as empty."""

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tradeoffs.acquisition import observed
from tradeoffs.acquisition.contents import fingerprint, listing
from tradeoffs.acquisition.members import check_folder
from tradeoffs.acquisition.observed import content, recorded, token
from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import entries, walk


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("a/1.JPEG", "a/2.JPEG", "b c/3.JPEG", "b c/deep/4.JPEG"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(name)
    return tmp_path / "data"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read since, and a clock by which all that lies there is older than a moment."""
    names: list[str] = []
    original = observed.sha256
    monkeypatch.setattr(observed, "sha256", lambda path: (names.append(Path(path).name), original(path))[1])
    monkeypatch.setattr(observed, "_SETTLED", 0)
    return names


def test_only_folders_in_which_something_changed_are_read_again(data: Path, tmp_path: Path, read: list[str]) -> None:
    first = content(data, tmp_path / "records")
    assert first.files == len(read) == 4
    read.clear()
    assert content(data, tmp_path / "records") == first
    assert read == []
    (data / "a/1.JPEG").touch()
    assert content(data, tmp_path / "records") == first
    assert sorted(read) == ["1.JPEG", "2.JPEG"]
    read.clear()
    assert content(data, tmp_path / "records") == first == recorded(data, tmp_path / "records")
    assert read == []
    assert content(data) == first  # without a record all of it
    assert len(read) == 4


def _edit(data: Path) -> None:
    file = data / "b c/deep/4.JPEG"
    status = file.stat()
    file.write_text(file.read_text().upper())
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "content, of the same size and time": _edit,
    "a file more": lambda data: (data / "a/5.JPEG").write_text("5"),
    "a file less": lambda data: (data / "a/1.JPEG").unlink(),
    "an empty file": lambda data: (data / "a/5.JPEG").touch(),
    "a name": lambda data: (data / "a/1.JPEG").rename(data / "a/9.JPEG"),
    "a place": lambda data: (data / "a/1.JPEG").rename(data / "b c/1.JPEG"),
    "a folder's name": lambda data: (data / "a").rename(data / "z"),
    "two files exchanged": lambda data: (
        (data / "a/1.JPEG").rename(data / "x"),
        (data / "a/2.JPEG").rename(data / "a/1.JPEG"),
        (data / "x").rename(data / "a/2.JPEG"),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_and_taken_back_it_is_what_it_was(data: Path, tmp_path: Path, change: str) -> None:
    records = tmp_path / "records"
    shutil.copytree(data, tmp_path / "kept")
    assert token(data, records) == ""  # nothing is known, so nothing is stale, and nothing is read
    before = content(data, records)
    assert token(data, records) == ""
    CHANGES[change](data)
    after = token(data, records)
    assert after == content(data).id != before.id
    assert token(data, records, look=False) == after
    shutil.rmtree(data)
    shutil.copytree(tmp_path / "kept", data)
    assert token(data, records) == ""
    assert content(data, records) == before


def test_what_no_reader_sees_does_not_count(data: Path) -> None:
    before = content(data)
    for name in (".DS_Store", "a/._1.JPEG", "a/Thumbs.db", "__MACOSX/a/._1.JPEG", "@eaDir/x/1.JPEG"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("junk")
    (data / "empty").mkdir()
    assert content(data) == before
    assert [entry.name for entry in entries(data)] == ["a", "b c", "empty"]


def test_a_pipe_is_refused_before_anything_is_read(data: Path, read: list[str]) -> None:
    os.mkfifo(data / "zebra.jpg")
    with pytest.raises(InputError, match=r"zebra\.jpg: a pipe or a device, expected a plain file; remove it"):
        content(data)
    assert read == []


def test_links_are_followed_and_the_place_does_not_count(data: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    for folder in ("a", "b c"):
        (tmp_path / "linked" / folder).symlink_to(data / folder)
    assert content(tmp_path / "linked") == content(data)


def test_a_file_counts_by_its_content(tmp_path: Path, read: list[str]) -> None:
    file, records = tmp_path / "weights.pt", tmp_path / "records"
    file.write_bytes(b"12345")
    first = content(file, records)
    read.clear()
    assert content(file, records) == first
    assert read == []
    file.write_bytes(b"12346")
    assert content(file, records) != first
    assert content(file, records) == content(Path(shutil.copy(file, tmp_path / "copy.pt")))


@pytest.mark.parametrize("broken", ["{", "[]", '{"folders": {"a": [1]}}', '{"folders": 3}'])
def test_a_broken_record_only_costs_another_reading(data: Path, tmp_path: Path, broken: str) -> None:
    records = tmp_path / "records"
    before = content(data, records)
    (record,) = records.glob("*.json")
    record.write_text(broken)
    assert content(data, records) == before


@pytest.mark.parametrize("broken", [None, "{", "[]", '{"folders": 3}'])
@pytest.mark.parametrize("changed", [False, True])
def test_without_a_record_what_was_assembled_says_what_is_stale(
    data: Path, tmp_path: Path, broken: str | None, changed: bool
) -> None:
    records = tmp_path / "records"
    before = content(data, records)
    (record,) = records.glob("*.json")
    record.unlink() if broken is None else record.write_text(broken)
    if changed:
        _edit(data)
    for _ in range(2):  # and so it stays
        found = token(data, records, {before.id})
        assert found == (content(data).id if changed else "")
        assert token(data, records, {before.id}, look=False) == found
    if changed:  # taken back, it is what it was
        (data / "b c/deep/4.JPEG").write_text("b c/deep/4.JPEG")
        assert token(data, records, {before.id}) == ""


def test_records_of_relative_paths_move_with_the_folder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[str]
) -> None:
    (tmp_path / "project").mkdir()
    data.rename(tmp_path / "project/data")
    monkeypatch.chdir(tmp_path / "project")
    first = content(Path("data"), Path("records"))
    monkeypatch.chdir(tmp_path)
    Path("project").rename("moved")
    monkeypatch.chdir(tmp_path / "moved")
    read.clear()
    assert content(Path("data"), Path("records")) == first
    assert read == []
    _edit(Path("data"))
    assert token(Path("data"), Path("records")) == content(Path("data")).id


def test_an_interrupted_first_reading_goes_on_and_is_not_taken_for_whole(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: list[str]
) -> None:
    monkeypatch.setattr(observed, "_SAVE_EVERY", -1.0)
    working = observed.sha256

    def failing(path: Path) -> str:
        if path.name.endswith("4.JPEG"):
            raise InputError("the disk is gone")
        return working(path)

    monkeypatch.setattr(observed, "sha256", failing)
    with pytest.raises(InputError, match="the disk is gone"):
        content(data, tmp_path / "records")
    monkeypatch.setattr(observed, "sha256", working)
    assert token(data, tmp_path / "records") == ""
    read.clear()
    whole = content(data, tmp_path / "records")
    assert read == ["4.JPEG"]
    assert whole == content(data)


WALKS: dict[str, Callable[[Path], object]] = {
    "walk": lambda folder: list(walk(folder)),
    "content": content,
    "listing": listing,
    "fingerprint": fingerprint,
    "check_folder": lambda folder: check_folder(folder, {"a/1.JPEG": 8}),
}


@pytest.mark.parametrize("kind", WALKS)
def test_links_that_lead_nowhere_or_back_are_named(data: Path, kind: str) -> None:
    for name in ("2.JPEG", "3.JPEG", "4.JPEG"):
        next(data.rglob(name)).unlink()
    WALKS[kind](data)
    (data / "b c" / "back").symlink_to(data)
    with pytest.raises(InputError, match="b c/back: a link that leads back to a folder above it"):
        WALKS[kind](data)
    if kind in ("content", "listing", "fingerprint"):
        (data / "b c" / "back").unlink()
        (data / "b c" / "gone").symlink_to("nowhere")
        with pytest.raises(InputError, match=r"b c/gone: a link to nowhere, which does not exist"):
            WALKS[kind](data)


UNPRIVILEGED = """
    import os, sys
    from pathlib import Path
    from tradeoffs.acquisition import contents, fingerprint, members, observed
    from tradeoffs.data import imagenet, waterbirds
    from tradeoffs.step.errors import InputError

    root = Path(sys.argv[1])
    (root / "val/n01443537").chmod(0)
    (root / "waterbird_complete95_forest2water2/metadata.csv").chmod(0)
    for name, read in {
        "reader": lambda: imagenet.read(root, "val"),
        "parts": lambda: fingerprint.of_parts({"val": root / "val"}),
        "content": lambda: observed.content(root / "val"),
        "listing": lambda: contents.listing(root),
        "fingerprint": lambda: contents.fingerprint(root / "val"),
        "members": lambda: members.check_folder(root / "val", {}),
        "table": lambda: waterbirds.read(root, "test"),
    }.items():
        try:
            print(name, "read", read())
        except InputError as error:
            print(name, "refused", error)
"""


def test_a_folder_without_permission_never_counts_as_empty(tmp_path: Path) -> None:
    for wnid in ("n01440764", "n01443537"):
        (tmp_path / "val" / wnid).mkdir(parents=True)
    (tmp_path / "val/n01443537/1.JPEG").write_text("1")
    (tmp_path / "val/n01440764/1.JPEG").write_text("1")
    (tmp_path / "waterbird_complete95_forest2water2").mkdir()
    (tmp_path / "waterbird_complete95_forest2water2/metadata.csv").write_text("x")
    command = [sys.executable, "-c", textwrap.dedent(UNPRIVILEGED), str(tmp_path)]
    if os.geteuid() == 0:  # root reads everything, unless it gives that right away
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("as root this needs setpriv")
        rights = "-dac_override,-dac_read_search"
        command = [setpriv, f"--bounding-set={rights}", f"--inh-caps={rights}", *command]
    environment = os.environ | {"PYTHONPATH": str(Path(observed.__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    (tmp_path / "val/n01443537").chmod(0o755)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 7
    for line in lines:
        name, verdict, message = line.split(" ", 2)
        assert verdict == "refused", line
        if name == "members":  # where the first file is, no other reason is given before the folder is reached
            continue
        assert ("Permission denied" if name == "table" else "no permission to read it") in message, line
        assert ("metadata.csv" if name == "table" else "n01443537") in message, line
