"""Start the processes that train one model together, on this machine, and see them through.

The same environment variables as torchrun's, which may be used instead; this one passes on what a person needs to read
and leaves nobody behind.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

import torch

from tradeoffs import lease
from tradeoffs.batching import workers
from tradeoffs.device import visible_gpus
from tradeoffs.training.distributed import LAUNCHER, LOST, visible_names

_GRACE = 20.0  # seconds in which the others may end by themselves once one has failed


def is_member() -> bool:
    """Whether this process is one of several that were already started."""
    return int(os.environ.get("WORLD_SIZE", 1)) > 1


def launch(processes: int, arguments: list[str]) -> int:
    """Run ``python -m tradeoffs.train arguments`` in ``processes`` processes; return the first failing exit code.

    Each gets a GPU of its own, where there are any, and its share of the threads. SIGTERM is passed on. Raises
    InputError where there are fewer GPUs than processes.
    """
    environments = _environments(processes)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a warm process ignores it, and exit codes would be lost
    command = [sys.executable, "-m", "tradeoffs.train", *arguments]
    with tempfile.TemporaryFile("w+") as others:
        members = [
            subprocess.Popen(command, env=os.environ | environment, stderr=others if rank else None)
            for rank, environment in enumerate(environments)
        ]
        signal.signal(signal.SIGTERM, lambda number, frame: _tell(members, signal.SIGTERM))
        try:
            _see_through(members)
        finally:
            _tell(members, signal.SIGKILL)
        codes = [member.wait() for member in members]
        # A process that only lost the others says nothing of its own; the first one prints for itself.
        told = [rank for rank, code in enumerate(codes) if code not in (0, LOST)]
        if told and codes[told[0]] < 0:
            print(f"error: process {told[0] + 1} of {processes} was killed (out of memory?)", file=sys.stderr)
        elif told and told[0] > 0:
            others.seek(0)
            print(*others.read().splitlines()[-1:], file=sys.stderr)
    failed = [codes[rank] for rank in told] or [code for code in codes if code] or [0]
    return failed[0] if failed[0] >= 0 else 128 - failed[0]


def _environments(processes: int) -> list[dict[str, str]]:
    """What each process finds in its environment, in the order of their ranks; their GPUs are leased by this one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        LAUNCHER: str(os.getpid()),
        "OMP_NUM_THREADS": str(max(1, workers() // processes)),
    }
    if torch.cuda.is_available():
        gpus = visible_gpus()
        names = visible_names(len(gpus))
        common["CUDA_VISIBLE_DEVICES"] = ",".join(names[position] for position in lease.take(gpus, count=processes))
    return [common | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]


def _see_through(members: list[subprocess.Popen[bytes]]) -> None:
    """Wait until all have ended, or one has failed and the others have had time to end."""
    failed_at = None
    while any(member.poll() is None for member in members):
        if failed_at is None and any(member.returncode for member in members):
            failed_at = time.monotonic()
        if failed_at is not None and time.monotonic() - failed_at > _GRACE:
            return
        time.sleep(0.1)


def _tell(members: list[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    for member in members:
        if member.poll() is None:
            member.send_signal(number)
