"""The GPUs of one machine are shared by lease: a lock per physical GPU, which the kernel frees however its holder dies.

Snakemake shares the GPUs among its own jobs; several Snakemakes, plain commands and other users know nothing of each
other. All of them that come through here wait for each other instead of running out of memory together.
"""

import os
import random
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tradeoffs.step import locks
from tradeoffs.step.errors import InputError

FOLDER = Path("/tmp")  # of the machine, not of the job: TMPDIR may be another for every job
JOBS_PER_GPU = "TRADEOFFS_JOBS_PER_GPU"
_held: list[tuple[int, Path]] = []


def take(gpus: Sequence[str], count: int = 1, jobs_per_gpu: int | None = None, folder: Path = FOLDER) -> list[int]:
    """Lease ``count`` different ones of ``gpus`` until this process ends; return their positions in ``gpus``.

    ``gpus`` are names of physical GPUs, the same in every process of this machine (UUIDs). A GPU holds ``jobs_per_gpu``
    leases at a time, by default as many as the environment variable TRADEOFFS_JOBS_PER_GPU says, or 1; GPUs without any
    are taken first. Waits, and says so once on stderr, while there are too few. Several are taken together or not at
    all, so that two jobs never wait for each other. Raises InputError for more GPUs than there are.
    """
    if count > len(gpus):
        raise InputError(f"{count} GPUs wanted and {len(gpus)} visible; ask for fewer, or see CUDA_VISIBLE_DEVICES")
    places = _jobs_per_gpu() if jobs_per_gpu is None else jobs_per_gpu
    told = False
    while True:
        taken = _try(gpus, count, places, folder)
        if taken is not None:
            _held.extend(taken.values())
            return list(taken)
        if not told:
            print(
                f"waiting for {count} of {len(gpus)} GPUs: jobs on this machine use them, {places} at most on each",
                file=sys.stderr,
                flush=True,
            )
            told = True
        time.sleep(random.uniform(0.25, 0.75))


def _jobs_per_gpu() -> int:
    text = os.environ.get(JOBS_PER_GPU, "1")
    if not re.fullmatch("[1-9][0-9]*", text):
        raise InputError(f"{JOBS_PER_GPU} = {text!r}; expected a whole number from 1")
    return int(text)


def _try(gpus: Sequence[str], count: int, places: int, folder: Path) -> dict[int, tuple[int, Path]] | None:
    """Lock places on ``count`` GPUs, least used first; return each one's open file by position, or None."""
    names = [re.sub("[^A-Za-z0-9-]", "_", gpu) for gpu in gpus]
    files = [[folder / f"tradeoffs-gpu-{name}-{place}.lock" for place in range(places)] for name in names]
    order = list(range(len(gpus)))
    if places > 1:
        free = [sum(map(_is_free, own)) for own in files]
        order.sort(key=lambda position: -free[position])
    taken: dict[int, tuple[int, Path]] = {}
    for position in order:
        if len(taken) < count and (place := next(filter(None, map(_locked, files[position])), None)):
            taken[position] = place
    if len(taken) == count:
        return taken
    for file, path in taken.values():
        locks.release(file, path)
    return None


def _locked(path: Path) -> tuple[int, Path] | None:
    file = locks.open_file(path)
    if locks.take(file, path):
        return file, path
    os.close(file)
    return None


def _is_free(path: Path) -> bool:
    """Whether nobody holds a place now; who looks at the same moment may take another's look for a lease."""
    if (found := _locked(path)) is None:
        return False
    locks.release(*found)
    return True
