"""What the workflow is started in: environments, closed descriptors, odd folders, foreign and damaged files, signals.

    python tests/runner/surroundings_campaign.py [--only WORD] [--tree CHECKOUT]

Runs a small target in a copy of the checkout for every case, some ten seconds each, and prints a table. A case is right
if the run ends with its result or with one line that says why; no traceback in its output or logs, nothing outside the
folder touched, nothing left running. One is known to be wrong: without a home that can be written to, Snakemake itself
ends with a traceback before it reads the Snakefile (docs/guides/running.md).
tests/runner/test_surroundings.py holds the same kinds in less time.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import psutil

SNAKEMAKE = Path(sys.executable).parent / "snakemake"
TARGET = "results/theory/claims.csv"
NO_FLOCK = "#include <errno.h>\nint flock(int fd, int op) { errno = ENOSYS; return -1; }\n"

CASES: dict[str, Callable[["Trial"], None]] = {}


class Trial:
    """One run: where it is, what is done to its folder beforehand, and how it is started."""

    def __init__(self, tree: Path, room: Path) -> None:
        self.tree, self.room = tree, room
        self.folder = self.cwd = room / "study"
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("TRADEOFFS", "OMP", "MPL", "PYTHON", "XDG"))
        } | {"CUDA_VISIBLE_DEVICES": ""}
        self.arguments = ["--cores", "2", TARGET]
        self.shell = 'exec "$@"'
        self.outside = room / "outside"
        self.outside.mkdir()
        (self.outside / "precious").write_text("precious")
        self.meanwhile: Callable[[psutil.Process], None] | None = None

    def clone(self) -> Path:
        """Copy the checkout to the folder, with the small config."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            for name in ("workflow", "envs"):
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(self.tree / name, self.folder / name, ignore=ignored)
            shutil.copy(self.tree / "Snakefile", self.folder)
            shutil.copy(self.tree / "tests/small.yaml", self.folder / "config.yaml")
        return self.folder

    def move(self, name: str) -> None:
        self.folder = self.cwd = self.room / name

    def mark(self, path: str, raw: str | None = None) -> None:
        """Leave what a killed Snakemake leaves for an output that it was making."""
        markers = self.clone() / ".snakemake/incomplete"
        markers.mkdir(parents=True, exist_ok=True)
        (markers / (raw or urlsafe_b64encode(path.encode()).decode())).write_text("{}")

    def run(self) -> str:
        """Run the case; return "right", or what is wrong."""
        self.clone()
        process = psutil.Popen(
            ["bash", "-c", self.shell, "bash", str(SNAKEMAKE), *self.arguments],
            cwd=self.cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=(self.room / "out").open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if self.meanwhile is not None:
            self.meanwhile(process)
        try:
            code = process.wait(timeout=240)
        except psutil.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return "hangs"
        deadline = time.monotonic() + 20
        while (left := [other for other in psutil.process_iter() if self._is_mine(other)]) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.5)
        for other in left:
            other.kill()
        faults = [f"{len(left)} processes left"] if left else []
        text = (self.room / "out").read_text(errors="replace")
        logs = [path.read_text(errors="replace") for path in self.cwd.glob("logs/**/*.log")]
        if any("Traceback" in said for said in [text, *logs]):
            faults.append("traceback")
        if [path.name for path in self.outside.iterdir()] != ["precious"]:
            faults.append("outside changed")
        done = (self.cwd / TARGET).exists() or (self.room / "made" / TARGET).exists() or "-n" in self.arguments
        if code == 0 and not done:
            faults.append("no result")
        if code not in (0, -9) and self.meanwhile is None and len(text.strip().splitlines()) != 1:
            faults.append(f"exit {code}, {len(text.strip().splitlines())} lines")
        return ", ".join(faults) or ("right" if code == 0 else f"right (exit {code}: {text.strip()[:100]!r})")

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()) == self.cwd and process.pid != os.getpid()
        except psutil.Error:
            return False


def case(function: Callable[[Trial], None]) -> Callable[[Trial], None]:
    CASES[function.__name__] = function
    return function


def with_environment(name: str, **extra: str) -> None:
    CASES[name] = lambda trial: trial.environment.update(extra)


