"""What the Snakefile sets up around the jobs: the right Python, the GPUs counted, a crash forgotten, a warm process."""

import fcntl
import json
import logging
import os
import subprocess
import sys
import time
from base64 import urlsafe_b64decode
from pathlib import Path
from shlex import quote
from typing import Any

from tradeoffs import slurm, warm
from tradeoffs.config import Config, checked
from tradeoffs.errors import InputError
from tradeoffs.lease import JOBS_PER_GPU
from tradeoffs.studies import own_copies
from tradeoffs.studies.model import Model
from tradeoffs.study import models

IMAGENET_IMAGES = 1_281_167  # what a training on all images of ImageNet takes
_SOCKET = Path(".snakemake/warm.sock")
_held: list[Any] = []
_clock: list[float] = []


def prepare(workflow: Any, jobs_per_gpu: int) -> None:
    """Set local defaults on Snakemake's ``workflow`` object (not documented API: tests/test_workflow.py guards it).

    * Jobs find this environment's Python and this package, also when ``snakemake`` is called by its path.
    * The number of GPUs, times the jobs that may share one, is a limit; ``--resources gpu=K`` still wins. Without a GPU
      the limit is 0, to which Snakemake scales the rules' requests: they run on the CPU.
    * After ``kill -9`` the same command goes on: stale locks are removed, half-made outputs are made again, SLURM jobs
      of the dead run are cancelled.
    """
    from snakemake.shell import shell

    exports = [f"PYTHONPATH={quote(str(Path(workflow.basedir) / 'workflow'))}", f"{JOBS_PER_GPU}={jobs_per_gpu}"]
    if not workflow.deployment_settings.deployment_method:
        exports.append(f"PATH={quote(str(Path(sys.executable).parent))}:$PATH")
    if _starts_warm(workflow):
        exports.append(f"TRADEOFFS_WARM={_SOCKET}")
    shell.prefix(f"set -euo pipefail; export {' '.join(exports)}; ")
    if workflow.resource_settings.nodes is None:
        workflow.global_resources.setdefault("gpu", count_gpus() * jobs_per_gpu)
    show_failed_logs()
    if workflow.is_main_process:
        slurm.cure_status_query()
        try:
            forget_killed_run(Path(".snakemake"), dry_run=workflow.output_settings.dryrun)
            if workflow.resource_settings.nodes is not None and not workflow.output_settings.dryrun:
                slurm.note_submissions(Path.cwd())
        except InputError as error:
            sys.exit(f"error: {error}")


def show_failed_logs() -> None:
    """Make Snakemake print the log of a job that failed, as its option --show-failed-logs does: it says what to do."""
    for handler in logging.getLogger("snakemake.logging").handlers:
        listener = getattr(handler, "listener", None)
        for inner in [handler, *(listener.handlers if listener else [])]:
            if hasattr(inner.formatter, "show_failed_logs"):
                inner.formatter.show_failed_logs = True


def _starts_warm(workflow: Any) -> bool:
    """Whether this process's steps run here, in this environment; a cluster job's steps belong to another process.

    On a cluster these are the short steps that stay on the submitting machine: inside a job, a warm process would
    escape the job's allocation.
    """
    return workflow.is_main_process and not workflow.deployment_settings.deployment_method


def configured(config: Config, schema: Path) -> tuple[Config, dict[str, Model]]:
    """Return the checked config and the models it names; a mistake in it ends the program with one line."""
    try:
        full = checked(config, schema)
        return full, models(full)
    except InputError as error:
        sys.exit(f"error: {error}")


def seen(workflow: Any, config: Config, listed: dict[str, Model]) -> own_copies.Seen:
    """Return what the user's own data and weights are now; a mistake in them ends the program with one line.

    Only the main process looks: the others belong to a run that has begun.
    """
    try:
        return own_copies.look(config, listed, again=workflow.is_main_process)
    except InputError as error:
        sys.exit(f"error: {error}")


