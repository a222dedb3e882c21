"""One model trained by two processes is the model that one process trains."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from small_world import TRAINING
from tradeoffs.errors import InputError
from tradeoffs.train import sources
from tradeoffs.training import loop
from tradeoffs.training.distributed import Group
from tradeoffs.training.launcher import _environments

CPU = torch.device("cpu")
SCRIPT = Path(__file__).parent / "double_precision.py"


CHANGES = [
    {"norm": "none", "augmentation": "crop_flip", "batch_size": 16},  # 60 images: the last batch holds 12
    {"norm": "l2", "epsilon": 0.5, "attack_steps": 2, "batch_size": 19},  # the last batch holds 3: unequal shares
    {"norm": "linf", "epsilon": 0.03, "architecture": "bottleneck", "batch_size": 16},
]


def train(specs, data, out, processes):
    """Run the script in this many processes; return what it wrote."""
    environments = _environments(processes) if processes > 1 else [{"OMP_NUM_THREADS": "1"}]
    command = [sys.executable, str(SCRIPT), json.dumps(specs), str(data), str(out)]
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    running = [subprocess.Popen(command, env=os.environ | path | environment) for environment in environments]
    assert [process.wait(120) for process in running] == [0] * processes
    return torch.load(out, weights_only=True)


@pytest.fixture(scope="module")
def trained(miniature, tmp_path_factory):
    """What one process and what two made of every spec."""
    specs = [TRAINING | {"epochs": 2} | change for change in CHANGES]
    folder = tmp_path_factory.mktemp("double")
    alone, together = (train(specs, miniature / "imagenet", folder / f"{count}.pt", count) for count in (1, 2))
    return list(zip(alone, together, strict=True))


@pytest.mark.parametrize("number", range(len(CHANGES)), ids=[change["norm"] for change in CHANGES])
def test_two_processes_train_the_model_of_one(trained, number):
    alone, together = trained[number]
    for name, weight in alone["network"].items():
        torch.testing.assert_close(together["network"][name], weight, rtol=1e-7, atol=1e-9, msg=name)
    for one, two in zip(alone["history"], together["history"], strict=True):
        assert two == pytest.approx(one, rel=1e-6)


def command(spec, data, folder, *options):
    files = ["--weights", str(folder / "weights.pt"), "--card", str(folder / "card.json")]
    return [sys.executable, "-m", "tradeoffs.train", "--spec", json.dumps(spec), "--data", str(data), *files, *options]


def run(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command(*arguments), env=environment, capture_output=True, text=True, timeout=120)


def test_the_command_trains_in_two_processes(miniature, training, tmp_path):
    done = run(training | {"epochs": 1}, miniature / "imagenet", tmp_path, "--processes", "2")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "card.json").read_text())["processes"] == 2
    assert all(tensor.isfinite().all() for tensor in torch.load(tmp_path / "weights.pt", weights_only=True).values())


def test_a_fault_that_only_the_second_process_meets_ends_both_with_one_line(copy_of, training, tmp_path):
    data = copy_of("imagenet")
    spec = training | {"epochs": 1, "augmentation": "crop_flip", "batch_size": 60}
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    damaged = sorted((data / "train").rglob("*.JPEG"))[order[-1]]
    damaged.write_bytes(damaged.read_bytes()[:100])
    done = run(spec, data, tmp_path / "out", "--processes", "2")
    assert done.returncode == 2
    assert re.search(rf"^error: .*{damaged.name}: unreadable image", done.stderr, re.MULTILINE), done.stderr
    assert not (tmp_path / "out").exists()


def test_batches_too_small_to_share_are_refused(miniature, training):
    spec = training | {"batch_size": 59}
    with pytest.raises(InputError, match="the last of 2 batches holds 1 images; change batch_size"):
        loop.train(spec, *sources(spec, miniature / "imagenet", CPU), CPU, group=Group(0, 2))
