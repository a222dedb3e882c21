"""What a run needs of SLURM beyond the plugin, with SLURM's commands played by scripts: these run anywhere."""

import asyncio
import os
import sys
from types import SimpleNamespace

import pytest

from tradeoffs.runner import slurm
from tradeoffs.step.errors import InputError

RUN = "1d2c3b4a-0000-4111-8222-333344445555"


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Return a function that puts a shell script in place of a command."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name, script):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


@pytest.fixture
def study(tmp_path):
    """Return a folder from which jobs were submitted."""
    folder = tmp_path / "study"
    (folder / ".snakemake").mkdir(parents=True)
    slurm.note_submissions(folder)
    return folder


def test_jobs_of_this_folder_are_found_and_nobody_elses(commands, study, tmp_path):
    (tmp_path / "link").symlink_to(study)
    listed = [
        f"1|tradeoffs_{RUN}|{study}",
        f"2|{RUN}|{tmp_path / 'link'}",
        f"3|tradeoffs_{RUN}|{study}_other",
        f"4|my_own_job|{study}",
        f"5_7|another_prefix_{RUN}|{study}",
        f"6|my-study_{RUN}|{study}",
    ]
    commands("squeue", "cat <<E\n" + "\n".join(listed) + "\nE")
    assert slurm.left_jobs(study) == ["1", "2", "5_7", "6"]


def test_slurm_is_not_asked_where_nothing_was_submitted(commands, tmp_path):
    commands("squeue", "exit 1")
    assert slurm.left_jobs(tmp_path) == []


def test_jobs_are_cancelled_and_waited_for(commands, study, capsys):
    commands("squeue", f"test -e {study}/gone || echo '8|{RUN}|{study}'")
    commands("scancel", f"echo $* > {study}/cancelled; (sleep 1; touch {study}/gone) &")
    assert slurm.cancel_left_jobs(study) == 1
    assert (study / "cancelled").read_text() == "8\n"
    assert (study / "gone").exists()
    assert "cancelling 1 SLURM jobs that an earlier run in this folder left behind" in capsys.readouterr().err


def test_jobs_that_do_not_end_are_named(commands, study):
    commands("squeue", f"echo '8|{RUN}|{study}'")
    commands("scancel", "true")
    with pytest.raises(InputError, match="SLURM jobs 8 of an earlier run in this folder do not end"):
        slurm.cancel_left_jobs(study, patience=0.1)


@pytest.mark.parametrize("scancel", ["exec sleep 30", None])
def test_a_scancel_that_hangs_or_is_not_there_is_one_line(commands, study, scancel, monkeypatch):
    commands("squeue", f"echo '8|{RUN}|{study}'")
    if scancel:
        commands("scancel", scancel)
    else:
        monkeypatch.setattr(slurm.shutil, "which", lambda name: name)
        monkeypatch.setenv("PATH", os.environ["PATH"].partition(os.pathsep)[0])
        (study.parent / "bin/squeue").write_text(f"#!{os.path.realpath('/bin/sh')}\necho '8|{RUN}|{study}'\n")
    with pytest.raises(InputError, match="SLURM jobs 8 of an earlier run in this folder do not end"):
        slurm.cancel_left_jobs(study, patience=0.5)


def test_a_controller_that_does_not_answer_is_said_in_one_line(commands, study):
    commands("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(InputError, match=r"still at work \(slurm_load_jobs error: Unable to contact"):
        slurm.left_jobs(study)


def asked(answers, command="squeue --name x"):
    """What the plugin is told, question by question."""
    left = iter(answers)

    async def query(command, logger):
        states = next(left)
        return (None, None) if states is None else (states, 0.1)

    query = slurm.cured(query)
    return [asyncio.run(query(command, None))[0] for _ in answers]


def test_states_that_the_plugin_would_wait_on_for_ever_become_failures():
    assert asked([{"1": "PREEMPTED", "2": "RUNNING"}]) == [{"1": "FAILED", "2": "RUNNING"}]
    assert asked([{"1": "CANCELLED by 1000", "2": "CANCELLED"}], "sacct -X") == [{"1": "FAILED", "2": "CANCELLED"}]


def test_a_job_that_squeue_has_forgotten_has_failed_but_no_answer_says_nothing():
    answers = [{"1": "RUNNING", "2": "RUNNING"}, None, {"2": "COMPLETED"}]
    assert asked(answers) == [answers[0], None, {"1": "FAILED", "2": "COMPLETED"}]


def test_sacct_may_be_late_with_jobs_and_does_not_know_what_is_queued_again():
    answers = [{"1": "PREEMPTED"}, {}]
    assert asked(answers, "sacct -X") == answers


def test_the_plugin_itself_is_cured_once(monkeypatch):
    plugin = pytest.importorskip("snakemake_executor_plugin_slurm")
    assert callable(plugin.query_job_status), "the name under which the plugin calls it"
    monkeypatch.setattr(plugin, "query_job_status", plugin.query_job_status)
    slurm.cure_status_query()
    once = plugin.query_job_status
    slurm.cure_status_query()
    assert plugin.query_job_status is once
    monkeypatch.setitem(sys.modules, "snakemake_executor_plugin_slurm", None)
    slurm.cure_status_query()


def test_without_the_plugin_nothing_happens(monkeypatch):
    monkeypatch.setattr(sys, "modules", SimpleNamespace(get=lambda name: None))
    slurm.cure_status_query()
