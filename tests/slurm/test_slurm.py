"""The study on a real SLURM: what it asks for, what it survives, and that its results are those of this machine alone.

uv run pytest tests/slurm        (root on Debian; tests/slurm/install.sh first; elsewhere these tests are skipped)
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
import torch
import yaml

from project_root import ROOT, copy_project
from slurm import cluster
from tradeoffs.step.files import read_json

SNAKEMAKE = Path(sys.executable).parent / "snakemake"
PROFILE = "workflow/profiles/slurm/profile.yaml"
MODELS = {
    "basic_standard",
    "basic_linf_eps4",
    "basic_standard_correlation0.9",
    "basic_standard_background_scale1",
}
# All that rests on trainings and evaluations but pictures, which one study on the cluster makes as well.
TABLES = [
    f"results/miniature/{name}.csv" for name in ("summary", "sweeps", "claims", "differences", "regime", "reference")
]
# The shipped profile waits as long as is polite on a shared cluster; here nobody else waits.
HASTE = ["--slurm-init-seconds-before-status-checks=1", "--seconds-between-status-checks=1", "--latency-wait=10"]
PATIENCE = 900  # seconds after which a test gives up waiting, on however busy a machine

pytestmark = pytest.mark.skipif(cluster.obstacle() is not None, reason=str(cluster.obstacle()))


# ------------------------------------------------------------------------------------------------- what the tests use


@pytest.fixture(scope="module")
def slurm():
    """Start a cluster; afterwards nothing of it is left."""
    cluster.up()
    yield
    cluster.down()


@pytest.fixture(autouse=True)
def _healthy(slurm):
    """Every test starts on idle nodes and leaves no job behind."""
    cluster.resume_nodes()
    yield
    left = cluster.ask("squeue", "-h", "-o", "%i %T %k")
    cluster.ask("scancel", "--me")
    assert not left


def clone(folder):
    """Copy what a clone of the repository holds that the workflow needs; the profile edited as a user edits it."""
    folder.mkdir(exist_ok=True)
    copy_project(folder)
    shutil.copy(ROOT / "tests/slurm/study.yaml", folder / "config.yaml")
    text = (folder / PROFILE).read_text()
    for line in ("  # slurm_partition: cpu", "    # slurm_partition: gpu"):
        assert f"\n{line}" in text
        text = text.replace(f"\n{line}", f"\n{line.replace('# ', '')}")
    (folder / PROFILE).write_text(text)
    # The GPUs that this cluster grants are names without a device: what a step would refuse them for is left out.
    device = folder / "workflow/tradeoffs/compute/device.py"
    refusal = "    found = gpus.seen()\n"
    assert device.read_text().count(refusal) == 1
    device.write_text(device.read_text().replace(refusal, "    found = None\n"))
    return folder


def environment():
    """A user's shell on a login node: this environment is not activated."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TRADEOFFS", "OMP", "MKL", "SLURM"))}
    kept["PATH"] = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if Path(p) != SNAKEMAKE.parent)
    return kept | {"CUDA_VISIBLE_DEVICES": ""}


class Run:
    """A Snakemake at work in a folder, its output in a file, never waited for for ever."""

    def __init__(self, folder, *arguments, on_cluster=True):
        self.folder = folder
        self.log = folder / "snakemake.out"
        profile = ["--workflow-profile", str(Path(PROFILE).parent), *HASTE] if on_cluster else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [SNAKEMAKE, *profile, *arguments],
                cwd=folder,
                env=environment(),
                stdout=log,
                stderr=log,
                # Whoever starts these tests in the background has it ignored, and children inherit that.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def finish(self, code=0):
        """Wait for its end, see that it ended as expected, return what all runs in this folder have printed."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"no end after {PATIENCE} s:\n{self.log.read_text()[-3000:]}\n{cluster.ask('squeue')}")
        text = self.log.read_text()
        assert self.process.returncode == code, text[-5000:]
        return text

    def kill(self):
        self.process.kill()
        self.process.wait()


def dry(folder, *arguments, on_cluster=True, profile=Path(PROFILE).parent):
    """Return what a dry run prints."""
    where = ["--workflow-profile", str(profile)] if on_cluster else ["--cores", "2"]
    command = [SNAKEMAKE, *where, "-n", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def soon(condition, what):
    """Wait for a condition, and return its value."""
    found = []
    cluster.wait(lambda: found.append(condition()) or found[-1], what, PATIENCE)
    return found[-1]


def jobs(folder, state="RUNNING"):
    """Ids of the folder's jobs in a state, by what they do (rule and wildcards)."""
    listed = cluster.ask("squeue", "-h", f"--states={state}", "-o", "%i|%k|%Z").splitlines()
    rows = [line.split("|") for line in listed]
    return {what: job for job, what, where in rows if Path(where) == folder}


