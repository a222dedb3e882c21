"""What the hooks change of Snakemake itself: when it looks for jobs, and what it does before the first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from project_root import ROOT

COUNTED = """
import sys
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.cli import main

select, looks = JobScheduler.job_selector, []
JobScheduler.job_selector = lambda self, jobs: looks.append(1) or select(self, jobs)
try:
    main(sys.argv[1:])
finally:
    print("looks", len(looks))
"""
SNAKEFILE = """
from tradeoffs.runner import hooks

onstart:
    hooks.look_when_a_job_ends(workflow)

rule all:
    input: [f"{i}.txt" for i in range(8)]

rule one:
    output: "{i}.txt"
    shell: "sleep 0.6; touch {output}"
"""


@pytest.mark.parametrize("asked", [[], ["--max-jobs-per-timespan", "5/1s"]])
def test_snakemake_looks_for_jobs_when_one_has_ended_and_not_ever_more_often(tmp_path: Path, asked: list[str]) -> None:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, "--cores", "1", *asked],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.txt"))) == 8
    looks = int(done.stdout.split("looks ")[1])
    assert looks > 15 if asked else looks <= 10  # a limit that was asked for stays, and its clocks with it


FORGETFUL = """
from tradeoffs.runner import hooks

hooks.forget_before_work(workflow)

rule one:
    output: "x.txt"
    shell: "touch {output}"
"""


def test_only_a_run_that_is_about_to_work_deletes_a_killed_ones_locks(tmp_path: Path) -> None:
    def snakemake(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    (tmp_path / "Snakefile").write_text(FORGETFUL)
    lock = tmp_path / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("x.txt\n")
    for looks in ("-n", "--summary", "--list-untracked", "--dag"):
        done = snakemake(looks)
        assert done.returncode == 0, done.stderr
        assert lock.exists(), looks
    done = snakemake()
    assert done.returncode == 0, done.stderr
    assert not lock.exists()
    assert (tmp_path / "x.txt").exists()
