"""A step run warm is the step run cold: same arguments, folder, environment, output and exit code."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tradeoffs import warm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the warm process is for Linux")

PACKAGE = Path(warm.__file__).parents[1]
STEP = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ["MARK"], "torch" in sys.modules)
print("to stderr", file=sys.stderr)
if "fail" in sys.argv: raise ValueError("broken")
if "die" in sys.argv: os.kill(os.getpid(), 9)
if "sleep" in sys.argv:
    import time
    from pathlib import Path
    Path("started").write_text(str(os.getpid()))
    time.sleep(600)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = tmp_path_factory.mktemp("w") / "s"
    process = warm.start(path)
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    yield path
    process.kill()
    process.wait()


def start(folder, socket, *arguments):
    (folder / "my_step.py").write_text(STEP)
    paths = os.pathsep.join([str(PACKAGE), str(folder)])
    environment = os.environ | {"TRADEOFFS_WARM": str(socket), "MARK": "mine", "PYTHONPATH": paths}
    return subprocess.Popen(
        [sys.executable, "-m", "tradeoffs.warm", "my_step", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


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
    assert "my_step was killed" in error


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_a_step_ends_with_the_process_that_asked_for_it(server, tmp_path):
    process = start(tmp_path, server, "0", "sleep")
    assert wait_until((tmp_path / "started").exists)
    step = int((tmp_path / "started").read_text())
    assert alive(step)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert wait_until(lambda: not alive(step))


def workflow(socket, then=""):
    """A process that starts a warm one, prints its id, and does something else."""
    code = "import sys; from pathlib import Path; from tradeoffs import warm; "
    code += f"print(warm.start(Path(sys.argv[1])).pid, flush=True); {then}"
    command = [sys.executable, "-c", code, str(socket)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


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