def accounts(folder):
    """One row per job that was submitted from a folder, as the accounting database has it."""
    fields = ["JobID", "Comment", "State", "AllocTRES", "NodeList", "Start", "End", "Timelimit", "WorkDir"]
    text = cluster.ask("sacct", "-X", "-n", "-P", "--duplicates", "-S", "now-1hour", "-o", ",".join(fields))
    rows = [dict(zip(fields, line.split("|"), strict=True)) for line in text.splitlines()]
    return [row for row in rows if row["WorkDir"] == str(folder)]


def allocated(row):
    """What a job was given, by the name SLURM counts it under."""
    return dict(part.split("=") for part in row["AllocTRES"].split(","))


def seen_devices():
    """What the tasks of each job found in CUDA_VISIBLE_DEVICES."""
    found = defaultdict(set)
    for line in cluster.DEVICES.read_text().splitlines():
        job, _, devices = line.split(" ", 2)
        found[job].add(devices)
    return found


def tables(folder):
    return {path.name: path.read_bytes() for path in (folder / "results/miniature").glob("*.csv")}


def weights(folder):
    return {
        path.parent.name: torch.load(path, weights_only=True)
        for path in (folder / "results/miniature/models").glob("*/weights.pt")
    }


def assert_same_weights(folder, other, names):
    mine, theirs = weights(folder), weights(other)
    assert mine.keys() == names
    for name in names:
        assert all(torch.equal(tensor, theirs[name][key]) for key, tensor in mine[name].items()), name


def assert_whole(folder, local):
    """Every result is there, equals the undisturbed run's, and nothing half-made lies about."""
    assert tables(folder) == tables(local)
    assert_same_weights(folder, local, MODELS)
    assert not list((folder / "results").rglob("checkpoint*"))
    assert not [path for path in (folder / "results").rglob(".*") if path.is_file()]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Return the study as one machine makes it, without SLURM and without pictures."""
    folder = clone(tmp_path_factory.mktemp("local") / "study")
    Run(folder, "--cores", "2", *TABLES, on_cluster=False).finish()
    return folder


# ------------------------------------------------------------------------------------------------------ a run in peace

PROBE = """
include: "Snakefile"
rule probe:
    output: "probe"
    shell: "echo \\"devices: ${{CUDA_VISIBLE_DEVICES:-none}}\\" > {output}"
