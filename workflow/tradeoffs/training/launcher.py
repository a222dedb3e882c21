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
from collections.abc import Mapping
from contextlib import ExitStack

from tradeoffs.compute import lease
from tradeoffs.compute.batching import workers
from tradeoffs.compute.device import gpu_usable, visible_gpus
from tradeoffs.compute.members import world_size
from tradeoffs.training.processes import LAUNCHER, LOST, STOPPED, visible_names

_GRACE = 5.0  # seconds in which the others may end by themselves once one has failed
_WRITING = 60.0  # and once one has stopped as it was told to: the first one writes the checkpoint


def is_member() -> bool:
    """Whether this process is one of several that were already started."""
    return world_size() > 1


def launch(processes: int, spec: str, options: Mapping[str, str]) -> int:
    """Run ``tradeoffs train`` with these settings (JSON) and options in ``processes`` processes; return the exit code
    of who failed first.

    Each gets a GPU of its own, where there are any, and its share of the threads. SIGTERM is passed on. Raises
    InputError where there are fewer GPUs than processes.
    """
    environments = _environments(processes)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a warm process ignores it, and exit codes would be lost
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    # The command itself, past the warm process: what forks from that is no child of this one.
    command = [sys.executable, "-m", "tradeoffs.runner.commands", "train", "--spec", spec, *words]
    with ExitStack() as files:
        said = [files.enter_context(tempfile.TemporaryFile("w+", errors="replace")) for _ in environments]
        members = [
            subprocess.Popen(command, env=os.environ | environment, stderr=said[rank] if rank else None)
            for rank, environment in enumerate(environments)
        ]
        signal.signal(signal.SIGTERM, lambda number, frame: _tell(members, signal.SIGTERM))
        try:
            ended = _see_through(members)
        finally:
            _tell(members, signal.SIGKILL)
            for member in members:
                member.wait()
        failed = [rank for rank in ended if members[rank].returncode != 0]
        # A process that only lost the others is no cause, whoever was seen to end first.
        causes = [rank for rank in failed if members[rank].returncode != LOST]
        if not failed:
            return 0
        first = (causes or failed)[0]
        code = members[first].returncode
        if code == STOPPED:  # all were told to; the one that writes the checkpoint says where
            first = min(rank for rank in causes if members[rank].returncode == STOPPED)
        said[first].seek(0)
        _report(f"process {first + 1} of {processes}", code, said[first].read().splitlines() if first else None)
    return code if code >= 0 else 128 - code


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
    if gpu_usable():
        gpus = visible_gpus()
        names = visible_names(len(gpus))
        common["CUDA_VISIBLE_DEVICES"] = ",".join(names[position] for position in lease.take(gpus, count=processes))
    return [common | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]


def _see_through(members: list[subprocess.Popen[bytes]]) -> list[int]:
    """Wait until all have ended, or one has failed and the others have had time to; return who ended by themselves.

    In the order in which they were seen to end.
    """
    ended: list[int] = []
    deadline = float("inf")
    while len(ended) < len(members) and time.monotonic() < deadline:
        # All of them, every time: one that is not asked has not ended.
        for rank, member in enumerate(members):
            if rank not in ended and member.poll() is not None:
                ended.append(rank)
                if member.returncode != 0:
                    patience = _WRITING if member.returncode == STOPPED else _GRACE
                    deadline = min(deadline, time.monotonic() + patience)
        time.sleep(0.05)
    return ended


def _report(who: str, code: int, said: list[str] | None) -> None:
    """Print why a process failed, where it could not itself: ``said`` are its own lines, None where they were shown."""
    if code < 0:
        full = " (out of memory?)" if -code == signal.SIGKILL else ""
        print(f"error: {who} was killed by {signal.Signals(-code).name}{full}", file=sys.stderr)
    elif code == LOST:
        print(f"error: the processes of this training lost each other, first {who}; start again", file=sys.stderr)
    elif said is not None:
        print(said[-1] if said else f"error: {who} ended with exit code {code} and said nothing", file=sys.stderr)


def _tell(members: list[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    for member in members:
        if member.poll() is None:
            member.send_signal(number)
