"""The GPUs of one machine are shared by lease: a lock per physical GPU, which the kernel frees however its holder dies.

Snakemake shares the GPUs among its own jobs; several Snakemakes, plain commands and other users know nothing of each
other. All of them that come through here wait for each other instead of running out of memory together.
"""

import fcntl
import os
import random
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tradeoffs.errors import InputError

FOLDER = Path("/tmp")  # of the machine, not of the job: TMPDIR may be another for every job
JOBS_PER_GPU = "TRADEOFFS_JOBS_PER_GPU"
_held: list[int] = []


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


def _try(gpus: Sequence[str], count: int, places: int, folder: Path) -> dict[int, int] | None:
    """Lock places on ``count`` GPUs, least used first; return the open file of each by position, or None for none."""
    taken: dict[int, int] = {}
    for place in range(places):
        for position, gpu in enumerate(gpus):
            if len(taken) == count:
                return taken
            if position not in taken:
                file = _open(folder / f"tradeoffs-gpu-{re.sub('[^A-Za-z0-9-]', '_', gpu)}-{place}.lock")
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    taken[position] = file
                except BlockingIOError:
                    os.close(file)
    if len(taken) == count:
        return taken
    for file in taken.values():
        os.close(file)
    return None


def _open(path: Path) -> int:
    """Open a lock file, made by whoever comes first and readable by all: a lock needs no right to write.

    A file that exists is opened without O_CREAT, which Linux refuses in /tmp for files of other users, and links are
    not followed. Lock files are never removed: a file that another process is about to lock would be another file.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            pass
        try:
            file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        os.fchmod(file, 0o644)  # whatever the umask says
        return file
