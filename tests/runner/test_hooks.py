"""Snakemake looks for jobs to begin as often as it is worth."""

import subprocess
import sys
from pathlib import Path

import pytest

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
