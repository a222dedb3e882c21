"""The state of a training on disk: written whole, by time and after every epoch, and only used for the very same run.

A run goes on from it to the same weights, bit for bit, on the same device with the same threads.
"""

import io
import signal
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from tradeoffs.step.errors import InputError, RefusedError
from tradeoffs.step.files import write_whole
from tradeoffs.step.inputs import opened

State = dict[str, Any]


class _ForeignError(ValueError):
    """A file that is whole and no checkpoint."""


class Checkpoint:
    """One file (None: nothing is ever kept) that belongs to the run named by ``key``: its spec, code and data."""

    def __init__(self, path: Path | None, key: str, minutes: float) -> None:
        self.path = path
        self._key = key
        self._seconds = 60 * minutes
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether the time between two checkpoints has passed."""
        return self.path is not None and time.monotonic() - self._last >= self._seconds

    def keep(self, state: State) -> None:
        """Write ``state`` (tensors, numbers, and lists and dicts of them), whole or not at all."""
        if self.path is not None:
            save({"key": self._key} | state, self.path)
            self._last = time.monotonic()

    def resume(self, device: torch.device) -> State | None:
        """Return the state, on the CPU, that was kept by this very run on a device of this type, else None.

        What is stale, damaged or another device's is not used, and why is said in one line. (A random state fits no
        other device, and a run on two of them would end with weights that neither gives.) RefusedError where the
        system does not let us read the file, InputError for one that no training has written: it is somebody's.
        """
        if self.path is None or not self.path.exists():
            return None
        try:
            state = _read(self.path)
        except _ForeignError as error:
            raise InputError(f"{self.path}: {error}, and a checkpoint would replace it; correct --checkpoint") from None
        except Exception as error:
            if isinstance(error, RefusedError) and self.path.is_file():
                raise  # nothing is known of what it holds, and the next checkpoint would replace it
            self.refuse(f"unreadable checkpoint ({error})")
            return None
        if state["key"] != self._key:
            self.refuse("checkpoint of another spec, code or data")
            return None
        kept_on = state.get("device", device.type)
        if kept_on != device.type:
            self.refuse(f"checkpoint of a training on {kept_on}, and this one is on {device.type}")
            return None
        return state

    def refuse(self, why: str) -> None:
        """Say in one line why this checkpoint is not gone on from."""
        print(f"{self.path}: {' '.join(why.split())}, starting from scratch", file=sys.stderr)


def _read(path: Path) -> State:
    """Return what a file holds; RefusedError where it cannot be read, another error where it is no state of ours."""
    with opened(path) as file:  # in memory, as it was written: an error of the disk is none of the content
        content = io.BytesIO(file.read())
    if content.getvalue()[:4] not in (b"", b"PK\3\4"):  # of what torch writes, cut short or not
        raise _ForeignError("was not written by a training")
    # torch itself does not compare the checksums that it writes.
    with zipfile.ZipFile(content) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"{damaged} has another checksum")
    content.seek(0)
    state: State = torch.load(content, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or "key" not in state:
        raise _ForeignError("was not written by a training")
    return state


def save(state: State, path: Path) -> None:
    """Write tensors, whole or not at all (:func:`tradeoffs.step.files.write_whole`)."""
    write_whole(path, lambda buffer: torch.save(state, buffer))


@contextmanager
def on_sigterm() -> Iterator[Callable[[], bool]]:
    """Catch SIGTERM, which a scheduler sends some seconds before it kills; yields a function that says if it came."""
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGTERM, before)
