"""What a run on a SLURM cluster needs beyond the profile: no job left behind, no status that is waited for for ever."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tradeoffs.step.errors import InputError

# The executor plugin names the jobs of a run by a random UUID, after the profile's prefix.
_JOB_NAME = re.compile(r"([A-Za-z0-9_-]+_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Says that jobs may have been submitted from a folder; elsewhere SLURM is not asked. (The plugin's own folder of logs
# is removed while jobs are still queued.)
_MARKER = ".snakemake/submits_to_a_cluster"

Answer = tuple[dict[str, str] | None, float | None]
Query = Callable[..., Awaitable[Answer]]


def note_submissions(folder: Path) -> None:
    """Note that jobs are about to be submitted from ``folder``."""
    (folder / _MARKER).touch()


def cancel_left_jobs(folder: Path, patience: float = 300) -> int:
    """Cancel the SLURM jobs that Snakemake submitted from ``folder`` and wait until they are gone; return how many.

    To be called only where no living Snakemake holds the folder. A killed one's jobs run on, and would write the same
    files as the jobs that the next run submits. Raises InputError where SLURM does not answer, or where jobs are still
    there after ``patience`` seconds.
    """
    left = left_jobs(folder)
    if not left:
        return 0
    print(f"cancelling {len(left)} SLURM jobs that an earlier run in this folder left behind", file=sys.stderr)
    deadline = time.monotonic() + patience
    with suppress(OSError, subprocess.TimeoutExpired):  # what came of it is seen below
        subprocess.run(["scancel", *left], check=False, timeout=patience)
    while still := left_jobs(folder):
        if time.monotonic() > deadline:
            raise InputError(
                f"SLURM jobs {', '.join(still)} of an earlier run in this folder do not end; "
                "wait until squeue does not show them any more and start again"
            )
        time.sleep(1)
    return len(left)


def left_jobs(folder: Path) -> list[str]:
    """Return the ids of this user's jobs that Snakemake submitted from ``folder`` and that have not ended.

    Raises InputError where SLURM does not answer; folders from which nothing was ever submitted do not ask it.
    """
    if not (folder / _MARKER).exists() or shutil.which("squeue") is None:
        return []
    command = ["squeue", "--me", "--noheader", "--format=%i|%j|%Z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise InputError(
            f"cannot ask SLURM whether jobs of an earlier run in this folder are still at work "
            f"({reason[-1] if reason else 'no reason given'}); start again when squeue works"
        ) from None
    rows = [line.split("|", 2) for line in listed.splitlines() if line.count("|") >= 2]
    home = folder.resolve()
    return [job for job, name, where in rows if _JOB_NAME.fullmatch(name) and Path(where).resolve() == home]


def cure_status_query() -> None:
    """Make the executor plugin see the end of jobs that it would wait for for ever (plugin 2.8.0; nothing without it).

    The plugin takes every state that it does not know for "still running":

    * PREEMPTED, where the cluster cancels preempted jobs instead of requeueing them (squeue: it shows a requeued job as
      PENDING; sacct has no such order, so there PREEMPTED is left alone);
    * no state at all, where squeue has forgotten a job that it showed before (sacct learns of jobs late: left alone);
    * "CANCELLED by 1000", which is how sacct, but not squeue, says that a job was cancelled.

    All three become FAILED, so that ``retries`` applies. tests/slurm guards what this relies on.
    """
    plugin: Any = sys.modules.get("snakemake_executor_plugin_slurm")
    if plugin is not None and not hasattr(plugin.query_job_status, "cured"):
        plugin.query_job_status = cured(plugin.query_job_status)


def cured(query: Query) -> Query:
    """Return ``query(command, logger)``, which gives states by job id and seconds, with every ended job recognised."""
    seen: set[str] = set()

    async def query_job_status(command: str, logger: object) -> Answer:
        states, seconds = await query(command, logger)
        if states is None:
            return states, seconds
        states = {job: "FAILED" if state.startswith("CANCELLED by") else state for job, state in states.items()}
        if command.startswith("squeue"):
            seen.update(states)
            states = {job: states.get(job, "FAILED").replace("PREEMPTED", "FAILED") for job in seen}
        return states, seconds

    query_job_status.cured = True  # type: ignore[attr-defined]
    return query_job_status
