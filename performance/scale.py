"""How long Snakemake takes to plan the miniature, and to find that nothing is to be done, as the replicates grow.

    uv run python performance/scale.py [--replicates 1 3 10 30] [--repeats 3]

Copies the workflow to a temporary folder. The plan is a dry run from nothing. For the second figure every output is
made as an empty file and marked as up to date (``--touch``), and the real command is run. Prints medians of the
repeats, and the exponent b of processor time ~ jobs^b between neighbouring rows: 1 is linear. Processor time is shown
too because, unlike wall time, it does not depend on what else the machine does.
"""

import argparse
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]


class Cost(NamedTuple):
    """What one command took."""

    wall: float  # seconds
    processor: float  # seconds
    megabytes: float
    output: str


def snakemake(folder: Path, *arguments: str) -> Cost:
    """Run Snakemake; return its wall time, its own peak memory and what it printed. Exits where it fails."""
    command = [str(Path(sys.executable).parent / "snakemake"), *arguments]
    output = folder / "output.txt"
    with output.open("w") as file:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=file)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    text = output.read_text()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{text[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def copy(folder: Path, replicates: int) -> None:
    """Copy the workflow, with so many replicates in its config."""
    for name in ("workflow", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["study"] = "miniature"
    config["miniature"]["replicates"] = replicates
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def pretend_finished(folder: Path, plan: str) -> None:
    """Make every output of the plan as an empty file, and have Snakemake take all of it for up to date."""
    for listed in re.findall(r"^ *output: (.*)$", plan, re.MULTILINE):
        for name in listed.split(", "):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
    snakemake(folder, "--touch", "--cores", "all", "--quiet", "all")


def measure(replicates: int, repeats: int) -> tuple[int, Cost, Cost]:
    """Return the number of jobs, the cost of the plan and that of a run with nothing to do (medians)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy(folder, replicates)
        plans = [snakemake(folder, "-n") for _ in range(repeats)]
        jobs = int(re.findall(r"^total +(\d+)", plans[0].output, re.MULTILINE)[-1])
        pretend_finished(folder, plans[0].output)
        again = [snakemake(folder, "--cores", "all") for _ in range(repeats)]
        if not all("Nothing to be done" in cost.output for cost in again):
            sys.exit("error: a finished study was not taken for finished")
    return jobs, median(plans), median(again)


def median(costs: list[Cost]) -> Cost:
    """Median times and memory."""
    wall, processor, megabytes = (statistics.median(each) for each in zip(*(cost[:3] for cost in costs), strict=True))
    return Cost(wall, processor, megabytes, "")


def main() -> None:
    """Print one row per number of replicates."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--replicates", type=int, nargs="+", default=[1, 3, 10, 30], help="numbers of replicates")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each command; medians are printed")
    arguments = parser.parse_args()
    print("| replicates | jobs | plan (s) | processor (s) | MB | growth | again (s) | processor (s) | MB | growth |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    before: tuple[int, Cost, Cost] | None = None
    for replicates in arguments.replicates:
        jobs, plan, again = measure(replicates, arguments.repeats)
        row = f"| {replicates} | {jobs} |"
        for index, cost in enumerate((plan, again)):
            growth = ""
            if before is not None:
                earlier = before[1:][index]
                growth = f"{math.log(cost.processor / earlier.processor) / math.log(jobs / before[0]):.2f}"
            row += f" {cost.wall:.1f} | {cost.processor:.1f} | {cost.megabytes:.0f} | {growth} |"
        print(row, flush=True)
        before = (jobs, plan, again)


if __name__ == "__main__":
    main()