"""


@pytest.fixture(scope="module")
def finished(slurm, local, tmp_path_factory):
    """Return a whole study from the cluster, with one job of a rule that needs no GPU."""
    folder = clone(tmp_path_factory.mktemp("cluster") / "study")
    (folder / "probe.smk").write_text(PROBE)
    return folder, Run(folder, "-s", "probe.smk", "all", "probe").finish()


def test_results_equal_those_of_one_machine(finished, local):
    folder, _ = finished
    assert_whole(folder, local)


def test_every_gpu_job_holds_and_sees_one_gpu_and_no_other_job_any(finished):
    folder, _ = finished
    rows, devices = accounts(folder), seen_devices()
    assert {row["State"] for row in rows} == {"COMPLETED"}
    kinds = Counter(re.split("_", row["Comment"])[1] for row in rows)
    assert kinds == {"train": 4, "evaluations": 3, "examples": 6, "probe": 1}
    for row in rows:
        if row["Comment"].startswith(("rule_probe", "rule_examples")):
            assert "gres/gpu" not in allocated(row)
            assert row["NodeList"] == "c1"
            assert devices.get(row["JobID"], {""}) == {""}
        else:
            assert (allocated(row)["gres/gpu"], allocated(row)["node"]) == ("1", "1")
            assert devices[row["JobID"]] in ({"0"}, {"1"})


def test_never_more_gpu_jobs_than_gpus(finished):
    """Four trainings are ready at once, and there are three GPUs."""
    folder, _ = finished
    time_of = datetime.fromisoformat
    spans = [(time_of(r["Start"]), time_of(r["End"]), r["NodeList"]) for r in accounts(folder) if r["NodeList"] != "c1"]
    busiest = {}
    for moment, _, _ in spans:
        now = Counter(node for start, end, node in spans if start <= moment < end)
        busiest = {node: max(count, busiest.get(node, 0)) for node, count in (Counter(busiest) | now).items()}
        assert all(now[node] <= cluster.GPU_NODES[node] for node in now)
    assert busiest == cluster.GPU_NODES, "all of them were used"


def test_evaluations_share_a_job_one_after_the_other_and_its_time_is_their_sum(finished):
    folder, _ = finished
    limits = sorted(row["Timelimit"] for row in accounts(folder) if "evaluations" in row["Comment"])
    assert limits == ["01:00:00", "03:00:00", "03:00:00"]  # 2, 6 and 6 evaluations of 30 minutes each


def test_short_steps_are_not_submitted(finished):
    folder, text = finished
    assert len(re.findall("has been submitted with SLURM jobid", text)) == len(accounts(folder)) == 14
    assert len(re.findall("^localrule ", text, re.MULTILINE)) > 20


def test_a_second_submission_does_nothing_nor_does_a_run_without_the_cluster(finished):
    folder, _ = finished
    before = len(accounts(folder))
    assert "Nothing to be done" in Run(folder).finish()
    assert len(accounts(folder)) == before
    assert "Nothing to be done" in dry(folder, on_cluster=False)


def test_a_budget_changed_resubmits_only_what_is_stale(finished):
    folder, _ = finished
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["miniature"]["budgets"]["linf"] = [2]
    (folder / "changed.yaml").write_text(yaml.safe_dump(config))
    text = dry(folder, "--configfile", "changed.yaml")
    stale = set(re.findall(r"output: results/miniature/(?:models|evaluations)/(\S+?)(?:/weights.pt|\.json)", text))
    benchmarks = {"rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet", "adversarial"}
    assert stale == {"basic_linf_eps2", *(f"{benchmark}/basic_linf_eps2" for benchmark in benchmarks)}
    assert "miniature_data" not in text


def test_the_plan_shows_what_would_be_asked_for(local):
    text = dry(local, "--forceall")
    asked = re.findall(r"^ *rule (train|evaluate):\n(?:.*\n)*? *resources: (.*)", text, re.MULTILINE)
    assert Counter(rule for rule, _ in asked) == {"train": 4, "evaluate": 14}
    for rule, resources in asked:
        wanted = {"slurm_partition=gpu", "nodes=1", "gpu=1", "mem_mb=4000", f"runtime={60 if rule == 'train' else 30}"}
        assert wanted <= set(resources.split(", "))


def test_the_profile_works_as_it_is_shipped(local):
    """Unedited it leaves partition and account to the cluster; the profile may lie anywhere."""
    text = dry(local, "--forceall", profile=ROOT / Path(PROFILE).parent)
    assert "gpu=1" in text
    assert "slurm_partition" not in text
    assert "slurm_account" not in text


# ---------------------------------------------------------------------------------------------------- single faults


def work(folder, local):
    """A clone with the data made, in which one training is to be done."""
    clone(folder)
    shutil.copytree(local / "resources", folder / "resources")
    (folder / ".snakemake").mkdir()
    shutil.copytree(local / ".snakemake/metadata", folder / ".snakemake/metadata")
    return folder


def edit_profile(folder, **resources):
    """Give the trainings other resources, in the profile, as a user does."""
    profile = yaml.safe_load((folder / PROFILE).read_text())
    profile["set-resources"]["train"] |= resources
    (folder / PROFILE).write_text(yaml.safe_dump(profile))


def target(model="basic_linf_eps4"):
    return f"results/miniature/models/{model}/weights.pt"


def command_lines():
    """Return the id and command line of every process."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.append((int(path.name), (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
    return found


