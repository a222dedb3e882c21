"""Processes on one machine share its GPUs: never more on one than allowed, and no death leaves one taken."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tradeoffs.compute import device, lease, precision
from tradeoffs.step.errors import InputError

GPUS = ["GPU-1111", "GPU-2222"]
# A job: takes its leases, notes the span in which it had them, ends or waits to be killed.
JOB = """
import sys, time
from pathlib import Path
from tradeoffs.compute import lease
folder, gpus, count, seconds = Path(sys.argv[1]), sys.argv[2].split(","), int(sys.argv[3]), float(sys.argv[4])
got = lease.take(gpus, count, folder=folder)
start = time.monotonic()
print("got", ",".join(gpus[i] for i in got), flush=True)
time.sleep(seconds)
print(start, time.monotonic(), flush=True)
"""


def job(folder, gpus=GPUS, count=1, seconds=600.0, jobs_per_gpu=None):
    environment = dict(os.environ)
    environment.pop("TRADEOFFS_JOBS_PER_GPU", None)
    if jobs_per_gpu is not None:
        environment["TRADEOFFS_JOBS_PER_GPU"] = str(jobs_per_gpu)
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(folder), ",".join(gpus), str(count), str(seconds)],
        cwd=Path(lease.__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def started():
    """Return a list of processes that are ended with the test."""
    processes = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def got(process):
    line = process.stdout.readline().split()
    assert line[:1] == ["got"], process.stderr.read()
    return line[1].split(",")


def test_each_job_gets_a_gpu_of_its_own_and_the_next_waits_and_says_so_once(tmp_path, started):
    first, second = job(tmp_path), job(tmp_path)
    started += [first, second]
    assert sorted(got(first) + got(second)) == GPUS
    third = job(tmp_path, seconds=0)
    started.append(third)
    said = third.stderr.readline()
    assert said == "waiting for 1 of 2 GPUs: jobs on this machine use them, 1 at most on each\n"
    assert third.poll() is None
    first.send_signal(signal.SIGKILL)
    out, err = third.communicate(timeout=60)
    assert out.startswith("got GPU-")
    assert err == ""
    assert second.poll() is None


def test_the_lease_of_a_killed_job_with_a_living_child_program_is_free(tmp_path, started):
    """A program that the holder started does not inherit the lease."""
    code = JOB.replace("time.sleep(seconds)", "import subprocess; subprocess.Popen(['sleep', '30']); time.sleep(600)")
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), "GPU-1", "1", "0"],
        cwd=Path(lease.__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert holder.stdout.readline().startswith("got")
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
        deadline = time.monotonic() + 30
        while not children.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        child = int(children.read_text())
        holder.kill()
        holder.wait()
        after = job(tmp_path, ["GPU-1"], seconds=0)
        started.append(after)
        assert got(after) == ["GPU-1"]
        assert Path(f"/proc/{child}").exists()
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.stdout.close()


def test_more_jobs_per_gpu_fill_the_emptiest_first(tmp_path, started):
    for _ in range(4):
        started.append(job(tmp_path, jobs_per_gpu=2))
        last = got(started[-1])
        if len(started) == 1:
            first = last
        if len(started) == 2:
            assert sorted(first + last) == GPUS
    fifth = job(tmp_path, jobs_per_gpu=2)
    started.append(fifth)
    assert "2 at most on each" in fifth.stderr.readline()


def test_a_gpu_without_any_is_taken_before_one_whose_first_job_has_ended(tmp_path, started):
    for gpus in (["GPU-1111"], ["GPU-1111"]):
        started.append(job(tmp_path, gpus, jobs_per_gpu=2))
        got(started[-1])
    started[0].kill()  # the second has the other place
    started[0].communicate()
    for _ in range(2):
        started.append(job(tmp_path, jobs_per_gpu=2))
    assert got(started[2]) == ["GPU-2222"] or got(started[3]) == ["GPU-2222"]


def test_never_more_jobs_on_a_gpu_than_allowed_whatever_order_they_name_them_in(tmp_path, started):
    """Jobs that see different subsets, in different orders, as CUDA_VISIBLE_DEVICES makes them, and need one or two."""
    rng = random.Random(0)
    names = ["A", "B", "C"]
    for _ in range(10):
        seen = rng.sample(names, rng.randint(1, 3))
        started.append(job(tmp_path, seen, count=rng.randint(1, min(2, len(seen))), seconds=0.2))
    spans = []
    for process in started:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        taken, span = out.splitlines()
        begin, end = map(float, span.split())
        spans += [(gpu, begin, end) for gpu in taken.split()[1].split(",")]
    for gpu in names:
        times = sorted((begin, end) for name, begin, end in spans if name == gpu)
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times)), gpu


def test_several_gpus_are_taken_together_or_not_at_all(tmp_path, started):
    holder = job(tmp_path, ["A"])
    started.append(holder)
    got(holder)
    both = job(tmp_path, ["A", "B"], count=2)
    started.append(both)
    both.stderr.readline()
    other = job(tmp_path, ["B"], seconds=0)
    started.append(other)
    assert got(other) == ["B"]  # not held by the one that waits for A
    other.communicate(timeout=60)
    holder.kill()
    assert got(both) == ["A", "B"]


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_what_another_user_puts_in_the_place_of_a_lease_is_named_at_once(tmp_path, make):
    make(tmp_path / "tradeoffs-gpu-GPU-1111-0.lock")
    with pytest.raises(InputError, match=r"tradeoffs-gpu-GPU-1111-0\.lock: is .* remove it, or ask its owner to"):
        lease.take(GPUS, folder=tmp_path)


@pytest.mark.parametrize(("variable", "message"), [("0", "expected a whole number from 1"), ("two", "'two'")])
def test_a_wrong_number_of_jobs_per_gpu_is_refused(tmp_path, monkeypatch, variable, message):
    monkeypatch.setenv("TRADEOFFS_JOBS_PER_GPU", variable)
    with pytest.raises(InputError, match=message):
        lease.take(GPUS, folder=tmp_path)


def test_more_gpus_than_visible_are_refused_instead_of_waited_for(tmp_path):
    with pytest.raises(InputError, match="3 GPUs wanted and 2 visible"):
        lease.take(GPUS, 3, folder=tmp_path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as two users")
def test_users_share_the_lease_whoever_made_the_file(tmp_path, started):
    tmp_path.chmod(0o1777)
    for folder in list(tmp_path.parents)[:3]:
        folder.chmod(folder.stat().st_mode | 0o755)

    def job_of(uid):
        become = "import os, tradeoffs.compute.lease; os.umask(0o77); os.setuid(int(os.environ['UID_WANTED']));"
        process = subprocess.Popen(
            [sys.executable, "-c", become + JOB, str(tmp_path), "A", "1", "600"],
            cwd=Path(lease.__file__).parents[2],
            env=os.environ | {"UID_WANTED": str(uid)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    first = job_of(12345)
    assert got(first) == ["A"]
    second = job_of(23456)
    assert second.stderr.readline().startswith("waiting for 1 of 1 GPUs")
    first.kill()
    assert got(second) == ["A"]


def test_without_a_gpu_nothing_is_leased(monkeypatch):
    monkeypatch.setattr(lease, "take", lambda *_: pytest.fail("a lease was taken"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert device.choose_device() == torch.device("cpu")


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """Make torch see two GPUs, and lock files lie in a folder of the test."""
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: SimpleNamespace(uuid=GPUS[i]))
    monkeypatch.setattr(device, "_open", lambda gpu: chosen.append(gpu.index))
    real = lease.take
    monkeypatch.setattr(lease, "take", lambda gpus: real(gpus, folder=tmp_path))
    monkeypatch.setattr(precision, "decide", lambda device: None)  # for the whole process
    device._gpu.cache_clear()
    yield chosen
    device._gpu.cache_clear()


def test_a_step_computes_on_the_gpu_it_leased_and_leases_one_only(two_gpus, tmp_path, started):
    other = job(tmp_path, GPUS[:1])
    started.append(other)
    got(other)
    assert device.choose_device() == device.choose_device() == torch.device("cuda", 1)
    assert two_gpus == [1]


def test_a_member_of_a_training_on_several_gpus_leaves_the_lease_to_its_launcher(two_gpus, monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(lease, "take", lambda *_: pytest.fail("a lease was taken"))
    assert device.choose_device() == torch.device("cuda", 0)
