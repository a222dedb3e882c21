"""Start steps in a fraction of a second: ``python -m tradeoffs train --spec ...``.

Importing torch takes seconds, a step of the miniature often less. A workflow that runs hundreds of steps therefore
starts one *warm* process, which imports the slow libraries once and then forks for every step; ``TRADEOFFS_WARM`` is
the path of its socket. Without one (on a cluster node, on systems other than Linux, by hand), and where it died, does
not answer or belongs to another user, the step simply runs here: the same code, the same result, only later.

The step is a child of the warm process that has this process's arguments, folder, environment, path and output. It ends
when this process ends, however that dies, and every step, warm or not, ends with the workflow that started it
(``TRADEOFFS_WORKFLOW``); so does the warm process.

What the two say to each other makes sure that no step runs twice, and tells a step that was killed from a warm process
that was: the child says READY, and only then is sent what to run, with the open files (which a process that hangs would
hold open); it says BEGUN before it begins. Whoever hears no READY in time hangs up and runs the step here, and so does
whoever loses the connection before BEGUN. After BEGUN, a lost connection is a step that was killed.
"""

import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from tradeoffs.compute.processor import NARROWING
from tradeoffs.runner import last_words
from tradeoffs.step import processes

# What steps spend their start on. None of it touches a GPU before a step does.
_SLOW = (
    "torch",
    "torch._dynamo",
    "scipy.optimize",
    "scipy.stats",
    "pandas",
    "matplotlib.pyplot",
    "PIL.Image",
    "tqdm",
    "jsonschema",
    "yaml",
)

SOCKET = "TRADEOFFS_WARM"
WORKFLOW = "TRADEOFFS_WORKFLOW"
# Set where SIGINT is ignored until the step can answer it: Python, interrupted at its start, shows a traceback.
ANSWERS_INTERRUPTION = "TRADEOFFS_ANSWERS_INTERRUPTION"

