"""What the workflow is started in, and what lies in its folder: it works, or says in one line why not.

The kinds; tests/runner/surroundings_campaign.py tries some sixty cases, each in a run of its own.
"""

import errno
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tradeoffs.data import decoded_folder
from tradeoffs.runner import fork_server, hooks, killed_run
from tradeoffs.step import locks
from tradeoffs.step.errors import InputError, exit_code, say_an_interruption_in_a_word
from workflow.test_reruns import SNAKEMAKE, clone, environment

TARGET = "results/theory/claims.csv"


def run(folder, *arguments, shell='exec "$@"', **extra):
    command = ["bash", "-c", shell, "-", SNAKEMAKE, "--cores", "2", TARGET, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(**extra), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


def logs_of(folder):
    return "".join(path.read_text() for path in folder.glob("logs/**/*.log"))


def mark(folder, path, name=None):
    """Leave what a killed Snakemake leaves for an output that it was making."""
    markers = folder / ".snakemake/incomplete"
    markers.mkdir(parents=True, exist_ok=True)
    (markers / (name or urlsafe_b64encode(str(path).encode()).decode())).write_text("{}")


def foreign_things(folder, outside):
    """Put markers of files that are not the workflow's, and files that are no markers, into its folder."""
    (folder / "link").symlink_to(outside)
    (folder / "resources").symlink_to(outside)
    (folder / "notes").write_text("precious")
    for path in (outside / "precious", "../outside/precious", "link/precious", "resources/precious", "notes", "/"):
        mark(folder, path)
    for name in (".DS_Store", ".nfs00000000a1b2c3", "=", urlsafe_b64encode(b"\xff\xfe").decode()):
        mark(folder, "", name)


@pytest.fixture
def outside(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("precious")
    return tmp_path / "outside"


def test_a_notebook_closed_output_foreign_modules_and_foreign_markers(tmp_path, outside):
    """One run in the worst of places, from a folder that is not the checkout."""
    checkout, folder = tmp_path / "checkout", tmp_path / 'it\'s {x} "a" $(touch x): é'
    checkout.mkdir()
    folder.mkdir()
    clone(checkout)
    for name in ("torch", "json", "runpy", "numpy"):
        (folder / f"{name}.py").write_text("raise SystemExit('not ours')")
    (folder / "tradeoffs").mkdir()
    (folder / "tradeoffs/__init__.py").write_text("raise SystemExit('not ours')")
    foreign_things(folder, outside)
    mark(folder, TARGET)
    (folder / TARGET).parent.mkdir(parents=True)
    (folder / TARGET).write_text("half")
    done = run(
        folder,
        "-s",
        str(checkout / "Snakefile"),
        shell='umask 0; exec "$@" <&- >&-',
        MPLBACKEND="module://matplotlib_inline.backend_inline",
        PYTHONOPTIMIZE="2",
        TRADEOFFS_WARM="/nonexistent",
    )
    assert done.returncode == 0, done.stderr + logs_of(folder)
    assert (folder / TARGET).read_text().startswith("claim,")
    assert (outside / "precious").read_text() == (folder / "notes").read_text() == "precious"
    assert not list((folder / ".snakemake").glob("warm*"))
    assert not (folder / "x").exists()


@pytest.mark.parametrize(("name", "message"), [("a{x}b", "takes braces for wildcards"), ("a:b", "cannot be in PATH")])
def test_a_checkout_that_cannot_be_worked_in_is_refused_in_one_line(tmp_path, name, message):
    (tmp_path / name).mkdir()
    done = run(clone(tmp_path / name), "-n")
    assert done.returncode != 0
    (line,) = (done.stdout + done.stderr).strip().splitlines()
    assert message in line
    assert name in line


WITHOUT_FLOCK = "#include <errno.h>\nint flock(int fd, int op) { errno = ENOSYS; return -1; }\n"


def test_without_flock_the_same_command_goes_on_after_kill_9(tmp_path):
    library = tmp_path / "noflock.so"
    compiled = subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=WITHOUT_FLOCK, text=True, capture_output=True
    )
    if compiled.returncode:
        pytest.skip("needs a C compiler")
    folder = tmp_path / "study"
    folder.mkdir()
    clone(folder)
    extra = {"LD_PRELOAD": str(library)}
    with (tmp_path / "out").open("w") as out:
        first = psutil.Popen(
            [SNAKEMAKE, "--cores", "1", "theory_curves", "theory_simulation"],
            cwd=folder,
            env=environment(**extra),
            stdout=out,
            stderr=out,
        )
    while not list(folder.glob(".snakemake/locks/*.lock")) and first.is_running():
        pass
    assert "another" not in run(folder, "-n", **extra).stderr  # a dry run beside it is none of its business
    assert (folder / ".snakemake/running.lock.holder").is_symlink()
    first.kill()
    first.wait()
    done = run(folder, **extra)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("this file system has no locks") == 1
    assert (folder / TARGET).exists()


@pytest.fixture
def records(tmp_path, monkeypatch):
    """Return Snakemake's folder of records in the current folder; locks taken are let go with the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(killed_run, "_held", [])
    folder = Path(".snakemake")
    folder.mkdir()
    yield folder
    for file in killed_run._held:
        os.close(file)


@pytest.mark.parametrize("only_looks", [True, False])
def test_only_snakemakes_own_locks_are_deleted_and_those_not_by_a_look(records, outside, only_looks):
    foreign_things(Path(), outside)
    names = ["0.input.lock", "12.output.lock", "mine.lock", "0.input.lock.txt"]
    (records / "locks").mkdir()
    for name in names:
        (records / "locks" / name).touch()
    (records / "locks/1.input.lock").mkdir()
    before = set(Path().rglob("*"))
    assert killed_run.forget_killed_run(records, only_looks=only_looks)
    gone = before - set(Path().rglob("*"))
    assert gone == (set() if only_looks else {records / "locks" / name for name in names[:2]})
    assert (outside / "precious").exists()


@pytest.mark.parametrize("make", [lambda path, outside: path.symlink_to(outside), lambda path, outside: path.touch()])
def test_what_lies_where_the_lock_folder_should_is_named_and_left_alone(records, outside, make):
    (outside / "0.input.lock").touch()
    make(records / "locks", outside)
    with pytest.raises(InputError, match=r"locks: Snakemake makes a folder there .* remove what is in its place"):
        killed_run.forget_killed_run(records)
    assert (outside / "0.input.lock").exists()


def test_a_folder_that_a_living_run_holds_is_left_alone(records):
    (records / "locks").mkdir()
    (records / "locks/0.input.lock").touch()
    file = locks.open_file(records / "running.lock")
    assert locks.take(file, records / "running.lock")
    assert not killed_run.forget_killed_run(records)
    assert (records / "locks/0.input.lock").exists()
    os.close(file)


def test_a_look_keeps_nothing_from_the_run_that_begins_beside_it(records):
    assert killed_run.forget_killed_run(records, only_looks=True)
    assert killed_run.forget_killed_run(records)
    assert not killed_run.forget_killed_run(records, only_looks=True)


def test_every_run_has_a_warm_process_of_its_own_and_a_killed_ones_socket_goes(records):
    command = [sys.executable, "-c", "from tradeoffs.runner import hooks; print(hooks._SOCKET)"]
    paths = environment(PYTHONPATH=str(hooks.HERE))
    names = {subprocess.run(command, env=paths, capture_output=True, text=True).stdout for _ in range(2)}
    assert len(names) == 2
    left = Path(names.pop().strip())
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(left))
    (records / "warm.up.sock").write_text("no socket")
    assert killed_run.forget_killed_run(records, only_looks=True)
    assert left.exists()
    assert killed_run.forget_killed_run(records)
    assert not left.exists()
    assert (records / "warm.up.sock").exists()


def test_a_run_waits_until_another_has_looked(records):
    with ThreadPoolExecutor() as pool, killed_run._one_at_a_time(records, 0) as entered:
        assert entered
        begun = pool.submit(killed_run.forget_killed_run, records)
        with pytest.raises(TimeoutError):
            begun.result(0.3)
        assert not killed_run._held
    assert begun.result()


def test_a_run_that_never_comes_to_begin_is_not_waited_for_for_ever(records, monkeypatch):
    monkeypatch.setattr(killed_run, "_PATIENCE", 0.1)
    with (
        killed_run._one_at_a_time(records, 0),
        pytest.raises(InputError, match=r"starting\.lock: another run .* end it, or wait"),
    ):
        killed_run.forget_killed_run(records)


def test_a_second_run_is_alive_when_the_first_is_over(records):
    first = locks.open_file(records / "running.lock")
    assert locks.take(first, records / "running.lock")
    assert not killed_run.forget_killed_run(records)
    assert killed_run.others_work(records)
    os.close(first)
    assert not killed_run.others_work(records)
    (records / "locks").mkdir()
    (records / "locks/0.input.lock").touch()
    assert not killed_run.forget_killed_run(records)
    assert (records / "locks/0.input.lock").exists()


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_what_lies_where_the_lock_should_is_named(records, make):
    make(records / "running.lock")
    with pytest.raises(InputError, match=r"running\.lock: is a .*; remove it"):
        killed_run.forget_killed_run(records)


def test_records_that_are_no_folder_are_named(tmp_path):
    (tmp_path / ".snakemake").touch()
    with pytest.raises(InputError, match=r"\.snakemake: File exists; Snakemake keeps its records there"):
        killed_run.forget_killed_run(tmp_path / ".snakemake")


def test_a_disk_without_room_for_the_lock_is_named(records, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "x")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(InputError, match="No space left on device"):
        killed_run.forget_killed_run(records)


def prefix(deployment=(), main=True, study="miniature", gigabytes=20):
    return hooks._prefix(
        SimpleNamespace(
            basedir="/checkout",
            is_main_process=main,
            deployment_settings=SimpleNamespace(deployment_method=set(deployment)),
            resource_settings=SimpleNamespace(nodes=None),
            global_resources={},
        ),
        {"study": study, "jobs_per_gpu": 2, "imagenet": {"decoded_gigabytes": gigabytes}},
    )


def values_after(commands, **before):
    """The environment of a step's program whose shell begins with ``commands``."""
    done = subprocess.run(
        ["bash", "-c", f"{commands}{shlex.quote(sys.executable)} -c 'import os; print(dict(os.environ))'"],
        env=os.environ | before,
        capture_output=True,
        text=True,
        check=True,
    )
    return eval(done.stdout)


def test_what_a_steps_environment_holds_is_not_what_the_workflow_was_started_with():
    foreign = dict.fromkeys(
        [*fork_server.UNSET, *fork_server.ENVIRONMENT, fork_server.SOCKET, fork_server.WORKFLOW], "foreign"
    )
    foreign.pop("PYTHONWARNINGS")
    foreign.pop("PYTHONOPTIMIZE")
    found = values_after(prefix(), **foreign, MINE="kept")
    assert not [name for name in foreign if found.get(name) == "foreign"]
    assert not set(fork_server.UNSET) & set(found)
    assert found["MPLBACKEND"] == "Agg"
    assert found["MINE"] == "kept"


def test_decoded_images_are_kept_in_the_imagenet_study_as_its_config_says(monkeypatch):
    own = {decoded_folder.FOLDER: "/mine", decoded_folder.GIGABYTES: "7"}
    for study, gigabytes, expected in (("imagenet", 20, "20"), ("imagenet", 0, "0"), ("miniature", 20, "0")):
        found = values_after(prefix(study=study, gigabytes=gigabytes), **own)
        monkeypatch.setenv(decoded_folder.FOLDER, found[decoded_folder.FOLDER])
        monkeypatch.setenv(decoded_folder.GIGABYTES, found[decoded_folder.GIGABYTES])
        kept = decoded_folder.Bounded(Path("resources/decoded"), 20e9) if float(expected) else None
        assert decoded_folder.bounded() == kept


def test_a_folder_in_the_prefix_is_no_pattern_and_no_command(monkeypatch, tmp_path):
    awful = tmp_path / "a {x} 'b' $(touch y) ε"
    monkeypatch.setattr(sys, "executable", str(awful / "bin/python"))
    monkeypatch.setitem(fork_server.ENVIRONMENT, "PYTHONPATH", str(awful))
    commands = hooks._literally(prefix()).format()
    assert f"export PYTHONPATH={shlex.quote(str(awful))}" in commands
    assert f" PATH={shlex.quote(str(awful / 'bin'))}:$PATH" in commands


@pytest.mark.parametrize(
    ("answer", "ignored"), [(signal.default_int_handler, "1"), (signal.SIG_IGN, "")], ids=["in front", "in background"]
)
def test_ctrl_c_finds_a_step_that_has_not_begun_deaf_and_one_that_has_answers(answer, ignored, tmp_path):
    before = signal.signal(signal.SIGINT, answer)
    try:
        commands = prefix()
    finally:
        signal.signal(signal.SIGINT, before)
    assert ("trap '' INT" in commands) == bool(ignored)
    assert values_after(commands).get(fork_server.ANSWERS_INTERRUPTION, "") == ignored
    (tmp_path / "step.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n")
    step = f"{sys.executable} -c \"import sys; sys.path.insert(0, '.')\nfrom tradeoffs.runner import fork_server\n"
    step += "sys.exit(fork_server.main(['step']))\""
    if ignored:
        done = subprocess.run(
            [
                "bash",
                "-c",
                f"{commands}export PYTHONPATH={fork_server.ENVIRONMENT['PYTHONPATH']}; kill -INT $$; {step}",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize(
    "command",
    [
        "tradeoffs theory model",
        "tradeoffs figure theory_weights",
        "tradeoffs figure claims",
        "tradeoffs.figures.style",
    ],
)
@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "none at all"])
def test_a_figure_command_by_itself_needs_no_notebooks_backend(command, backend):
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), *([] if command.endswith("style") else ["--help"])],
        env=os.environ | {"MPLBACKEND": backend, "PYTHONPATH": fork_server.ENVIRONMENT["PYTHONPATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_what_lies_beside_the_code_is_utf_8_whatever_the_locale(tmp_path):
    """A dry run reads every declaration, list and schema of the package."""
    done = run(clone(tmp_path), "-n", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert done.returncode == 0, done.stdout + done.stderr


def test_ctrl_c_is_a_word_and_no_error(capsys):
    def main():
        raise KeyboardInterrupt

    assert exit_code(main) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_warm_process_that_hangs_does_not_outlive_its_workflow():
    code = """
import os, signal, subprocess, sys
from types import SimpleNamespace
from tradeoffs.runner import fork_server, hooks
warm = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
os.kill(warm.pid, signal.SIGSTOP)
fork_server.start = lambda path: warm
hooks._starts_warm = lambda workflow: True
hooks.start(SimpleNamespace(scheduler=SimpleNamespace(job_rate_limiter=None)))
print(warm.pid)
"""
    environment = os.environ | {"PYTHONPATH": fork_server.ENVIRONMENT["PYTHONPATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    try:
        warm = psutil.Process(int(done.stdout))
    except psutil.NoSuchProcess:
        return
    deadline = time.monotonic() + 20
    while warm.is_running() and warm.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not warm.is_running() or warm.status() == psutil.STATUS_ZOMBIE


def test_interrupted_while_it_plans_snakemake_says_a_word(monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    say_an_interruption_in_a_word()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    sys.excepthook(ValueError, ValueError("else"), None)
    assert capsys.readouterr().err == "interrupted\nValueError: else\n"


def test_a_single_sigint_to_the_workflow_interrupts_its_steps_and_nothing_else(tmp_path):
    """As a notebook's stop button sends it; a program that ends jobs on a cluster is none of the steps."""
    code = """
import os, signal, subprocess, sys, time
from tradeoffs.runner import hooks as launch
MODULE = ["-m", "tradeoffs", "train"]
step = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
children = [subprocess.Popen([*step, *more], stdout=subprocess.PIPE) for more in ([], MODULE)]
for child in children: child.stdout.readline()
signal.signal(signal.SIGINT, launch._interrupt)
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(600)
except KeyboardInterrupt:
    print(children[1].wait(timeout=60), children[0].poll())
children[0].kill()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": fork_server.ENVIRONMENT["PYTHONPATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() in ([str(-signal.SIGINT), "None"], ["1", "None"]), done.stderr
