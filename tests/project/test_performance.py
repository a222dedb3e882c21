"""The scripts of performance/ start: their types are checked with the package's, and each says what it takes."""

import runpy
import sys

import pytest

from project_root import ROOT

SCRIPTS = sorted(path for path in (ROOT / "performance").glob("*.py") if "__main__" in path.read_text())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_says_what_it_takes(script, monkeypatch, capsys):
    if script.name == "solver_speed.py":
        pytest.importorskip("cvxpy")  # of the group bench
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which they add their folder
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0
    assert f"usage: {script.name}" in capsys.readouterr().out


def test_all_scripts_are_held():
    assert len(SCRIPTS) > 15
