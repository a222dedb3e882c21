"""After ``kill -9`` the same command goes on: what the killed run left in the folder is put away first."""

import os
import re
from pathlib import Path

from tradeoffs.runner import slurm
from tradeoffs.step import locks
from tradeoffs.step.errors import InputError

_held: list[int] = []


def forget_killed_run(snakemake_folder: Path, dry_run: bool = False) -> bool:
    """Remove a killed Snakemake's locks, so that the same command goes on; return whether no living one is at work.

    A running workflow locks a file of its own in ``.snakemake``, which no death outlives (:mod:`tradeoffs.step.locks`):
    while that is held this does nothing, and Snakemake's own locks refuse the second run. SLURM jobs of the killed run
    are cancelled first, for they write the outputs that the next run writes; while they are at work a dry run is told
    that the folder is taken. A dry run changes nothing. Nothing is deleted but Snakemake's own locks, by their names:
    what the killed run left half-made Snakemake makes anew by itself (``--rerun-incomplete``). Raises InputError where
    the folder cannot be used.
    """
    try:
        snakemake_folder.mkdir(exist_ok=True)
        if (own := snakemake_folder / "locks").is_symlink() or (own.exists() and not own.is_dir()):
            raise InputError(f"{own}: Snakemake makes a folder there and removes it again; remove what is in its place")
        lock = snakemake_folder / "running.lock"
        file = locks.open_file(lock)
        if not locks.take(file, lock):
            os.close(file)
            return False
        _held.append(file)
        if dry_run:
            return not slurm.left_jobs(snakemake_folder.parent)
        slurm.cancel_left_jobs(snakemake_folder.parent)
        for stale in own.glob("*.lock"):
            if re.fullmatch("[0-9]+[.](input|output)[.]lock", stale.name) and not stale.is_dir():
                stale.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{error.filename or snakemake_folder}: {error.strerror or error}; Snakemake keeps its records there: "
            "correct that and run again"
        ) from None
    return True
