"""What the Snakefile sets up around the jobs: the right Python, the GPUs counted, a warm process, Ctrl-C."""

import atexit
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from shlex import quote
from types import FrameType
from typing import Any

import psutil  # type: ignore[import-untyped]

from tradeoffs.compute import gpus
from tradeoffs.compute.lease import JOBS_PER_GPU
from tradeoffs.data import decoded_folder, imagenet_sizes
from tradeoffs.runner import fork_server, last_words, slurm
from tradeoffs.runner.killed_run import check_usable, forget_killed_run, others_work
from tradeoffs.step import code_id, processes
from tradeoffs.step.declared_benchmarks import STUDIES
from tradeoffs.step.errors import InputError, ending
from tradeoffs.study import own_copies
from tradeoffs.study.config import checked
from tradeoffs.study.config_files import emptied, refuse_traps
from tradeoffs.study.model import Config, Model
from tradeoffs.study.plan import decoded_gigabytes, models, uses_gpu

HERE = Path(__file__).absolute().parents[2]
SCHEMA = HERE / "schemas/config.schema.yaml"
# Of this run alone: Snakemake lets another with other targets work beside it.
_SOCKET = Path(f".snakemake/warm.{os.getpid()}.{secrets.token_hex(4)}.sock")
_DECODED = Path("resources/decoded")
_clock: list[float] = []


def prepare(workflow: Any, config: Config) -> None:
    """Set local defaults on Snakemake's ``workflow`` object (not documented API: tests/workflow guards it).

    * Jobs find this environment's Python and this package, also when ``snakemake`` is called by its path.
    * The number of GPUs, times the jobs that may share one, is a limit; ``--resources gpu=K`` still wins. Without a GPU
      the limit is 0, to which Snakemake scales the rules' requests: they run on the CPU. So they do in a study that
      uses none (``plan.uses_gpu``). A limit of 0 that is not for want of GPUs hides them from the steps.
    * After ``kill -9`` the same command goes on (:func:`forget_before_work`). Not so in a workflow that uses this one
      as a module: its ways are its own.
    """
    from snakemake.shell import shell

    with ending():
        limits = workflow.global_resources
        if workflow.resource_settings.nodes is None and "gpu" not in limits:
            there, remark = count_gpus(), gpus.remark()
            # Not in a job of a cluster, which has a process of its own here, and a GPU that it asked for.
            if not uses_gpu(config) and there and workflow.is_main_process:
                there, remark = 0, "no GPU is used: cores train the miniature sooner; --resources gpu=1 to use one"
            limits["gpu"] = there * config["jobs_per_gpu"]
            if workflow.is_main_process and remark:
                print(remark, file=sys.stderr)
        shell.prefix(_literally(_prefix(workflow, config)))
        if workflow.is_main_process and workflow.modifier.is_main_snakefile():
            slurm.cure_status_query()
            check_usable(Path(".snakemake"))
            forget_before_work(workflow)


def look_when_a_job_ends(workflow: Any) -> None:
    """Lift the limit of 100 jobs a second that Snakemake (9.20) has by default; another that was asked for stays.

    Under a limit every look for jobs to begin sets a clock for another look, a second later, and so does that one, as
    long as jobs wait: after n jobs that is n looks a second, at all that waits and its files. In the default run they
    took an eighth of two cores.
    """
    limit = workflow.scheduler.job_rate_limiter
    if limit is not None and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def _prefix(workflow: Any, config: Config) -> str:
    """Return the shell commands that every step's begin with: what the surroundings may hold is not the steps'."""
    if set("{}") & set(str(HERE)):
        raise InputError(f"{HERE}: Snakemake takes braces for wildcards; move or rename the folder")
    python = Path(sys.executable).parent
    exports = fork_server.ENVIRONMENT | {
        JOBS_PER_GPU: str(config["jobs_per_gpu"]),
        decoded_folder.FOLDER: str(_DECODED),
        decoded_folder.GIGABYTES: str(decoded_gigabytes(config)),
        fork_server.WORKFLOW: processes.mark(os.getpid()),
        last_words.STREAM: "3",
    }
    if _starts_warm(workflow):
        exports[fork_server.SOCKET] = str(_SOCKET)
    for path in (exports["PYTHONPATH"], str(python)):
        if os.pathsep in path:
            raise InputError(
                f"{path}: a path with {os.pathsep!r} cannot be in PATH or PYTHONPATH; move or rename the folder"
            )
    limits = workflow.global_resources
    if workflow.resource_settings.nodes is None and "gpu" in limits and limits["gpu"].value == 0:
        exports["CUDA_VISIBLE_DEVICES"] = ""
    settings = [f"{name}={quote(value)}" for name, value in exports.items()]
    if not workflow.deployment_settings.deployment_method:
        settings.append(f"PATH={quote(str(python))}:$PATH")
    # A terminal's Ctrl-C also reaches a step that has not begun: it is ignored there, and passed on later (_interrupt).
    # Where this process ignores it, in the background of a script, it is not the steps' either.
    interruptible = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    settings.append(f"{fork_server.ANSWERS_INTERRUPTION}={int(interruptible) or ''}")
    trap = "trap '' INT; " if interruptible else ""
    return f"{trap}exec 3>&2; set -euo pipefail; unset {' '.join(fork_server.UNSET)}; export {' '.join(settings)}; "


