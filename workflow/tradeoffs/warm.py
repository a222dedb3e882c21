"""Start steps in a fraction of a second: ``python -m tradeoffs.warm tradeoffs.train --spec ...``.

Importing torch takes seconds, a step of the miniature often less. A workflow that runs hundreds of steps therefore
starts one *warm* process, which imports the slow libraries once and then forks for every step; ``TRADEOFFS_WARM`` is
the path of its socket. Without one (on a cluster node, on systems other than Linux, by hand) the step simply runs
here: the same code, the same result, only later.

The step is a child of the warm process that has this process's arguments, folder, environment, path and output. It ends
when this process ends, however that dies, and the warm process ends with the workflow that started it.
"""

import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

# What steps spend their start on. None of it touches a GPU before a step does.
_SLOW = ("torch", "torch._dynamo", "scipy.optimize", "scipy.stats", "pandas", "matplotlib.pyplot", "PIL.Image", "tqdm")


def start(path: Path) -> subprocess.Popen[bytes] | None:
    """Start the warm process on socket ``path`` (its own parent's death ends it); None where it cannot be used."""
    if sys.platform != "linux":
        return None
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    # One thread for numpy's BLAS, whose threads would not survive a fork; torch's are set by each step.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", __name__, "--serve", str(path), str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)


def serve(path: Path, parent: int) -> None:
    """Accept steps on ``path`` until process ``parent``, which started this one, is gone."""
    # The parent is told, not asked for: a workflow of a second may be over before this process has begun.
    own = os.getpid()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen(128)
        server.settimeout(1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel
        for name in _SLOW:
            __import__(name)
        while os.getppid() == parent:
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            if os.fork() == 0:
                server.close()
                os._exit(_work(connection, own))
            connection.close()
    # The socket's file stays: by now it may be that of the next workflow in this folder.


def _work(connection: socket.socket, warm: int) -> int:
    """In a child of process ``warm``: become the step that the client asks for, run it, and tell how it ended."""
    connection.settimeout(None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while not message.endswith(b"\n"):
        message += connection.recv(1 << 20)
    request = json.loads(message)
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:] = request["path"]
    for name in [name for name in sys.modules if name.partition(".")[0] == __package__]:
        del sys.modules[name]  # the step imports the package afresh, from the client's path
    threading.Thread(target=_die_with, args=(connection, warm), daemon=True).start()
    code = _run(request["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([code]))
    return code


def _die_with(connection: socket.socket, warm: int) -> None:
    """End this process as soon as the client or the warm process is gone."""
    while os.getppid() == warm and not select.select([connection], [], [], 1)[0]:
        pass
    os._exit(1)


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
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _ask(connection: socket.socket, arguments: list[str]) -> int:
    """Have the warm process run the step; return its exit code, 1 where it was killed."""
    request = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ), "path": sys.path}
    socket.send_fds(connection, [b"{"], [0, 1, 2])
    connection.sendall(json.dumps(request).encode()[1:] + b"\n")
    answer = connection.recv(1)
    if not answer:
        print(f"error: {arguments[0]} was killed (out of memory?)", file=sys.stderr)
    return answer[0] if answer else 1


def main() -> int:
    """Run a step, warm if possible."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--serve"]:
        serve(Path(arguments[1]), int(arguments[2]))
        return 0
    path = os.environ.get("TRADEOFFS_WARM", "")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.connect(path)
            except OSError:
                pass
            else:
                return _ask(connection, arguments)
    return _run(arguments)


if __name__ == "__main__":
    sys.exit(main())