def processes(folder, module="tradeoffs train"):
    """Ids of the processes that run a step in a folder, with their command lines."""
    found = {}
    for pid, line in command_lines():
        with contextlib.suppress(OSError):
            if f" {module} " in line and "python" in line.split()[0] and Path(f"/proc/{pid}/cwd").resolve() == folder:
                found[pid] = line
    return found


def freeze(folder, model="basic_linf_eps4"):
    """Stop a training once it has a checkpoint, so that it is half done when the fault comes; return its pid."""
    checkpoints = folder / f"results/miniature/models/{model}"
    wanted = f"{model}/weights.pt"

    def training():
        found = [pid for pid, line in processes(folder).items() if wanted in line]
        return found[0] if found and list(checkpoints.glob("checkpoint*")) else None

    pid = soon(training, f"a checkpoint of {model}")
    os.kill(pid, signal.SIGSTOP)
    return pid


def frozen_evaluation(folder):
    """Stop an evaluation, so that its job is not over before the fault comes; return the ids of both."""

    def evaluation():
        for pid in processes(folder, "tradeoffs evaluate"):
            with contextlib.suppress(OSError):
                variables = dict(entry.partition(b"=")[::2] for entry in environ(pid))
                job = variables.get(b"SLURM_JOB_ID", b"").decode()
                if job in jobs(folder).values():
                    os.kill(pid, signal.SIGSTOP)
                    return job, pid
        return None

    return soon(evaluation, "an evaluation to run")


def environ(pid):
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def running(folder):
    """Return the id of the only running job of a folder."""
    (job,) = soon(lambda: list(jobs(folder).values()), f"a running job of {folder}")
    return job


def states(folder):
    return [row["State"] for row in accounts(folder)]


def assert_resumed(folder, local, model="basic_linf_eps4"):
    """The training went on from its checkpoint, and its weights are those of the undisturbed run."""
    assert ": resuming " in (folder / f"logs/miniature/train/{model}.log").read_text()
    assert_same_weights(folder, local, {model})
    assert not list((folder / "results").rglob("checkpoint*"))


def cancel(folder):
    run = Run(folder, target())
    freeze(folder)
    cluster.ask("scancel", running(folder))
    run.finish()
    assert [state.split()[0] for state in states(folder)] == ["CANCELLED", "COMPLETED"]


def over_its_time(folder):
    edit_profile(folder, runtime="1 if attempt == 1 else 30")
    run = Run(folder, target())
    freeze(folder)  # it hangs, so SLURM ends it after a minute
    run.finish()
    assert states(folder) == ["TIMEOUT", "COMPLETED"]


def out_of_memory(folder):
    edit_profile(folder, mem_mb="200 if attempt == 1 else 3000")  # 200 MB hold Snakemake but not torch
    Run(folder, target()).finish()
    first, second = states(folder)
    assert first in ("OUT_OF_MEMORY", "FAILED")
    assert second == "COMPLETED"


def interrupt(folder):
    run = Run(folder, target())
    freeze(folder)
    run.process.send_signal(signal.SIGINT)
    run.finish(code=1)
    assert not jobs(folder)
    assert not processes(folder)
    Run(folder, target()).finish()


def kill(folder):
    run = Run(folder, target())
    pid = freeze(folder)
    orphan = running(folder)
    run.kill()
    dry(folder, target())
    assert running(folder) == orphan, "a dry run changes nothing"
    text = Run(folder, target()).finish()
    assert "cancelling 1 SLURM jobs that an earlier run in this folder left behind" in text
    assert not Path(f"/proc/{pid}").exists()
    assert [state.split()[0] for state in states(folder)] == ["CANCELLED", "COMPLETED"]


FAULTS = [over_its_time, cancel, out_of_memory, interrupt, kill]


@pytest.fixture(scope="module")
def disturbed(slurm, local, tmp_path_factory):
    """Put one training through each fault, each in a folder of its own, as many at a time as there are GPUs."""
    folders = {fault: work(tmp_path_factory.mktemp(fault.__name__) / "study", local) for fault in FAULTS}
    with ThreadPoolExecutor(sum(cluster.GPU_NODES.values())) as pool:
        ends = {fault: pool.submit(fault, folders[fault]) for fault in FAULTS}
    return folders, ends