def _literally(text: str) -> str:
    """Return ``text`` as a pattern of Snakemake's formatting that yields it: a folder's name may hold braces."""
    return text.replace("{", "{{").replace("}", "}}")


def _starts_warm(workflow: Any) -> bool:
    """Whether this process's steps run here, in this environment; a cluster job's steps belong to another process.

    On a cluster these are the short steps that stay on the submitting machine: inside a job, a warm process would
    escape the job's allocation.
    """
    return workflow.is_main_process and not workflow.deployment_settings.deployment_method


def configured(
    config: Config, files: Iterable[str | Path], given: Iterable[str | Path] = (), is_module: bool = False
) -> tuple[Config, dict[str, Model]]:
    """Return the checked config and the models it names; a mistake in it ends the program with one line.

    ``files``: the config files that it was read from; ``given``: those of the command line, which change what the
    others say, in their order. ``is_module``: another workflow's files, in which it may write numbers as it likes.
    """
    with ending():
        full = checked_config(config, files, given, is_module)
        return full, models(full)


def checked_config(
    config: Config, files: Iterable[str | Path], given: Iterable[str | Path] = (), is_module: bool = False
) -> Config:
    """Return the checked config, as :func:`configured`; InputError for a mistake in it."""
    later = [Path(file) for file in given]
    earlier = [path for file in files if (path := Path(file)) not in later]
    if not is_module:
        refuse_traps([*earlier, *later])
    return checked(emptied(config, [*earlier, *later], STUDIES), SCHEMA)


def seen(workflow: Any, config: Config, listed: dict[str, Model]) -> own_copies.Seen:
    """Return what the user's own data and weights are now; a mistake in them ends the program with one line.

    Only the main process looks: the others belong to a run that has begun.
    """
    with ending():
        return own_copies.look(config, listed, again=workflow.is_main_process)


def count_gpus() -> int:
    """GPUs this process may use, without importing torch."""
    return gpus.count()


