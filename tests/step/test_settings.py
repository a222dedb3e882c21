"""Settings travel as an argument or as a file, and a file's name is its content."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from project_root import ROOT
from results.synthetic_study import told
from tradeoffs.step.errors import InputError
from tradeoffs.step.settings import FOLDER, LONGEST, settings
from tradeoffs.step.specs import parse_spec
from tradeoffs.study.config import checked
from tradeoffs.study.specification import specification

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
LONG = {"numbers": list(range(LONGEST)), "name": "x"}
KEYS = {"numbers": list, "name": str}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_short_settings_are_the_argument_and_leave_no_file():
    assert settings({"b": 1.0, "a": None}) == '{"a": null, "b": 1}'
    assert not FOLDER.exists()


def test_long_settings_are_a_file_that_a_step_reads_like_the_argument():
    path = settings(LONG)
    assert len(path) < 100
    assert parse_spec(path, KEYS) == parse_spec(json.dumps(LONG), KEYS) == LONG


def test_the_file_is_named_by_the_meaning_of_its_content():
    assert settings(LONG) == settings(dict(reversed(LONG.items()))) == settings(LONG | {"name": "x"})
    assert settings(LONG) != settings(LONG | {"name": "y"})
    assert len(list(FOLDER.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b'{"numbers": [0', b"\xff\xfe"])
def test_a_file_that_a_crash_damaged_is_written_again(damage):
    path = Path(settings(LONG))
    whole = path.read_bytes()
    path.write_bytes(damage)
    assert settings(LONG) == str(path)
    assert path.read_bytes() == whole


def test_processes_that_write_at_once_leave_one_whole_file():
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(settings, [LONG] * 32))) == 1
    (path,) = FOLDER.iterdir()
    assert json.loads(path.read_text()) == LONG


def test_a_folder_that_cannot_be_written_ends_no_plan_and_the_step_says_what_is_missing(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("tradeoffs.step.settings.write_atomically", refuse)
    path = settings(LONG)
    with pytest.raises(InputError, match=rf"--spec {path}: .*can be read.*Snakemake writes"):
        parse_spec(path, KEYS)


@pytest.mark.parametrize("text", ["no such file", "", "x" * 5000, "\0", "5", "{", "[1"])
def test_what_is_neither_json_nor_a_file_is_one_line(text):
    with pytest.raises(InputError, match="not valid JSON") as raised:
        parse_spec(text, KEYS)
    assert len(str(raised.value).splitlines()) == 1


def test_a_hundred_replicates_reach_the_steps_in_an_argument_that_a_system_takes():
    config = checked({"study": "miniature", "miniature": {"replicates": 100}}, SCHEMA)
    text = specification(config)
    assert len(text) > 131_072
    path = settings(text)
    assert subprocess.run(["true", path], check=True).returncode == 0
    assert len(told(path).models) == 52 + 99 * 50


def test_five_hundred_models_of_ones_own_too(tmp_path):
    entry = {"source": "state_dict", "name": "resnet50", "file": "mine.pt"}
    config = checked(
        {"study": "imagenet", "imagenet": {"extra": [entry | {"id": f"m{i}"} for i in range(500)]}}, SCHEMA
    )
    assert len(told(settings(specification(config))).models) == 522


def test_no_rule_passes_its_settings_in_another_way():
    """Else the next list that grows with the study is too long again."""
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for line in path.read_text().splitlines():
            if "spec=" in line:
                assert "settings(" in line, f"{path.name}: {line}"