def count_gpus() -> int:
    """GPUs this process may use, without importing torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def forget_killed_run(snakemake_folder: Path, dry_run: bool = False) -> bool:
    """Remove a killed Snakemake's locks and the outputs it left marked incomplete, so that the same command goes on.

    A running workflow holds a kernel lock on a file of its own in ``.snakemake``, which no death outlives: while that
    is held this does nothing and returns False, and Snakemake's own locks refuse the second run. SLURM jobs of the
    killed run are cancelled first, for they write these outputs; a dry run leaves all as it is while they are at work.
    """
    snakemake_folder.mkdir(exist_ok=True)
    handle = (snakemake_folder / "running.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return False
    _held.append(handle)
    if dry_run and slurm.left_jobs(snakemake_folder.parent):
        return False
    slurm.cancel_left_jobs(snakemake_folder.parent)
    for lock in (snakemake_folder / "locks").glob("*.lock"):
        lock.unlink()
    markers = snakemake_folder / "incomplete"
    # migration_underway is no output's marker but a note of Snakemake's own, there while it converts older records.
    for marker in [path for path in markers.rglob("*") if path.is_file() and path.name != "migration_underway"]:
        # Snakemake's own naming: the output's path in base64, long ones cut into folders that start with @.
        encoded = "".join(part.removeprefix("@") for part in marker.relative_to(markers).parts)
        Path(urlsafe_b64decode(encoded).decode()).unlink(missing_ok=True)
        marker.unlink()
    return True


def start(workflow: Any) -> None:
    """Start the clock, and the process that steps are forked from (:mod:`tradeoffs.warm`)."""
    if _starts_warm(workflow):
        warm.start(_SOCKET)
    _clock.append(time.time())


def print_missing(rows: list[Config]) -> None:
    """Print the benchmarks that are left out because a data set is not at hand (``study.missing_benchmarks``)."""
    for name, reason in {row["dataset"]: row["reason"] for row in rows}.items():
        left_out = ", ".join(row["benchmark"] for row in rows if row["dataset"] == name)
        print(f"{name} is missing, so the benchmarks that need it are left out ({left_out}): {reason}", file=sys.stderr)


def end(workflow: Any) -> None:
    """After a failed or interrupted run: leave no SLURM job behind, not even one submitted during the interruption."""
    if workflow.resource_settings.nodes is not None:
        try:
            slurm.cancel_left_jobs(Path.cwd())
        except InputError as error:
            print(f"warning: {error}", file=sys.stderr)


def print_cost(workflow: Any) -> None:
    """Print how much of cores x wall time was the steps' own work, which every card records."""
    if not _clock:
        return
    wall = time.time() - _clock[-1]
    work = sum(_seconds(path) for root in ("resources", "results") for path in _new_cards(Path(root), _clock[-1]))
    if workflow.resource_settings.nodes is not None:
        print(f"{work:.0f} s of work on the cluster and here in {wall:.0f} s", file=sys.stderr)
        return
    cores = workflow.cores
    share = 1 - work / (cores * wall)
    print(
        f"{work:.0f} s of work in {wall:.0f} s on {cores} cores: "
        f"{share:.0%} went to start-up, imports, scheduling and idle cores",
        file=sys.stderr,
    )


def _new_cards(root: Path, since: float) -> list[Path]:
    return [path for path in root.rglob("*.json") if path.stat().st_mtime >= since]


def _seconds(path: Path) -> float:
    """Return the work that a card records; other JSON files record none."""
    content = json.loads(path.read_text())
    return float(content.get("seconds", 0)) if isinstance(content, dict) else 0.0


def training_priority(model: Model) -> int:
    """Relative length of a training: images x epochs x (one step + its attack steps)."""
    spec = model.spec
    passes = 1 + (spec["attack_steps"] if model.norm != "none" else 0)
    return int((spec["images"] or IMAGENET_IMAGES) * spec["epochs"] * passes / 1000)
