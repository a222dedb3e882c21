"""After ``kill -9`` the same command goes on: what the killed run left in the folder is put away first."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tradeoffs.runner import slurm
from tradeoffs.step import locks
from tradeoffs.step.errors import InputError

# Longer than another run needs to put away what a third left (slurm.cancel_left_jobs).
_PATIENCE = 360.0
_PATIENCE_OF_A_LOOK = 5.0

_held: list[int] = []


def forget_killed_run(snakemake_folder: Path, only_looks: bool = False) -> bool:
    """Put away what a killed Snakemake left, so that the same command goes on; return whether no living one is at work.

    Every run that works locks a file of its own in ``.snakemake``, which no death outlives
    (:mod:`tradeoffs.step.locks`), from before its first job to its end: the first of ``running.lock``,
    ``running.1.lock``, ... that is free, for Snakemake lets runs whose files do not overlap work side by side. While
    another has one, nothing is put away, and Snakemake's own locks refuse what overlaps. SLURM jobs of the killed run
    are cancelled first, for they write the outputs that the next run writes; then Snakemake's own locks are deleted, by
    their names, and the sockets of warm processes. What was left half-made Snakemake makes anew by itself
    (``--rerun-incomplete``).

    ``only_looks``: the command runs no job (a dry run, a summary, a report). It changes nothing and keeps no lock;
    while jobs of a killed run are at work it is told that the folder is taken.

    Raises InputError where the folder cannot be used, or another run has been about to begin for minutes.
    """
    check_usable(snakemake_folder)
    patience = _PATIENCE_OF_A_LOOK if only_looks else _PATIENCE
    with _explained(snakemake_folder), _one_at_a_time(snakemake_folder, patience) as entered:
        if only_looks:
            return entered and not _others(snakemake_folder) and not slurm.left_jobs(snakemake_folder.parent)
        if not entered:
            raise InputError(
                f"{snakemake_folder / 'starting.lock'}: another run in this folder has been about to begin for "
                f"{_PATIENCE:.0f} s; end it, or wait until it works, and start again"
            )
        alone = not _others(snakemake_folder)
        _hold(snakemake_folder)
        if alone:
            _put_away(snakemake_folder)
        return alone


def check_usable(snakemake_folder: Path) -> None:
    """Raise InputError where Snakemake cannot keep its records in its folder."""
    with _explained(snakemake_folder):
        snakemake_folder.mkdir(exist_ok=True)
        if (own := snakemake_folder / "locks").is_symlink() or (own.exists() and not own.is_dir()):
            raise InputError(f"{own}: Snakemake makes a folder there and removes it again; remove what is in its place")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{error.filename or folder}: {error.strerror or error}; Snakemake keeps its records there: correct that "
            "and run again"
        ) from None


def others_work(snakemake_folder: Path) -> bool:
    """Whether a run other than this process's, which works, is at work in the folder, or about to begin."""
    with _one_at_a_time(snakemake_folder, _PATIENCE_OF_A_LOOK) as entered:
        return not entered or _others(snakemake_folder) > len(_held)


@contextmanager
def _one_at_a_time(folder: Path, patience: float) -> Iterator[bool]:
    """Keep other processes from looking at the runs' locks meanwhile; yield False where one did for ``patience`` s."""
    gate = folder / "starting.lock"
    file = locks.open_file(gate)
    deadline = time.monotonic() + patience
    while not (entered := locks.take(file, gate)) and time.monotonic() < deadline:
        time.sleep(0.1)
    try:
        yield entered
    finally:
        if entered:
            locks.release(file, gate)
        else:
            os.close(file)


def _others(folder: Path) -> int:
    """Return how many runs hold a lock. To be called by one process at a time, as :func:`_hold`."""
    held = 0
    for lock in folder.glob("running*.lock"):
        file = locks.open_file(lock)
        if locks.take(file, lock):
            locks.release(file, lock)
        else:
            os.close(file)
            held += 1
    return held


def _hold(folder: Path) -> None:
    """Take the first lock that is free, for the life of this process."""
    for number in count():
        lock = folder / (f"running.{number}.lock" if number else "running.lock")
        file = locks.open_file(lock)
        if locks.take(file, lock):
            _held.append(file)
            return
        os.close(file)


def _put_away(folder: Path) -> None:
    slurm.cancel_left_jobs(folder.parent)
    for stale in (folder / "locks").glob("*.lock"):
        if re.fullmatch("[0-9]+[.](input|output)[.]lock", stale.name) and not stale.is_dir():
            stale.unlink(missing_ok=True)
    for stale in folder.glob("warm*.sock"):
        if stale.is_socket():
            stale.unlink(missing_ok=True)
