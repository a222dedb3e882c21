"""Config files that cannot be loaded: one line with the file and the line, before Snakemake says it in twenty."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from study.config_mutations import NORMALISED, SCHEMA_FILE
from tradeoffs.step.errors import InputError
from tradeoffs.study.config import checked
from tradeoffs.study.config_files import emptied, readable
from workflow.test_reruns import SNAKEMAKE, clone, environment, snakemake

BROKEN = {
    "a list that is not closed": (b"study: miniature\na: [1\nb: 2\n", "line 3, column 2: not valid YAML"),
    "a tab": (b"study: miniature\na:\n\tb: 2\n", "line 3, column 1: not valid YAML"),
    "two colons": (b"study: miniature: 2\n", "line 1, column 17: not valid YAML"),
    "an anchor that nobody set": (b"study: *x\n", "line 1, column 8: not valid YAML"),
    "an object of Python": (b"a: !!python/object:os.system {}\n", "line 1, column 4: not valid YAML"),
    "two documents": (b"a: 1\n---\nb: 2\n", "line 2, column 1: not valid YAML"),
    "a date that is none": (b"a: 2024-99-99\n", "not valid YAML"),
    "a control character": (b"a: 1\nb: \x01\n", "line 2: character '\\x01' is not allowed"),
    "a list that holds itself": (b"study: miniature\na: &x\n  - *x\n", "line 2: an anchor that holds itself"),
    "a mapping that holds itself": (b"a: &x {b: {c: *x}}\n", "line 1: an anchor that holds itself"),
    "levels without end": (b"a: " + b"[" * 5000 + b"]" * 5000 + b"\n", "nested too deeply"),
    "Latin-1": ("a: é\n".encode("latin-1"), "is not UTF-8 (byte 0xe9 in line 1)"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "is UTF-16, expected UTF-8"),
    "nothing": (b"", "expected keys and their values"),
    "a list": (b"- a\n", "expected keys and their values"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_cannot_be_loaded_ends_in_one_line(kind, tmp_path):
    path = tmp_path / "config.yaml"
    content, said = BROKEN[kind]
    path.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        readable(path)
    line = str(ended.value)
    assert line.startswith("error: ")
    assert str(path) in line
    assert said in line
    assert len(line.splitlines()) == 1


def test_shared_anchors_and_merges_are_read(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: [*x, *x]}\n", encoding="utf-8-sig")
    assert readable(path) == str(path)


@pytest.mark.parametrize("kind", ["a list that is not closed", "a folder", "a pipe", "a loop", "read-only .snakemake"])
def test_snakemake_prints_that_line_and_nothing_else(kind, tmp_path):
    config = clone(tmp_path) / "config.yaml"
    if kind in BROKEN:
        config.write_bytes(BROKEN[kind][0])
    elif kind == "read-only .snakemake":
        (tmp_path / ".snakemake").write_text("a file")
    else:
        config.unlink()
        make = {"a folder": Path.mkdir, "a pipe": os.mkfifo, "a loop": lambda path: path.symlink_to(path)}
        make[kind](config)
    done = snakemake(tmp_path, "-n", "--cores", "1", "results/theory/claims.csv")
    assert done.returncode == 1
    errors = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert len(errors) == 1, errors
    assert errors[0].startswith("error: ")
    assert (".snakemake" if kind not in BROKEN and config.is_file() else "config.yaml") in errors[0]


def _study(**extra: object) -> dict:
    own = {"id": "mine", "source": "state_dict", "name": "resnet50", "file": "x.pt"} | NORMALISED
    return {"study": "imagenet", "imagenet": {"extra": [own | extra]}}


@pytest.mark.parametrize("name", [".", "..", "../x", "/x", "-x", "a\n", "a b", "a/b", "a\\b", "", "$(id)", "é"])
def test_what_becomes_a_path_is_a_plain_name(name):
    with pytest.raises(InputError, match=r"^config: "):
        checked(_study(id=name), SCHEMA_FILE)


def test_the_users_folder_is_written_out_and_no_path_is_empty(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    full = checked(_study(file="~/x.pt") | {"jobs_per_gpu": 1}, SCHEMA_FILE)
    assert full["imagenet"]["extra"][0]["file"] == "/home/somebody/x.pt"
    for name in ("imagenet", "rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet"):
        config = {"study": "imagenet", "imagenet": {"data": {name: {"path": "~/data"}}}}
        assert checked(config, SCHEMA_FILE)["imagenet"]["data"][name]["path"] == "/home/somebody/data"
        config["imagenet"]["data"][name]["path"] = ""
        with pytest.raises(InputError, match=rf"{name}.path = ''; expected at least 1 characters"):
            checked(config, SCHEMA_FILE)
    with pytest.raises(InputError, match="file = ''"):
        checked(_study(file=""), SCHEMA_FILE)


def test_a_name_with_a_command_is_never_run(tmp_path):
    """The id of a model, through Snakemake itself."""
    clone(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(_study(id="x$(touch PWNED)")))
    done = subprocess.run(
        [SNAKEMAKE, "--cores", "1", "results/imagenet/models/x$(touch PWNED)/weights.pt"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "imagenet.extra.0.id" in done.stderr
    assert not list(tmp_path.rglob("PWNED*"))


def test_budgets_that_a_later_file_empties_are_none_though_snakemake_merges_them(tmp_path):
    files = [tmp_path / name for name in ("config.yaml", "mine.yaml", "again.yaml")]
    files[0].write_text("imagenet: {budgets: {linf: [4], l2: [3]}}\n")
    files[1].write_text("imagenet: {budgets: {}}\n")
    files[2].write_text("imagenet: {budgets: {linf: [1]}}\n")
    merged = {"imagenet": {"budgets": {"linf": [4], "l2": [3]}, "bootstrap": 10}}
    found = emptied(merged, files[:2], ["imagenet", "miniature"])
    assert found == {"imagenet": {"budgets": {}, "bootstrap": 10}}
    assert checked(found, SCHEMA_FILE)["imagenet"]["budgets"] == {"linf": [], "l2": []}
    assert emptied(merged, files[:1], ["imagenet"]) == merged
    later = {"imagenet": {"budgets": {"linf": [1], "l2": [3]}}}
    assert emptied(later, files, ["imagenet"]) == later
    asked = {"imagenet": {"budgets": {"linf": [8], "l2": [3]}}}  # by --config
    assert emptied(asked, files[:2], ["imagenet"]) == asked
    sweep = {"miniature": {"sweeps": {"background_scale": {"values": [0.5], "budgets": {"linf": [8], "l2": [1]}}}}}
    files[0].write_text(yaml.safe_dump(sweep))
    files[1].write_text("miniature: {sweeps: {background_scale: {budgets: {}}}}")
    found = emptied(sweep, files[:2], ["miniature"])
    assert checked(found, SCHEMA_FILE)["miniature"]["sweeps"]["background_scale"]["budgets"] == {"linf": [], "l2": []}
    assert sweep["miniature"]["sweeps"]["background_scale"]["budgets"] == {"linf": [8], "l2": [1]}
    for empty in (None, 5):  # of a later file, or --config
        assert emptied({"imagenet": empty}, files[:2], ["imagenet"]) == {"imagenet": empty}
