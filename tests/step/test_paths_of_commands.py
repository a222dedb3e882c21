"""What every command does with its paths before it computes: none is given twice, and the card can be written."""

from pathlib import Path
from typing import Annotated

import pytest

from tradeoffs.step.command import Step, Written, execute, options_of
from tradeoffs.step.errors import InputError


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Work in a folder; return what a step was called with."""
    monkeypatch.chdir(tmp_path)
    return []


def step(ran):
    def run(*, source: Annotated[Path, "file"], out: Annotated[Path, "file to write"]) -> Written:
        ran.append((source, out))
        out.write_text("result")
        return Written("thing", [out])

    return Step("A step", None, options_of(run), run, ("tradeoffs.step.ranges",))


def test_a_path_with_a_null_character_is_left_to_the_step(ran):
    execute(step(ran), "thing", ["--source", "a\0", "--out", "b", "--card", "c"])
    assert ran == [(Path("a\0"), Path("b"))]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--source a --out a --card c", "--source and --out are both a"),
        ("--source a --out b --card b", "--out and --card are both b"),
        ("--source a --out ./b --card b", "--out and --card are both b"),
        ("--source a --out link --card c", "--source and --out are both link"),
        ("--source a --out there/b --card b", "--out and --card are both b"),
        ("--source a --out b --card folder", "folder: is a folder"),
        ("--source a --out b --card file/c", "file/c: .*file is no folder"),
    ],
)
def test_outputs_that_would_be_lost_or_not_written_are_refused_before_anything_runs(ran, words, said):
    Path("folder").mkdir()
    for name in ("a", "file"):
        Path(name).write_text("mine")
    Path("link").symlink_to("a")
    Path("there").symlink_to(".")
    with pytest.raises(InputError, match=said):
        execute(step(ran), "thing", words.split())
    assert not ran
    assert {path.name for path in Path().iterdir()} == {"a", "file", "folder", "link", "there"}
    assert Path("a").read_text() == "mine"


def test_else_it_runs(ran):
    execute(step(ran), "thing", ["--source", "a", "--out", "b", "--card", "new/c"])
    assert ran == [(Path("a"), Path("b"))]
    assert Path("new/c").is_file()
