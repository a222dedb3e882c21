"""A step run warm is the step run cold: same arguments, folder, environment, output and exit code."""

import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tradeoffs.runner import fork_server
from tradeoffs.step import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the warm process is for Linux")

PACKAGE = Path(fork_server.__file__).parents[2]
STEP = """
import os, sys
from pathlib import Path
with open("ran", "a") as ran: print("ran", file=ran)
if "note" in sys.argv: Path("noted").write_text(str("torch" in sys.modules))
if "umask" in sys.argv: print("umask", os.umask(0))
if "imports" in sys.argv:
    import json, numpy
    print("imported", json.__file__, numpy.__file__)
print(sys.argv[1:], os.getcwd(), os.environ["MARK"], "torch" in sys.modules)
print("to stderr", file=sys.stderr)
if "fail" in sys.argv: raise ValueError("broken")
if "terminable" in sys.argv:
    import signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
if "die" in sys.argv: os.kill(os.getpid(), 9)
if "wait" in sys.argv or "sleep" in sys.argv:
    import time
    Path("new").write_text(str(os.getpid()))
    Path("new").rename("started")
    deadline = time.monotonic() + 600
    try:
        while not Path("go on").exists() and time.monotonic() < deadline: time.sleep(0.05)
    finally:
        Path("put away").touch()
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = tmp_path_factory.mktemp("w") / "s"
    process = fork_server.start(path)
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    yield path
    process.kill()
    process.wait()


PATHS = os.environ | {"PYTHONPATH": str(PACKAGE)}
CLIENT = (
    "import sys; from tradeoffs.runner import fork_server as warm; warm._PATIENCE = {};"
    " sys.exit(warm.main(sys.argv[1:]))"
)


def start(folder, socket, *arguments, shell='exec "$@"', patience=60, cwd=None, **extra):
    """Start a step through ``socket``; its module lies in ``folder``."""
    (folder / "my_step.py").write_text(STEP)
    paths = os.pathsep.join([str(PACKAGE), str(folder)])
    return subprocess.Popen(
        ["bash", "-c", shell, "-", sys.executable, "-c", CLIENT.format(patience), "my_step", *arguments],
        cwd=cwd or folder,
        env=os.environ | {"TRADEOFFS_WARM": str(socket), "MARK": "mine"} | extra | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def code_of(process):
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize("arguments", [["0", "a b"], ["3"], ["0", "fail"]])
def test_warm_equals_cold(server, tmp_path, arguments):
    cold, hot = (start(tmp_path, socket, *arguments) for socket in (tmp_path / "no-server", server))
    (cold_out, cold_err), (hot_out, hot_err) = cold.communicate(timeout=60), hot.communicate(timeout=60)
    assert hot.returncode == cold.returncode
    assert hot_out.replace("True", "False") == cold_out
    assert hot_out.endswith("True\n")  # torch was there already
    assert hot_err.splitlines()[0] == cold_err.splitlines()[0] == "to stderr"
    assert hot_err.splitlines()[-1] == cold_err.splitlines()[-1]


def test_a_step_that_is_killed_is_a_failure_with_a_reason(server, tmp_path):
    process = start(tmp_path, server, "0", "die")
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "was killed" in error


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def wait_until(condition):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_step_ends_with_the_process_that_asked_for_it(server, tmp_path):
    process = start(tmp_path, server, "0", "sleep")
    assert wait_until((tmp_path / "started").exists)
    step = int((tmp_path / "started").read_text())
    assert alive(step)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert wait_until(lambda: not alive(step))


WORKFLOW = "import sys; from pathlib import Path; from tradeoffs.runner import fork_server as warm; "
WORKFLOW += "print(warm.start(Path(sys.argv[1])).pid, flush=True);"


def workflow(socket, then="", code=WORKFLOW):
    """A process that starts a warm one, prints its id, and does something else."""
    command = [sys.executable, "-c", f"{code} {then}", str(socket)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=PATHS)


def test_the_warm_process_and_its_steps_end_with_the_workflow(tmp_path):
    socket = tmp_path / "s"
    waiting = workflow(socket, "input()")
    assert wait_until(socket.exists)
    process = start(tmp_path, socket, "0", "sleep")
    assert wait_until((tmp_path / "started").exists)
    step = int((tmp_path / "started").read_text())
    waiting.kill()
    said, _ = waiting.communicate(timeout=60)
    process.communicate(timeout=30)
    assert wait_until(lambda: not alive(step))
    assert wait_until(lambda: not alive(int(said)))


def test_the_warm_process_ends_with_a_workflow_that_was_over_before_it_began(tmp_path):
    """It holds the workflow's output open: whoever reads that to its end would wait for ever."""
    said, _ = workflow(tmp_path / "s").communicate(timeout=60)
    assert wait_until(lambda: not alive(int(said)))


