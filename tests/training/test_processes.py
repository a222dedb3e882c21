"""One model trained by two processes is the model that one process trains."""

import json
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
import warnings

import psutil
import pytest
import torch
from torch import nn
from torchvision.ops import StochasticDepth

from small_world import TRAINING
from tradeoffs.compute import members as members_of
from tradeoffs.runner import commands
from tradeoffs.step.errors import InputError
from tradeoffs.training import launcher, loop, processes
from tradeoffs.training.launcher import _environments
from tradeoffs.training.processes import (
    ALONE,
    LOST,
    GlobalBatchNorm,
    Group,
    LostError,
    join,
    leave,
    see_one_gpu,
    share_batch_statistics,
    together,
)
from tradeoffs.training.settings import Settings
from tradeoffs.training.train import sources

CPU = torch.device("cpu")


CHANGES = [
    {"norm": "none", "augmentation": "crop_flip", "batch_size": 16},  # 60 images: the last batch holds 12
    {"norm": "l2", "epsilon": 0.5, "attack_steps": 2, "batch_size": 19},  # the last batch holds 3: unequal shares
    {"norm": "linf", "epsilon": 0.03, "architecture": "bottleneck", "batch_size": 16},
]


def train(specs, data, out, group=ALONE):
    """Train in double precision, where rounding cannot hide a mistake; the first process writes what it has."""

    def doubled(source):
        def batches(parts, epoch):
            return ((x.double(), labels) for x, labels in source.batches(parts, epoch))

        return source._replace(batches=batches)

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        results = []
        for spec in specs:
            network, history = loop.train(
                Settings(**spec), *map(doubled, sources(Settings(**spec), data, CPU)), CPU, group=group
            )
            results.append({"network": network.state_dict(), "history": history})
    finally:
        torch.set_default_dtype(before)
    if group.rank == 0:
        torch.save(results, out)


def member(environment, specs, data, out):
    os.environ.update(environment)
    group = join(CPU)
    train(specs, data, out, group)
    leave(group)