# What every step finds in its environment, whatever the shell or notebook that started the workflow has in its own.
ENVIRONMENT = {
    "PYTHONPATH": str(Path(__file__).absolute().parents[2]),
    "PYTHONSAFEPATH": "1",  # a torch.py or json.py in the folder is the user's, and not to be imported
    "PYTHONUTF8": "1",
    "MPLBACKEND": "Agg",  # a notebook sets one that only its own environment has
}
UNSET = (
    *("PYTHONINSPECT", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONIOENCODING", "PYTHONSTARTUP", "PYTHONBREAKPOINT"),
    *("RANK", "LOCAL_RANK", "WORLD_SIZE"),  # of the processes of another program: a step starts its own
)

# What a BLAS reads, when it is loaded, before or instead of the first.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS")

_PATIENCE = 60.0  # seconds for importing everything and forking
_GRACE = 10.0  # seconds in which a step that is to end may put away its files
_READY, _BEGUN = b"r", b"b"
_ENDS = {b"i": signal.SIGINT, b"t": signal.SIGTERM}  # what the client was told, and passes on
_INTERRUPTED, _TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


class _TerminatedError(BaseException):
    """SIGTERM, where it is to be passed on."""


def start(path: Path) -> subprocess.Popen[bytes] | None:
    """Start the warm process on socket ``path`` (its own parent's death ends it); None where it cannot be used."""
    if sys.platform != "linux":
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        # One thread for numpy's BLAS, whose threads would not survive a fork; torch's are set by each step.
        environment = os.environ | ENVIRONMENT | dict.fromkeys(_THREADS, "1")
        command = [sys.executable, "-m", __name__, "--serve", str(path), str(os.getpid())]
        # Ctrl-C is for the steps. It is held back until the process ignores it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if sys.stdout is None else None,
                stderr=subprocess.DEVNULL if sys.stderr is None else None,
                env={name: value for name, value in environment.items() if name not in UNSET},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    except OSError as error:
        _say(f"no warm process ({error}): every step starts by itself")
        return None


def serve(path: Path, parent: int) -> None:
    """Accept steps on ``path`` until process ``parent``, which started this one, is gone."""
    # The parent is told, not asked for: a workflow of a second may be over before this process has begun.
    workflow = processes.mark(parent) if os.getppid() == parent else ""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        try:
            _bind(server, path)
            for name in _SLOW:
                __import__(name)
        except Exception as error:
            # Half-imported libraries are no place to start from: a step that needs them fails for itself.
            _say(f"no warm process ({type(error).__name__}: {error}): every step starts by itself")
            return
        server.settimeout(1)
        while processes.alive(workflow):
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            except OSError:  # too many open files
                time.sleep(1)
                continue
            # No child (no memory, too many processes): the client sees a closed connection.
            with connection, suppress(OSError):
                if _is_own(connection) and os.fork() == 0:
                    server.close()
                    _end_after_work(connection, workflow)
    # The socket's file stays: by now it may be that of the next workflow in this folder.


def _bind(server: socket.socket, path: Path) -> None:
    """Listen on ``path``, which from its first moment only this user may connect to."""
    mask = os.umask(0o177)
    try:
        with _address(path) as address:
            server.bind(address)
    finally:
        os.umask(mask)
    server.listen(128)


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Yield a socket's path, short enough for the kernel (unix(7): 108 bytes): below a descriptor of its folder."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _is_own(connection: socket.socket) -> bool:
    """Whether the process at the other end is this user's (unix(7), SO_PEERCRED)."""
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return bool(user == os.geteuid())


def _end_after_work(connection: socket.socket, workflow: str) -> None:
    """In a child of the warm process: do the work and end, whatever happens, without returning to the parent's loop."""
    code = 1
    try:
        code = _work(connection, workflow)
    finally:
        os._exit(code)


def _work(connection: socket.socket, workflow: str) -> int:
    """Become the step that the client asks for, run it, and tell how it ended; end quietly where nobody asks."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.settimeout(_PATIENCE)
    try:
        connection.sendall(_READY)
        request, descriptors = _request(connection)
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
            os.close(descriptor)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.path[:] = request["path"]
        arguments = list(request["arguments"])
        connection.sendall(_BEGUN)
    except (OSError, ValueError, KeyError, TypeError):
        return 1
    connection.settimeout(None)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tradeoffs"]:
        del sys.modules[name]  # the step imports the package afresh, from the client's path
    signal.signal(signal.SIGINT, _interrupt_once)
    threading.Thread(target=_die_with, args=(connection, workflow), daemon=True).start()
    code = _run(arguments)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # a full disk
        code = code or 1
    with suppress(OSError):
        connection.sendall(bytes([code & 0xFF]))
    return code & 0xFF


def _request(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive what to run, and the three descriptors of its input and output; ValueError for anything else."""
    message, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while message and not message.endswith(b"\n"):
        more = connection.recv(1 << 20)
        if not more:
            raise ValueError("half a request")
        message += more
    request = json.loads(message)
    if not isinstance(request, dict) or len(descriptors) != 3 or min(descriptors) < 3:
        raise ValueError("no request")
    return request, descriptors


def _die_with(connection: socket.socket, workflow: str) -> None:
    """End this process as soon as the client or the workflow is gone; pass on that the client is to end."""
    while processes.alive(workflow):
        if select.select([connection], [], [], 1)[0]:
            try:
                heard = connection.recv(1)
            except OSError:
                break
            if heard not in _ENDS:
                break
            os.kill(os.getpid(), _ENDS[heard])
    os._exit(1)


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but only once: what it makes a step put away is not to be interrupted again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _terminate_once(number: int, frame: FrameType | None) -> None:
    """Raise _TerminatedError, but only once, as with an interruption."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _TerminatedError


def _run(arguments: list[str]) -> int:
    """Run ``python -m arguments[0]`` with the rest as its arguments; return its exit code."""
    sys.argv = arguments
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("interrupted")
        return _INTERRUPTED
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _ask(path: Path, arguments: list[str]) -> int | None:
    """Have the warm process run the step; return its exit code, 1 where it was killed, None where it has not begun."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        try:
            with _address(path) as address:
                connection.connect(address)
            if not _is_own(connection):
                return None
            if connection.recv(1) != _READY:
                return None
        except TimeoutError:
            # It hangs: nobody else is to wait for it.
            with suppress(OSError):
                path.unlink()
            return None
        except OSError:
            return None
        connection.settimeout(None)
        request = {"arguments": arguments, "environment": dict(os.environ), "path": sys.path}
        try:
            message = json.dumps(request | {"folder": str(Path.cwd())}).encode() + b"\n"
            socket.send_fds(connection, [message[:1]], [0, 1, 2])
            connection.sendall(message[1:])
            if connection.recv(1) != _BEGUN:
                return None
        except OSError:
            return None
        return _outcome(connection, " ".join(arguments[:2]).replace(".runner.commands", ""))


def _outcome(connection: socket.socket, step: str) -> int:
    """Wait for the exit code of a step that has begun; tell it where it is to end, and wait for that a little."""
    code = None
    try:
        answer = _heard(connection)
    except (KeyboardInterrupt, _TerminatedError) as end:
        word, code = (b"i", _INTERRUPTED) if isinstance(end, KeyboardInterrupt) else (b"t", _TERMINATED)
        for number in _ENDS.values():
            signal.signal(number, signal.SIG_IGN)
        with suppress(OSError):
            connection.sendall(word)
        connection.settimeout(_GRACE)
        answer = _heard(connection)
    if answer:
        return answer[0]
    if code is not None:
        return code
    _say(f"error: {step} was killed (out of memory?)")
    return 1


def _heard(connection: socket.socket) -> bytes:
    with suppress(OSError):
        return connection.recv(1)
    return b""


def _end_with_workflow() -> None:
    """End this process when the workflow that started it is gone, if that can be seen from here at all."""
    workflow = os.environ.get(WORKFLOW, "")

    def watch() -> None:
        while processes.alive(workflow):
            time.sleep(1)
        os._exit(1)

    if processes.alive(workflow):
        threading.Thread(target=watch, daemon=True).start()


def _say(message: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # nobody may be listening
        print(message, file=sys.stderr, flush=True)


def _open_standard_files() -> None:
    """Give input, output and errors that were closed a place, or the next file opened would take it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def main(arguments: list[str]) -> int:
    """Run ``python -m arguments[0]`` with the rest as its arguments, warm if possible."""
    _open_standard_files()
    for name in NARROWING:  # before torch is imported, here and in the warm process
        os.environ.pop(name, None)
    if arguments[:1] == ["--serve"]:
        serve(Path(arguments[1]), int(arguments[2]))
        return 0
    path = os.environ.get(SOCKET, "")
    try:
        unset = signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_DFL)
        if os.environ.get(ANSWERS_INTERRUPTION) or unset:
            signal.signal(signal.SIGINT, _interrupt_once)
        _end_with_workflow()
        code = None
        if path and sys.platform == "linux":
            signal.signal(signal.SIGTERM, _terminate_once)
            code = _ask(Path(path), arguments)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except KeyboardInterrupt:
        _say("interrupted")
        return _INTERRUPTED
    except _TerminatedError:
        return _TERMINATED
    code = _run(arguments) if code is None else code
    if code not in (0, _INTERRUPTED, _TERMINATED):
        last_words.repeat()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
