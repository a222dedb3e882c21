"""A published data set is assembled from links, and its fingerprint says what stands behind them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tradeoffs.acquisition.assemble import assemble
from tradeoffs.acquisition.fingerprint import verify
from tradeoffs.step.errors import InputError


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "copy" / "top" / "a class").mkdir(parents=True)
    (tmp_path / "copy" / "top" / "a class" / "one.JPEG").write_bytes(b"1234")
    (tmp_path / "copy" / "top" / "two.png").write_bytes(b"12")
    (tmp_path / "map.json").write_text("{}")
    return {"top": tmp_path / "copy" / "top", "deep/map.json": tmp_path / "map.json"}


def test_it_looks_like_one_folder_and_verifies(tmp_path: Path, parts: dict[str, Path]) -> None:
    out = tmp_path / "out"
    found = assemble(out, "name", parts)
    assert (out / "top" / "a class" / "one.JPEG").read_bytes() == b"1234"
    assert (out / "deep" / "map.json").read_text() == "{}"
    assert verify(out) == found
    assert json.loads((out / "fingerprint.json").read_text())["files"] == 3


def test_nothing_is_written_to_the_parts(tmp_path: Path, parts: dict[str, Path]) -> None:
    before = sorted(path for path in (tmp_path / "copy").rglob("*"))
    assemble(tmp_path / "out", "name", parts)
    assert sorted(path for path in (tmp_path / "copy").rglob("*")) == before


@pytest.mark.parametrize("change", ["size", "name", "file", "place"])
def test_a_change_of_the_parts_changes_the_fingerprint(tmp_path: Path, parts: dict[str, Path], change: str) -> None:
    first = assemble(tmp_path / "out", "name", parts)
    if change == "size":
        (parts["top"] / "two.png").write_bytes(b"123")
    elif change == "name":
        (parts["top"] / "two.png").rename(parts["top"] / "three.png")
    elif change == "file":
        parts["deep/map.json"].write_text("[]")
    else:
        parts["elsewhere"] = parts.pop("top")
    if change != "place":
        with pytest.raises(InputError, match=r"does not match its fingerprint\.json"):
            verify(tmp_path / "out")
    assert assemble(tmp_path / "out", "name", parts) != first
    assert (tmp_path / "out" / "top").exists() == (change != "place")


def test_the_same_data_elsewhere_have_the_same_fingerprint(tmp_path: Path, parts: dict[str, Path]) -> None:
    first = assemble(tmp_path / "out", "name", parts)
    shutil.copytree(tmp_path / "copy", tmp_path / "other")
    assert assemble(tmp_path / "out", "name", parts | {"top": tmp_path / "other" / "top"}) == first


def test_a_missing_part_is_named(tmp_path: Path, parts: dict[str, Path]) -> None:
    shutil.rmtree(parts["top"])
    with pytest.raises(InputError, match=rf"{parts['top']}: not found"):
        assemble(tmp_path / "out", "name", parts)
    assert not (tmp_path / "out" / "fingerprint.json").exists()


def test_what_is_not_a_link_is_never_replaced(tmp_path: Path, parts: dict[str, Path]) -> None:
    (tmp_path / "out" / "top").mkdir(parents=True)
    with pytest.raises(InputError, match="in the way"):
        assemble(tmp_path / "out", "name", parts)


def test_relative_parts_are_found_where_resources_is_a_link_to_a_larger_disk(
    tmp_path: Path, parts: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, disk = tmp_path / "project", tmp_path / "a/larger/disk"
    project.mkdir()
    disk.mkdir(parents=True)
    shutil.copytree(parts["top"], project / "copy" / "top")
    (project / "resources").symlink_to(disk)
    monkeypatch.chdir(project)
    assemble(Path("resources/study/set"), "set", {"top": Path("copy/top")})
    assert (disk / "study/set/top/two.png").read_bytes() == b"12"


def test_relative_parts_stay_valid_when_the_project_folder_moves(tmp_path: Path, parts: dict[str, Path]) -> None:
    project = tmp_path / "project"
    shutil.copytree(parts["top"], project / "resources" / "unpacked" / "set" / "top")
    spec = json.dumps({"dataset": "set", "parts": {"top": "resources/unpacked/set/top"}})
    command = [sys.executable, "-m", "tradeoffs", "assemble", "--spec", spec, "--out", "resources/study/set"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    project.rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "resources" / "study" / "set" / "top" / "two.png").read_bytes() == b"12"