with_environment("nothing_unusual")
with_environment("backend_of_a_notebook", MPLBACKEND="module://matplotlib_inline.backend_inline")
with_environment("backend_that_is_none", MPLBACKEND="none at all")
with_environment("home_not_writable_with_a_cache", HOME="/proc/nohome", XDG_CACHE_HOME="/tmp/tradeoffs-cache")
with_environment("home_not_writable", HOME="/proc/nohome")
with_environment("pythonpath_here", PYTHONPATH="")
with_environment("pythonstartup", PYTHONSTARTUP="/nonexistent.py")
with_environment("pythonoptimize", PYTHONOPTIMIZE="2")
with_environment("pythonwarnings", PYTHONWARNINGS="error::DeprecationWarning")
with_environment("ascii_output", PYTHONIOENCODING="ascii")
with_environment("c_locale", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
with_environment("tmpdir_missing", TMPDIR="/nonexistent")
with_environment("threads_are_no_number", OMP_NUM_THREADS="many")
with_environment("a_socket_of_old", TRADEOFFS_WARM="/nonexistent/socket")
with_environment("a_workflow_of_old", TRADEOFFS_WORKFLOW="1:1")


def in_shell(name: str, commands: str) -> None:
    def set_shell(trial: Trial) -> None:
        trial.shell = commands

    CASES[name] = set_shell


in_shell("umask_0", 'umask 0; exec "$@"')
in_shell("umask_77", 'umask 77; exec "$@"')
in_shell("stdin_closed", 'exec "$@" <&-')
in_shell("stdout_closed", 'exec "$@" >&-')
in_shell("stderr_closed", 'exec "$@" 2>&-')
in_shell("all_closed", 'exec "$@" <&- >&- 2>&-')
in_shell("few_open_files", 'ulimit -n 64; exec "$@"')


def in_folder(name: str, folder: str) -> None:
    CASES[name] = lambda trial: trial.move(folder)


in_folder("braces", "a{x}b")
in_folder("half_a_brace", "a{b")
in_folder("colon", "a:b")
in_folder("quotes", 'it\'s "a" $(touch x) `id`; &')
in_folder("newline", "a\nb")
in_folder("umlaut", "Größe ε")
in_folder("long", "/".join(["x" * 60] * 3))
in_folder("dash", "-n")
in_folder("percent_and_backslash", "100%\\n")


@case
def from_elsewhere(trial: Trial) -> None:
    trial.cwd = trial.room / "made"
    trial.cwd.mkdir()
    trial.arguments += ["-s", str(trial.clone() / "Snakefile")]


@case
def from_elsewhere_with_braces(trial: Trial) -> None:
    trial.cwd = trial.room / "made{x}"
    trial.cwd.mkdir()
    trial.arguments += ["-s", str(trial.clone() / "Snakefile")]


@case
def directory(trial: Trial) -> None:
    trial.arguments += ["--directory", str(trial.room / "made")]


@case
def modules_of_the_user(trial: Trial) -> None:
    for name in ("torch", "json", "numpy", "matplotlib", "runpy"):
        (trial.clone() / f"{name}.py").write_text("raise SystemExit('not mine to import')")


@case
def a_package_of_our_name(trial: Trial) -> None:
    trial.cwd = trial.room / "made"
    (trial.cwd / "tradeoffs").mkdir(parents=True)
    (trial.cwd / "tradeoffs/__init__.py").write_text("raise SystemExit('not mine to import')")
    shutil.copy(trial.clone() / "config.yaml", trial.cwd)
    trial.arguments += ["-s", str(trial.folder / "Snakefile")]


def with_marker(name: str, path: str, raw: str | None = None, dry: bool = False) -> None:
    def leave(trial: Trial) -> None:
        trial.mark(path.format(outside=trial.outside), raw)
        (trial.folder / "link").symlink_to(trial.outside)
        (trial.folder / "resources").symlink_to(trial.outside)
        (trial.folder / "notes.txt").write_text("mine")
        trial.arguments += ["-n"] if dry else []

    CASES[name] = leave


with_marker("marker_of_a_finder", "", ".DS_Store")
with_marker("marker_of_nfs", "", ".nfs00000000a1b2c3")
with_marker("marker_not_text", "", urlsafe_b64encode(b"\xff\xfe\xfa").decode())
with_marker("marker_absolute", "{outside}/precious")
with_marker("marker_absolute_dry", "{outside}/precious", dry=True)
with_marker("marker_upwards", "../outside/precious")
with_marker("marker_through_a_link", "link/precious")
with_marker("marker_through_a_linked_output_folder", "resources/precious")
with_marker("marker_of_a_folder", "workflow")
with_marker("marker_of_nothing", "", "=")


@case
def half_made_output(trial: Trial) -> None:
    trial.mark(TARGET)
    (trial.folder / TARGET).parent.mkdir(parents=True)
    (trial.folder / TARGET).write_text("half")


@case
def stale_locks(trial: Trial) -> None:
    locks = trial.clone() / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text(f"{TARGET}\n")
    (locks / "1.output.lock").mkdir()


@case
def lock_folder_elsewhere(trial: Trial) -> None:
    (trial.clone() / ".snakemake").mkdir()
    (trial.folder / ".snakemake/locks").symlink_to(trial.outside)


def with_thing(name: str, where: str, make: Callable[[Path], object]) -> None:
    def put(trial: Trial) -> None:
        (trial.clone() / where).parent.mkdir(parents=True, exist_ok=True)
        make(trial.folder / where)

    CASES[name] = put


with_thing("lock_is_a_fifo", ".snakemake/running.lock", os.mkfifo)
with_thing("lock_is_a_folder", ".snakemake/running.lock", Path.mkdir)
with_thing("lock_is_a_link", ".snakemake/running.lock", lambda path: path.symlink_to("../config.yaml"))


def _without_flock(trial: Trial) -> None:
    (trial.room / "noflock.c").write_text(NO_FLOCK)
    library = trial.room / "noflock.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, trial.room / "noflock.c"], check=True)
    trial.environment["LD_PRELOAD"] = str(library)


@case
def without_flock(trial: Trial) -> None:
    _without_flock(trial)


@case
def without_flock_after_kill_9(trial: Trial) -> None:
    _without_flock(trial)
    trial.clone()
    process = psutil.Popen(
        [SNAKEMAKE, *trial.arguments],
        cwd=trial.folder,
        env=trial.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _wait_for_step(process)
    process.kill()
    process.wait()
    time.sleep(3)


def _wait_for_step(process: psutil.Process) -> None:
    """Wait until a step of the run is under way."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        commands = [_command(child) for child in process.children(recursive=True)]
        if any("tradeoffs" in command for command in commands):
            return
        time.sleep(0.05)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _warm(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children(recursive=True) if "--serve" in _command(child)]


def during(name: str, act: Callable[[psutil.Process], object]) -> None:
    """Let something happen once a step is under way."""

    def prepare(trial: Trial) -> None:
        def meanwhile(process: psutil.Process) -> None:
            _wait_for_step(process)
            act(process)

        trial.arguments = ["--cores", "2", "results/miniature/figures/theory_risks.svg", TARGET]
        trial.meanwhile = meanwhile

    CASES[name] = prepare


def _kill_warm(process: psutil.Process) -> None:
    for child in _warm(process)[:1]:
        child.kill()


def _stop_warm(process: psutil.Process) -> None:
    for child in _warm(process)[:1]:
        child.suspend()


during("warm_process_killed", _kill_warm)
during("warm_process_hangs", _stop_warm)
during("killed", lambda process: process.kill())
during("interrupted_alone", lambda process: process.send_signal(signal.SIGINT))
during("interrupted_by_the_terminal", lambda process: os.killpg(process.pid, signal.SIGINT))


def main() -> None:
    """Run the cases and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name holds this word")
    parser.add_argument("--tree", type=Path, default=Path(__file__).parents[2], help="the checkout to try")
    arguments = parser.parse_args()
    chosen = {name: prepare for name, prepare in CASES.items() if arguments.only in name}
    right = 0
    for name, prepare in chosen.items():
        with tempfile.TemporaryDirectory(prefix="surroundings-") as room:
            trial = Trial(arguments.tree.resolve(), Path(room).resolve())
            prepare(trial)
            begun = time.monotonic()
            outcome = trial.run()
            right += outcome.startswith("right")
            print(f"{name:40} {time.monotonic() - begun:5.0f} s  {outcome}", flush=True)
    print(f"{right} of {len(chosen)} right")


if __name__ == "__main__":
    main()