@pytest.mark.parametrize("fault", FAULTS)
def test_a_training_survives(disturbed, local, fault):
    folders, ends = disturbed
    ends[fault].result()
    if fault is out_of_memory:
        assert_same_weights(folders[fault], local, {"basic_linf_eps4"})
    else:
        assert_resumed(folders[fault], local)


def preempt(job):
    """Have a more urgent job take all GPUs of the node on which a job runs."""
    node = node_of(job)
    wanted = [
        "-p",
        "urgent",
        "--nodes=1",
        f"--gpus={cluster.GPU_NODES[node]}",
        "-w",
        node,
        "-t",
        "1",
        "-o",
        "/dev/null",
    ]
    cluster.ask("sbatch", *wanted, "--wrap", "sleep 2")
    soon(lambda: state_of(job) != "RUNNING", "the job to be preempted")


def node_of(job):
    return cluster.ask("squeue", "-h", "-j", job, "-o", "%N")


def state_of(job):
    return cluster.ask("squeue", "-h", "--states=all", "-j", job, "-o", "%T")


def test_a_training_survives_preemption_whether_slurm_queues_it_again_or_not(local, tmp_path):
    """Some clusters cancel what they preempt (here one job may not be requeued); the plugin would wait for ever."""
    queued_again, cancelled = (work(tmp_path / name, local) for name in ("queued_again", "cancelled"))
    cluster.ask("scontrol", "update", "nodename=g2", "state=drain", "reason=test")  # both on one node
    runs = [Run(folder, target()) for folder in (queued_again, cancelled)]
    for folder in (queued_again, cancelled):
        freeze(folder)
    job = running(queued_again)
    cluster.ask("scontrol", "update", f"jobid={running(cancelled)}", "requeue=0")
    preempt(job)
    cluster.ask("scontrol", "update", "nodename=g2", "state=resume")
    for run in runs:
        run.finish()
    assert {row["JobID"] for row in accounts(queued_again)} == {job}, "SLURM itself ran it again"
    assert states(queued_again)[0] == "PREEMPTED"
    assert states(queued_again)[-1] == "COMPLETED"
    assert states(cancelled) == ["PREEMPTED", "COMPLETED"]
    for folder in (queued_again, cancelled):
        assert_resumed(folder, local)


def test_daemons_may_restart(local, tmp_path):
    """The controller and the accounting database go away and come back while a training runs and ends."""
    folder = work(tmp_path / "study", local)
    run = Run(folder, target())
    pid = freeze(folder)
    for daemons in (["slurmctld"], ["slurmdbd", "mariadbd"]):
        for daemon in daemons:
            cluster.stop(daemon)
        time.sleep(12)  # longer than the plugin's own five attempts last
        for daemon in reversed(daemons):
            cluster.start(daemon)
    os.kill(pid, signal.SIGCONT)
    run.finish()
    assert_same_weights(folder, local, {"basic_linf_eps4"})
    soon(lambda: states(folder) == ["COMPLETED"], "accounting to catch up")


def lose_node(job, task=None):
    """Kill the daemons of a job's node, as a crash of the node does, but not the task; return the node.

    A stopped ``task`` goes on until they have ended: the kernel hangs up on stopped processes that lose their parent.
    """
    node = node_of(job)
    steps = [pid for pid, line in command_lines() if line.startswith(f"slurmstepd: [{job}.")]
    if task is not None:
        os.kill(task, signal.SIGCONT)
    for step in steps:
        os.kill(step, signal.SIGKILL)
    if task is not None:
        cluster.wait(lambda: not any(map(cluster.birth, steps)), f"the daemons of job {job} to end", 10)
        os.kill(task, signal.SIGSTOP)
    cluster.stop(node, signal.SIGKILL)
    return node


def test_a_lost_node_whose_task_lives_on_spoils_nothing(local, tmp_path):
    """SLURM runs the job again elsewhere; the first task, which nobody can end, comes back later and writes too."""
    assert any(comes_back(work(tmp_path / f"study{number}", local), local) for number in range(3))


