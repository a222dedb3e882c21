"""Run the jobs of a plan by plain commands, without Snakemake, and say what each took.

    snakemake -n -p --workflow-profile none --cores 16 TARGETS > plan.txt
    python performance/plain_commands.py plan.txt [--folder .] [--at-once 1]

The plan may be made on another machine: what runs the commands needs the package alone. A rule's jobs run once those of
the rules before it are done, ``--at-once`` of them at a time. Printed are medians by rule, benchmark and kind of model:
seconds of the whole command, and those that its card says (without the start of Python).
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RULES = ("miniature_data", "train", "evaluate")


class Job(NamedTuple):
    """A job of a plan: its rule, what it is about, its card and its command."""

    rule: str
    name: str
    card: Path
    command: str


def jobs(plan: str) -> list[Job]:
    """Read the jobs of the known rules from what Snakemake prints."""
    found = []
    for block in re.split(r"^(?=(?:local)?rule )", plan, flags=re.MULTILINE):
        rule = re.match(r"(?:local)?rule (\w+):", block)
        command = re.search(r"^Shell command: (.*)$", block, re.MULTILINE)
        output = re.search(r"^ *output: (.*)$", block, re.MULTILINE)
        if rule and command and output and rule[1] in RULES:
            card = next(Path(name) for name in output[1].split(", ") if name.endswith(".json"))
            found.append(Job(rule[1], _about(rule[1], card), card, command[1]))
    return found


def _about(rule: str, card: Path) -> str:
    """Return what jobs have in common that take about as long."""
    if rule == "miniature_data":
        return card.parent.name
    model = card.parent.name if rule == "train" else card.stem
    kind = model.split("_")[0] + (" standard" if "_standard" in model else " adversarial")
    return kind if rule == "train" else f"{card.parent.name}, {kind}"


def run(job: Job, folder: Path) -> float:
    """Run one command in the folder; return its seconds of wall time."""
    for name in re.findall(r"(?:logs|results|resources)/[\w./-]+", job.command):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    package = os.pathsep.join([str(ROOT / "workflow"), os.environ.get("PYTHONPATH", "")])
    command = re.sub(r"^python ", f"{sys.executable} ", job.command)
    started = time.perf_counter()
    done = subprocess.run(command, shell=True, cwd=folder, env=os.environ | {"PYTHONPATH": package}, check=False)
    if done.returncode:
        log = re.search(r"> (\S+\.log)", command)
        print(f"failed: {job.rule} {job.name}:\n{(folder / log[1]).read_text()[-1500:] if log else ''}", flush=True)
    return time.perf_counter() - started


def main() -> None:
    """Run the plan and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("plan", type=Path)
    parser.add_argument("--folder", type=Path, default=Path(), help="where to run it")
    parser.add_argument("--at-once", type=int, default=1, help="commands at a time")
    arguments = parser.parse_args()
    planned = jobs(arguments.plan.read_text())
    arguments.folder.mkdir(parents=True, exist_ok=True)
    print("| rule | of | jobs | seconds | of them the step |\n|---|---|---|---|---|")
    for rule in RULES:
        own = [job for job in planned if job.rule == rule]
        started = time.perf_counter()
        with ThreadPoolExecutor(arguments.at_once) as pool:
            taken = list(pool.map(partial(run, folder=arguments.folder), own))
        whole = time.perf_counter() - started
        for name in dict.fromkeys(job.name for job in own):
            mine = [(job, seconds) for job, seconds in zip(own, taken, strict=True) if job.name == name]
            cards = [arguments.folder / job.card for job, _ in mine]
            said = [json.loads(card.read_text()).get("seconds", 0) for card in cards if card.is_file()]
            step = f"{statistics.median(said):.1f}" if any(said) else ""
            print(f"| {rule} | {name} | {len(mine)} | {statistics.median(s for _, s in mine):.1f} | {step} |")
        print(f"| {rule} | all | {len(own)} | {whole:.1f} in all, {arguments.at_once} at once | |", flush=True)


if __name__ == "__main__":
    main()
