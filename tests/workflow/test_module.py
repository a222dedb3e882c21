"""The workflow as a module of another one, in another folder."""

import subprocess
import sys
import textwrap
from pathlib import Path

from project_root import ROOT

SNAKEFILE = """
configfile: "config.yaml"

module tradeoffs:
    snakefile: "{root}/workflow/Snakefile"
    config: config

use rule * from tradeoffs as tradeoffs_*

rule mine:
    default_target: True
    input: "results/theory/phase.csv"
    output: "mine.txt"
    shell: "wc -l < {{input}} > {{output}}"
"""


def snakemake(folder, *options):
    command = [Path(sys.executable).with_name("snakemake"), "--cores", "1", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_another_workflow_uses_the_rules_and_their_paths_are_right(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(root=ROOT))
    (tmp_path / "config.yaml").write_text((ROOT / "tests/small.yaml").read_text())
    planned = snakemake(tmp_path, "--dry-run", "tradeoffs_all")
    assert planned.returncode == 0, planned.stderr
    assert "localrules" not in planned.stderr
    for rule in ("tradeoffs_train", "tradeoffs_evaluate", "tradeoffs_figure", "tradeoffs_theory_pgd"):
        assert rule in planned.stdout + planned.stderr
    made = snakemake(tmp_path)
    assert made.returncode == 0, made.stderr
    assert int((tmp_path / "mine.txt").read_text()) > 2
    assert (tmp_path / "results/theory/phase.json").exists()
    assert not (tmp_path / "workflow").exists()


def test_what_the_other_workflow_writes_for_itself_is_its_own(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(root=ROOT).replace("config: config", 'config: config["ours"]'))
    small = textwrap.indent((ROOT / "tests/small.yaml").read_text(), "  ")
    (tmp_path / "config.yaml").write_text(f"walltime: 1:30\nours:\n{small}")
    planned = snakemake(tmp_path, "--dry-run")
    assert planned.returncode == 0, planned.stderr


def test_progress_is_shown_and_no_job_described(tmp_path):
    (tmp_path / "config.yaml").write_text((ROOT / "tests/small.yaml").read_text())
    done = snakemake(tmp_path, "-s", str(ROOT / "Snakefile"), "results/theory/phase.csv")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 steps (100%) done" in done.stderr
    assert "localrule theory_phase" not in done.stderr
