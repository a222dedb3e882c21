"""Big files on disk: one process at a time, room before writing, a full disk in one line."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tradeoffs.step import locks
from tradeoffs.step.errors import InputError, refusal


@contextmanager
def exclusive(target: Path) -> Iterator[None]:
    """Hold the kernel lock of ``target`` (the file ``.<name>.lock`` beside it), waiting while another process has it.

    No death outlives the lock. Its file stays, empty: removing it would let two processes lock two files of one name.
    """
    lock = target.with_name(f".{target.name}.lock")
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        file = locks.open_file(lock)
        if not locks.take(file, lock):
            print(f"{target}: another run is making it; waiting for that one", file=sys.stderr, flush=True)
            while not locks.take(file, lock):
                time.sleep(0.2)
    try:
        yield
    finally:
        locks.release(file, lock)


@contextmanager
def explained(target: Path, hint: str | None = None) -> Iterator[None]:
    """Turn an OSError of the file system into an InputError about ``target``; a full disk says so, with ``hint``."""
    try:
        yield
    except OSError as error:
        raise InputError(refusal(error, target, hint)) from None


def require_space(target: Path, needed: int) -> None:
    """Check that ``needed`` more bytes fit beside ``target``; InputError with both figures where they do not."""
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise InputError(
            f"{target}: needs {readable(needed)} more and its disk has {readable(free)} free; "
            "free some space, or put the folder on a larger disk"
        )


def progress(what: str, total: int | None, done: int = 0) -> Any:
    """Return a tqdm bar in bytes on stderr; in a log file it speaks up once in a while only."""
    pause = 0.2 if sys.stderr.isatty() else 20.0
    return tqdm(
        desc=what, total=total, initial=done, unit="B", unit_scale=True, mininterval=pause, maxinterval=2 * pause
    )


def readable(count: int) -> str:
    """Return a number of bytes in decimal units: 1234567 is '1.2 MB'."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