def test_a_warm_process_that_ends_late_leaves_the_next_ones_socket_alone(tmp_path):
    socket = tmp_path / "s"
    first = workflow(socket, "input()")
    assert wait_until(socket.exists)
    made = socket.stat().st_ctime_ns
    second = workflow(socket, "input()")
    assert wait_until(lambda: socket.exists() and socket.stat().st_ctime_ns != made)
    first.communicate("\n", timeout=60)
    output, _ = start(tmp_path, socket, "0").communicate(timeout=60)
    assert output.endswith("True\n")  # torch was there already
    second.communicate("\n", timeout=60)


def test_the_warm_process_loads_its_blas_with_one_thread_whatever_the_shell_says(tmp_path, monkeypatch):
    environments = []
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    monkeypatch.setattr(fork_server.subprocess, "Popen", lambda *_, env, **__: environments.append(env))
    fork_server.start(tmp_path / "s")
    read = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS")
    assert [environments[0][name] for name in read] == ["1"] * 4


@pytest.fixture(scope="module")
def warm_process(server):
    """Return the process behind ``server``, as the kernel tells whoever connects."""
    with connected(server) as connection:
        answer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return psutil.Process(struct.unpack("3i", answer)[0])


def connected(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(path))
    return connection


def test_the_socket_is_this_users_alone_from_the_start_and_steps_keep_their_umask(tmp_path):
    code = "import os; os.umask(0);" + WORKFLOW
    waiting = workflow(tmp_path / "s", "input()", code)
    assert wait_until((tmp_path / "s").exists)
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
    output, _ = start(tmp_path, tmp_path / "s", "0", "umask").communicate(timeout=60)
    assert "umask 0\n" in output
    assert "True\n" in output
    waiting.communicate("\n", timeout=60)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_another_user_is_not_served(server):
    """Not even where the socket's mode would let them in."""
    server.chmod(0o666)
    # From inside the socket's folder, to which the folders of a test run may not let another user come.
    code = "import os, socket; os.setuid(12345); s = socket.socket(socket.AF_UNIX); s.connect('s'); print(s.recv(1))"
    server.parent.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", code], cwd=server.parent, capture_output=True, text=True, timeout=60)
    server.chmod(0o600)
    assert done.stdout == "b''\n", done.stderr


@pytest.mark.parametrize(
    "message", [b"", b"\n", b"{", b"{}\n", b"[1]\n", b"\xff\xfe\n", b'{"arguments": ["my_step"], "folder": "/"}\n']
)
@pytest.mark.parametrize("files", [0, 1, 3])
def test_what_is_no_request_ends_quietly(server, warm_process, message, files):
    before = {child.pid for child in warm_process.children()}
    with connected(server) as connection, suppress(OSError):
        if files and message:
            socket.send_fds(connection, [message[:1]], [0] * files)
            connection.sendall(message[1:])
        else:
            connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1):  # until a child was there and has left
            pass
    assert wait_until(lambda: {child.pid for child in warm_process.children()} <= before)
    assert warm_process.is_running()


# What a warm process may do in the place of answering, whether the client then runs the step itself, and what it says.
READY, REQUEST, BEGUN = b"r", b"\n", b"b"
FAILURES = {
    "it hangs up": ([], True),
    "it never answers": ([None], True),
    "it answers something else": ([b"HTTP/1.1 400"], True),
    "it dies once it is ready": ([READY], True),
    "it dies before the step begins": ([READY, REQUEST], True),
    "its child is killed": ([READY, REQUEST, BEGUN], False),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_step_that_has_not_begun_runs_by_itself_and_one_that_has_is_not_run_again(tmp_path, failure):
    script, runs_here = FAILURES[failure]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        process = start(tmp_path, tmp_path / "s", "0", patience=1 if None in script else 60)
        listener.settimeout(60)
        connection, _ = listener.accept()
        with connection:
            for word in script:
                if word is None:
                    assert wait_until((tmp_path / "ran").exists)
                elif word == REQUEST:
                    while not connection.recv(1 << 20).endswith(REQUEST):
                        pass
                else:
                    connection.sendall(word)
    output, error = process.communicate(timeout=60)
    assert output.count("False\n") == runs_here  # ran, without torch
    assert ("was killed" in error) != runs_here
    assert "Traceback" not in error
    assert process.returncode == (0 if runs_here else 1)
    assert (tmp_path / "s").exists() == (failure != "it never answers")  # then nobody else is to wait for it


def test_a_request_that_is_taken_up_late_is_not_run_a_second_time(tmp_path):
    socket = tmp_path / "s"
    waiting = workflow(socket, "input()")
    server = psutil.Process(int(waiting.stdout.readline()))
    assert wait_until(socket.exists)
    assert start(tmp_path, socket, "0").communicate(timeout=60)[0].endswith("True\n")
    server.suspend()
    output, _ = start(tmp_path, socket, "0", patience=0.5).communicate(timeout=60)
    assert output.endswith("False\n")
    server.resume()
    assert wait_until(lambda: not server.children())
    assert (tmp_path / "ran").read_text() == "ran\n" * 2
    waiting.communicate("\n", timeout=60)


def test_a_step_outlives_the_warm_process_it_was_forked_from(tmp_path):
    socket = tmp_path / "s"
    waiting = workflow(socket, "input()")
    server = psutil.Process(int(waiting.stdout.readline()))
    assert wait_until(socket.exists)
    process = start(tmp_path, socket, "5", "wait")
    assert wait_until((tmp_path / "started").exists)
    server.kill()
    time.sleep(2)
    (tmp_path / "go on").touch()
    output, error = process.communicate(timeout=60)
    assert process.returncode == 5, error
    assert output.endswith("True\n")
    assert code_of(start(tmp_path, socket, "4")) == 4
    waiting.communicate("\n", timeout=60)


def test_a_warm_process_that_cannot_import_says_so_in_a_line_and_steps_run_by_themselves(tmp_path):
    code = "import os, sys; from pathlib import Path; from tradeoffs.runner import fork_server as warm;"
    code += " warm._SLOW = ('no_such_library',);"
    code += "warm.serve(Path(sys.argv[1]), os.getppid())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s")], env=PATHS, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == (
        "no warm process (ModuleNotFoundError: No module named 'no_such_library'): every step starts by itself\n"
    )
    assert code_of(start(tmp_path, tmp_path / "s", "3")) == 3


