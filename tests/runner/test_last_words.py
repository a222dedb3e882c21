"""A step that fails says why on the workflow's own output, and not in its log alone."""

import os
import subprocess
import sys

import pytest

from project_root import ROOT

STEP = 'exec 3>&2; "$0" -m tradeoffs missing --spec "$1" --out out.csv --card card.json > step.log 2>&1'
WRONG = "error: --spec: unknown key 'absent'; expected missing, models\n"


def run(folder, spec, **environment):
    return subprocess.run(
        ["bash", "-c", STEP, sys.executable, spec],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_a_failed_step_said_is_said_by_the_workflow_too(tmp_path):
    done = run(tmp_path, '{"absent": []}', TRADEOFFS_SPEAKS="3")
    assert done.returncode == 2
    assert (tmp_path / "step.log").read_text() == WRONG
    assert done.stderr == f"step.log ends with\n{WRONG}"


@pytest.mark.parametrize("stream", ["", "no number", "17"])
def test_by_hand_it_is_in_the_log_alone(tmp_path, stream):
    done = run(tmp_path, '{"absent": []}', TRADEOFFS_SPEAKS=stream)
    assert (done.returncode, done.stderr) == (2, "")
    assert (tmp_path / "step.log").read_text() == WRONG


def test_a_step_that_succeeds_says_nothing(tmp_path):
    done = run(tmp_path, '{"missing": []}', TRADEOFFS_SPEAKS="3")
    assert (done.returncode, done.stderr) == (0, "")