@pytest.fixture(scope="module")
def trained(miniature, tmp_path_factory):
    """What one process and what two made of every spec."""
    specs = [TRAINING | {"epochs": 2} | change for change in CHANGES]
    one, two = (tmp_path_factory.mktemp("double") / f"{count}.pt" for count in (1, 2))
    data = miniature / "imagenet"
    train(specs, data, one)
    fork = multiprocessing.get_context("fork")  # torch is imported already, which takes seconds
    members = [fork.Process(target=member, args=(place, specs, data, two)) for place in _environments(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons: forking where there are threads
        for process in members:
            process.start()
    for process in members:
        process.join(120)
    assert [process.exitcode for process in members] == [0, 0]
    return list(zip(*(torch.load(out, weights_only=True) for out in (one, two)), strict=True))


@pytest.mark.parametrize("number", range(len(CHANGES)), ids=[change["norm"] for change in CHANGES])
def test_two_processes_train_the_model_of_one(trained, number):
    alone, together = trained[number]
    for name, weight in alone["network"].items():
        torch.testing.assert_close(together["network"][name], weight, rtol=1e-7, atol=1e-9, msg=name)
    for one, two in zip(alone["history"], together["history"], strict=True):
        assert two == pytest.approx(one, rel=1e-6)


@pytest.fixture
def run(monkeypatch):
    """Return a function that runs the command in this process, which starts the two."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)}

    def run(spec, data, out, *more):
        options = ["--spec", json.dumps(spec), "--data", str(data), "--processes", "2"]
        files = ["--weights", str(out / "weights.pt"), "--card", str(out / "card.json")]
        with pytest.raises(SystemExit) as end:
            commands.main(["train", *options, *files, *more])
        return end.value.code

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_command_trains_in_two_processes_that_stop_and_go_on_together(miniature, training, tmp_path, run, capfd):
    data, checkpoint = miniature / "imagenet", tmp_path / "checkpoint.pt"
    spec = training | {"epochs": 25}

    def terminate():
        while not checkpoint.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)  # the launcher, which is this process, passes it on

    threading.Thread(target=terminate, daemon=True).start()
    assert run(spec, data, tmp_path, "--checkpoint", str(checkpoint)) == 143
    assert "stopped by SIGTERM in epoch" in capfd.readouterr().err
    assert not (tmp_path / "card.json").exists()
    assert run(spec, data, tmp_path, "--checkpoint", str(checkpoint)) == 0
    assert "resuming in epoch" in capfd.readouterr().err
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["processes"] == 2
    assert [row["epoch"] for row in card["history"]] == list(range(1, 26))
    assert all(tensor.isfinite().all() for tensor in torch.load(tmp_path / "weights.pt", weights_only=True).values())


def test_a_fault_that_only_the_second_process_meets_ends_both_with_one_line(copy_of, training, tmp_path, run, capfd):
    data = copy_of("imagenet")
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    damaged = sorted((data / "train").rglob("*.JPEG"))[order[-1]]
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert run(training | {"augmentation": "crop_flip", "batch_size": 60}, data, tmp_path / "out") == 2
    error = capfd.readouterr().err
    assert re.search(rf"^error: .*{damaged.name}: unreadable image", error, re.MULTILINE), error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_processes_whose_launcher_was_killed_before_they_met_write_nothing(miniature, training, tmp_path):
    command = [sys.executable, "-m", "tradeoffs", "train", "--processes", "2", "--spec", json.dumps(training)]
    command += ["--data", str(miniature / "imagenet")]
    command += ["--weights", str(tmp_path / "weights.pt"), "--card", str(tmp_path / "card.json")]
    launcher = psutil.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    while len(members := launcher.children()) < 2:
        assert launcher.is_running()
        time.sleep(0.01)
    launcher.kill()
    launcher.wait()
    _, alive = psutil.wait_procs(members, timeout=60)
    assert not alive
    assert not list(tmp_path.iterdir())


def test_batches_too_small_to_share_are_refused(miniature, training):
    spec = training | {"batch_size": 59}
    with pytest.raises(InputError, match="the last of 2 batches holds 1 images; change batch_size"):
        loop.train(Settings(**spec), *sources(Settings(**spec), miniature / "imagenet", CPU), CPU, group=Group(0, 2))


@pytest.fixture
def members(monkeypatch, tmp_path):
    """Return a function that launches processes which, in the order of their ranks, do what shell commands say."""
    monkeypatch.setattr(launcher, "_GRACE", 0.5)
    script = tmp_path / "member"
    monkeypatch.setattr(sys, "executable", str(script))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)}

    def launch(*commands):
        cases = "".join(f"{rank}) {command};;\n" for rank, command in enumerate(commands))
        script.write_text(f"#!/bin/bash\ncase $RANK in\n{cases}esac\n")
        script.chmod(0o755)
        return launcher.launch(len(commands), "{}", {})

    yield launch
    for number, handler in before.items():
        signal.signal(number, handler)


HANGS = "exec sleep 600"
LOSES = f"sleep 0.3; exit {LOST}"


@pytest.mark.parametrize(
    ("commands", "code", "said"),
    [
        ([HANGS, "echo 'progress' >&2; echo 'error: a.JPEG: unreadable' >&2; exit 2"], 2, "error: a.JPEG: unreadable"),
        ([LOSES, "echo 'error: full' >&2; exit 2"], 2, "error: full"),
        ([LOSES, LOSES, "echo 'error: third' >&2; exit 2"], 2, "error: third"),
        (["sleep 0.5; kill -ABRT $$", "echo 'error: second' >&2; exit 2"], 2, "error: second"),
        ([HANGS, "kill -KILL $$"], 137, "error: process 2 of 2 was killed by SIGKILL (out of memory?)"),
        ([LOSES, "kill -SEGV $$"], 139, "error: process 2 of 2 was killed by SIGSEGV"),
        (["kill -KILL $$", LOSES], 137, "error: process 1 of 2 was killed by SIGKILL (out of memory?)"),
        ([LOSES, "exit 3"], 3, "error: process 2 of 2 ended with exit code 3 and said nothing"),
        (
            [LOSES, f"exit {LOST}"],
            LOST,
            "error: the processes of this training lost each other, first process 2 of 2; start again",
        ),
        (["sleep 0.3; exit 143", "exit 143"], 143, None),
        (["true", "true"], 0, None),
    ],
)
def test_who_failed_first_is_reported_with_its_own_line(members, capfd, commands, code, said):
    assert members(*commands) == code
    assert capfd.readouterr().err.splitlines() == ([] if said is None else [said])


@pytest.fixture
def of_two(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE = 2 without RANK and MASTER_ADDR and MASTER_PORT; .*unset WORLD_SIZE"),
        ({"WORLD_SIZE": ""}, "WORLD_SIZE = ''; expected a number of processes, or unset it"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE = 'two'; expected"),
    ],
)
def test_variables_of_another_program_are_one_line(monkeypatch, variables, said):
    for name in members_of.NAMES:
        monkeypatch.delenv(name, raising=False)
    assert members_of.world_size() == 1
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=said):
        join(torch.device("cpu"))


@pytest.mark.parametrize("layer", [nn.Dropout(0.2), nn.Dropout2d(0.1), StochasticDepth(0.1, "row")])
def test_layers_that_are_dropped_at_random_are_refused_in_several_processes(layer):
    """Each would draw its own, and none what one process draws."""
    network = nn.Sequential(nn.Conv2d(3, 3, 1), layer)
    assert share_batch_statistics(network, ALONE, torch.device("cpu")) is network
    with pytest.raises(InputError, match=rf"--processes: 1 is a {type(layer).__name__}.*in one process"):
        share_batch_statistics(network, Group(0, 2), torch.device("cpu"))


def test_layers_that_drop_nothing_are_not():
    network = nn.Sequential(nn.Dropout(0.0), nn.BatchNorm2d(3))
    assert share_batch_statistics(network, Group(0, 2), torch.device("cpu")) is network


def test_statistics_of_bfloat16_images_are_in_single_precision(monkeypatch):
    """As torch's own: 1,323 values a channel are 1,320 in bfloat16."""
    monkeypatch.setattr(processes, "_all_reduce", lambda values: None)
    torch.manual_seed(0)
    x = (3 + torch.randn(3, 4, 21, 21)).bfloat16()
    ours, theirs = GlobalBatchNorm(4), nn.BatchNorm2d(4)
    found, expected = ours(x), theirs(x)
    assert found.dtype == expected.dtype
    torch.testing.assert_close(ours.running_mean, theirs.running_mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours.running_var, theirs.running_var, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found, expected)


@pytest.mark.usefixtures("of_two")
@pytest.mark.parametrize(
    "error",
    [
        torch.distributed.DistBackendError("NCCL error in: ProcessGroupNCCL.cpp:1, remote process exited"),
        torch.distributed.DistNetworkError("The client socket has timed out"),
        RuntimeError("[/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:1"),
    ],
    ids=["nccl", "store", "gloo"],
)
def test_whatever_carried_the_messages_a_lost_process_is_one(monkeypatch, error):
    """Also where torch's own batch normalisation sends them."""
    with pytest.raises(LostError), together():
        raise error
    monkeypatch.setenv("WORLD_SIZE", "1")
    with pytest.raises(type(error), match=re.escape(str(error))), together():
        raise error


@pytest.mark.usefixtures("of_two")
@pytest.mark.parametrize("message", ["CUDA out of memory in ProcessGroupNCCL", "expected scalar type Float"])
def test_what_a_process_did_itself_is_no_loss(message):
    with pytest.raises(RuntimeError, match=message), together():
        raise RuntimeError(message)


@pytest.mark.parametrize(
    ("visible", "rank", "expected"), [("4,7", "1", "7"), ("4", "0", "4"), ("", "1", ""), ("4", "1", None)]
)
def test_each_process_sees_its_own_gpu_and_more_processes_than_gpus_are_refused(monkeypatch, visible, rank, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setenv("LOCAL_RANK", rank)
    if expected is None:
        with pytest.raises(InputError, match=r"process 2 of a training has no GPU: it may open 1 .* fewer processes"):
            see_one_gpu()
    else:
        see_one_gpu()
        assert os.environ["CUDA_VISIBLE_DEVICES"] == expected


def test_the_launcher_refuses_more_processes_than_gpus(monkeypatch):
    monkeypatch.setattr(launcher, "gpu_usable", lambda: True)
    monkeypatch.setattr(launcher, "visible_gpus", lambda: ["GPU-1"])
    with pytest.raises(InputError, match="2 GPUs wanted and 1 visible"):
        launcher.launch(2, "{}", {})