@pytest.mark.parametrize("thing", [Path.mkdir, Path.touch])
def test_what_lies_where_the_socket_should_is_no_obstacle_to_the_steps(tmp_path, thing):
    thing(tmp_path / "s")
    assert code_of(start(tmp_path, tmp_path / "s", "3")) == 3


def test_a_path_longer_than_a_socket_may_have(tmp_path):
    socket = tmp_path / ("x" * 100) / ("y" * 100) / "s"
    waiting = workflow(socket, "input()")
    assert wait_until(socket.exists)
    output, _ = start(tmp_path, socket, "0").communicate(timeout=60)
    assert output.endswith("True\n")
    waiting.communicate("\n", timeout=60)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_input_and_output_may_be_closed(server, tmp_path, closed):
    process = start(tmp_path, server, "7", "note", shell=f'exec "$@" {closed}')
    process.communicate(timeout=60)
    assert process.returncode == 7
    assert (tmp_path / "noted").read_text() == "True"


@pytest.mark.parametrize("is_warm", [True, False])
def test_an_interrupted_step_puts_away_its_files_and_says_one_word(server, tmp_path, is_warm):
    process = start(tmp_path, server if is_warm else tmp_path / "no-server", "0", "sleep")
    assert wait_until((tmp_path / "started").exists)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == "to stderr\ninterrupted\n"
    assert (tmp_path / "put away").exists()


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_step_that_is_to_end_is_told_so_and_waited_for(server, tmp_path, is_warm):
    process = start(tmp_path, server if is_warm else tmp_path / "no-server", "0", "sleep", "terminable")
    assert wait_until((tmp_path / "started").exists)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert (tmp_path / "put away").exists()


def test_a_warm_step_that_does_not_answer_to_sigterm_ends_all_the_same(server, tmp_path):
    process = start(tmp_path, server, "0", "sleep")
    assert wait_until((tmp_path / "started").exists)
    step = int((tmp_path / "started").read_text())
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert wait_until(lambda: not alive(step))


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_step_ends_with_its_workflow_which_is_not_its_parent(server, tmp_path, is_warm):
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    path = server if is_warm else tmp_path / "no-server"
    process = start(tmp_path, path, "0", "sleep", TRADEOFFS_WORKFLOW=processes.mark(owner.pid))
    assert wait_until((tmp_path / "started").exists)
    step = int((tmp_path / "started").read_text())
    owner.kill()
    owner.communicate()
    process.communicate(timeout=60)
    assert wait_until(lambda: not alive(step))


def test_a_workflow_that_cannot_be_seen_is_not_waited_for(tmp_path):
    """As in a container with process numbers of its own."""
    assert code_of(start(tmp_path, tmp_path / "no-server", "3", TRADEOFFS_WORKFLOW="99999999:1")) == 3


def test_a_users_own_modules_are_not_imported(server, tmp_path):
    for name in ("torch", "json", "runpy", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')")
    (tmp_path / "lib").mkdir()
    for path in (server, tmp_path / "no-server"):
        process = start(tmp_path / "lib", path, "0", "imports", cwd=tmp_path, **fork_server.ENVIRONMENT)
        output, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        assert str(tmp_path) not in output.partition("imported ")[2].splitlines()[0]