def comes_back(folder, local):
    """Lose the node of a task and have it come back; False where, seldom, it ended with its node after all."""
    run = Run(folder, target())
    pid = freeze(folder)
    node = lose_node(running(folder), pid)
    try:
        run.finish()
        assert "NODE_FAIL" in states(folder)
        assert_resumed(folder, local)
        if not Path(f"/proc/{pid}").exists():
            return False
        os.kill(pid, signal.SIGCONT)
        soon(lambda: not Path(f"/proc/{pid}").exists(), "the task of the lost node to end")
        assert_same_weights(folder, local, {"basic_linf_eps4"})
        assert "Nothing to be done" in Run(folder, target()).finish()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        cluster.start(node)
    return True


def test_two_gpus_train_one_model_in_one_job_on_one_node(local, tmp_path):
    """No CUDA here, so the two processes compute on the CPU; what SLURM gives them is what GPUs would be given by."""
    folder = work(tmp_path / "study", local)
    Run(folder, target(), "--config", "gpus_per_training=2").finish()
    (job,) = accounts(folder)
    assert (job["State"], job["NodeList"]) == ("COMPLETED", "g1"), "the only node with two"
    assert (allocated(job)["gres/gpu"], allocated(job)["node"]) == ("2", "1")
    assert seen_devices()[job["JobID"]] == {"0,1"}
    card, alone = (read_json(place / target().replace("weights.pt", "card.json")) for place in (folder, local))
    assert (card["processes"], alone["processes"]) == (2, 1)
    # Rounding grows as training goes on, so the first epoch is compared.
    assert card["history"][0]["loss"] == pytest.approx(alone["history"][0]["loss"], rel=1e-3)


# ----------------------------------------------------------------------------------------------- everything in one run


def test_all_faults_in_one_study(local, tmp_path):
    folder = work(tmp_path / "study", local)
    hangs, starves, cancelled = "basic_linf_eps4", "basic_standard_correlation0.9", "basic_standard"
    edit_profile(
        folder,
        runtime=f"1 if attempt == 1 and wildcards.model == '{hangs}' else 30",
        mem_mb=f"200 if attempt == 1 and wildcards.model == '{starves}' else 3000",
    )
    runs = [Run(folder, *TABLES)]
    train = "rule_train_wildcards_miniature_"
    cluster.ask("scancel", soon(lambda: jobs(folder).get(train + cancelled), f"{cancelled} to run"))
    freeze(folder, hangs)
    # A job whose step is being created while the controller is away waits for it for minutes: SLURM's own patience.
    soon(lambda: (folder / target(cancelled)).exists(), f"{cancelled} to be trained at the second attempt")
    for daemon in ("slurmctld", "slurmdbd", "mariadbd"):
        cluster.stop(daemon)
    time.sleep(5)
    for daemon in ("mariadbd", "slurmdbd", "slurmctld"):
        cluster.start(daemon)
    soon(lambda: train + hangs in jobs(folder, "TIMEOUT"), f"{hangs} to be over its time")

    job, task = frozen_evaluation(folder)
    node = lose_node(job)
    with contextlib.suppress(ProcessLookupError):  # it is hung up on, or dies with its node here
        os.kill(task, signal.SIGKILL)
    soon(lambda: "down" in cluster.node_states()[node], "the node to be given up")
    cluster.start(node)
    preempt(frozen_evaluation(folder)[0])
    runs[-1].process.send_signal(signal.SIGINT)
    runs[-1].finish(code=1)
    assert not jobs(folder)
    runs.append(Run(folder, *TABLES))
    soon(lambda: jobs(folder), "a job of the second run")
    runs[-1].kill()
    runs.append(Run(folder, *TABLES))
    runs[-1].finish()
    assert_whole(folder, local)
    assert "Nothing to be done" in Run(folder, *TABLES).finish()
    happened = {state.split()[0] for state in states(folder)}
    assert {"CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "COMPLETED"} <= happened
    assert happened & {"OUT_OF_MEMORY", "FAILED"}
    soon(lambda: not processes(folder), "no step is left")