def cores(workflow: Any, wanted: int, gpus_per_job: int = 1) -> int:
    """Cores for each of the jobs that use a GPU: ``wanted``, or fewer, so that none of the GPUs waits for cores.

    Without a GPU it is ``wanted`` or all there are, and on a cluster ``wanted``. It changes no result: beside a GPU,
    cores only read images.
    """
    granted = workflow.global_resources["_cores"].value  # workflow.cores raises where the command runs no job
    if workflow.resource_settings.nodes is not None or granted is None:
        return wanted
    at_once = max(1, int(workflow.global_resources["gpu"].value) // gpus_per_job)
    return max(1, min(wanted, int(granted) // at_once))


def gpus_per_training(workflow: Any, config: Config) -> int:
    """GPUs that train one model together: those that the config wants, and on this machine no more than there are.

    Snakemake, which scales a request down to what there is, counts places: a GPU that jobs share is several. A job of a
    cluster has a process of its own, and what it asked for.
    """
    wanted = int(config["gpus_per_training"])
    if workflow.resource_settings.nodes is not None or not workflow.is_main_process:
        return wanted
    return max(1, min(wanted, count_gpus()))


def training_processes(resources: Any, gpus_per_training: int) -> int:
    """Processes in which a job trains: one for each GPU that it asks for, as ``gpu`` or, on some clusters, ``gres``.

    The program ends with one line where ``gres`` asks for another number than the config's.
    """
    gres = str(resources.get("gres", ""))
    if not re.match("gpu(:|$)", gres):
        return max(1, int(resources.get("gpu", 1)))
    number = re.search(r":([0-9]+)$", gres)
    asked = int(number[1]) if number else 1
    if asked != gpus_per_training:
        sys.exit(
            f"error: rule train: gres {gres!r} asks for {asked} GPU(s) and gpus_per_training is {gpus_per_training}; "
            f'write gres: "gpu:{gpus_per_training}" under train in the profile'
        )
    return asked


def forget_before_work(workflow: Any) -> None:
    """Put away what a killed run left as soon as it is known whether jobs will run, which is after the Snakefile.

    Before jobs, stale locks are removed and SLURM jobs of the dead run cancelled; a command that runs none (a dry run,
    --summary, --report) changes nothing. Half-made outputs are then made again: Snakemake's option --rerun-incomplete,
    whose settings are there only now.
    """
    prepare_dag = workflow._prepare_dag

    def prepared(*arguments: Any, **named: Any) -> Any:
        works = workflow.executor_plugin is not None and not workflow.dryrun
        with ending():
            if forget_killed_run(Path(".snakemake"), only_looks=not works):
                workflow.dag_settings.force_incomplete = True
            if works and workflow.resource_settings.nodes is not None:
                slurm.note_submissions(Path.cwd())
        return prepare_dag(*arguments, **named)

    workflow._prepare_dag = prepared


def start(workflow: Any) -> None:
    """Start the clock, and the process that steps are forked from (:mod:`tradeoffs.runner.fork_server`).

    What the code means was read for the plan: the steps need not read it again.
    """
    code_id.keep()
    if _starts_warm(workflow) and (warm := fork_server.start(_SOCKET)) is not None:
        atexit.register(_end_warm, warm)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    look_when_a_job_ends(workflow)
    _clock.append(time.time())


def _end_warm(warm: subprocess.Popen[bytes]) -> None:
    """End the warm process, which would end by itself unless it hangs, and remove its socket."""
    warm.kill()
    with suppress(OSError, subprocess.TimeoutExpired):
        warm.wait(1)  # it may have been about to make the socket
        _SOCKET.unlink(missing_ok=True)


def started() -> float | None:
    """Return when the jobs began, in seconds as of ``time.time``; None where they did not."""
    return _clock[-1] if _clock else None


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the steps too: Snakemake waits for them, and only a terminal sends its Ctrl-C to all of them."""
    threading.Thread(target=_interrupt_steps, daemon=True).start()
    raise KeyboardInterrupt


def _interrupt_steps() -> None:
    """Interrupt every step of this process, those included that start meanwhile, until this process ends.

    Again and again: one that starts is deaf, one that has heard puts away its files undisturbed. Steps only: what ends
    jobs on a cluster is a child of this process too. The warm process pays no attention.
    """
    while True:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                words = pairwise(process.cmdline())
                if any((flag, module.partition(".")[0]) == ("-m", "tradeoffs") for flag, module in words):
                    process.send_signal(signal.SIGINT)
        time.sleep(0.2)


def end(workflow: Any) -> None:
    """After a failed or interrupted run: leave no SLURM job behind, not even one submitted during the interruption."""
    if workflow.resource_settings.nodes is not None:
        try:
            if not others_work(Path(".snakemake")):  # whose jobs they may be
                slurm.cancel_left_jobs(Path.cwd())
        except InputError as error:
            print(f"warning: {error}", file=sys.stderr)


# Of what comes before trainings: what can be evaluated is, and what that needs is made. Hundreds of evaluations that
# wait would be looked at anew, with all their files, whenever Snakemake begins a job.
FIRST = 10_000_000


def training_priority(model: Model) -> int:
    """Relative length of a training: images x epochs x (one step + its attack steps); below FIRST."""
    spec = model.spec
    passes = 1 + (spec["attack_steps"] if model.norm != "none" else 0)
    return min(FIRST - 1, int((spec["images"] or imagenet_sizes.TRAIN) * spec["epochs"] * passes / 1000))
