"""Training as a user meets it: the command, an interruption, a stale checkpoint, a divergence."""

import hashlib
import json
import re
import signal
import subprocess
import sys
import time

import pytest
import torch

from tradeoffs.models.networks import build
from tradeoffs.runner import commands
from tradeoffs.training import loop, train
from tradeoffs.training.data import read_split
from tradeoffs.training.monitoring import evaluate, ten_steps
from tradeoffs.training.settings import Settings

CPU = torch.device("cpu")
FULL = [
    torch.OutOfMemoryError("CUDA out of memory"),
    torch.AcceleratorError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]


def command(spec, data, folder, checkpoint=None):
    arguments = ["--spec", json.dumps(spec), "--data", str(data)]
    arguments += ["--weights", str(folder / "weights.pt"), "--card", str(folder / "card.json")]
    return arguments + (["--checkpoint", str(checkpoint)] if checkpoint else [])


def run(*arguments):
    assert commands.main(["train", *map(str, arguments)]) == 0


@pytest.fixture(scope="module")
def data(miniature):
    return miniature / "imagenet"


@pytest.mark.parametrize(("norm", "epsilon"), [("none", 0), ("linf", 0.03), ("l2", 0.5)])
def test_weights_and_card(tmp_path, data, training, norm, epsilon):
    spec = training | {"norm": norm, "epsilon": epsilon, "epochs": 3}
    run(*command(spec, data, tmp_path, tmp_path / "checkpoint.pt"))
    state = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert all(isinstance(tensor, torch.Tensor) and torch.isfinite(tensor).all() for tensor in state.values())
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["spec"] == spec
    assert [row["epoch"] for row in card["history"]] == [1, 2, 3]
    assert card["history"][-1]["loss"] < card["history"][0]["loss"]
    assert not (tmp_path / "checkpoint.pt").exists()
    # The weights do what the card says.
    network = build("basic", 10)
    network.load_state_dict(state)
    _, validation = train.sources(Settings(**spec), data, CPU)
    assert evaluate(network, validation, 7) == pytest.approx(card["history"][-1]["validation_accuracy"])
    assert card["weights_sha256"] == hashlib.sha256((tmp_path / "weights.pt").read_bytes()).hexdigest()


def test_without_momentum_it_is_plain_gradient_descent(data, training):
    spec = training | {"momentum": 0, "epochs": 2}
    _, history = loop.train(Settings(**spec), *train.sources(Settings(**spec), data, CPU), CPU)
    assert len(history) == 2


def test_adversarial_training_makes_the_network_more_robust(data, training):
    split, validation = train.sources(Settings(**training), data, CPU)
    ((x, labels),) = split.batches([torch.arange(split.size)], 0)

    def robust(norm, epsilon):
        spec = training | {"norm": norm, "epsilon": epsilon, "epochs": 30}
        network, _ = loop.train(Settings(**spec), split, validation, CPU)
        attacked = training | {"norm": "l2", "epsilon": 1.5}
        return ten_steps(network, x, labels, Settings(**attacked), torch.Generator().manual_seed(0))

    assert robust("l2", 0.7) > robust("none", 0) + 0.3


def start(spec, data, folder, checkpoint, steps):
    """Start the command and wait until it has kept its state within an epoch, ``steps`` steps on."""
    arguments = [*command(spec, data, folder, checkpoint), "--checkpoint-minutes", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tradeoffs", "train", *arguments], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline and done(checkpoint, spec) < steps:
        time.sleep(0.01)
    return process


def done(checkpoint, spec):
    """Steps done in a checkpoint, 0 unless it was left within an epoch."""
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True)
    within = state.get("step", 0)
    return len(state["history"]) * spec["images"] // spec["batch_size"] + within if within else 0


def test_terminated_then_killed_within_an_epoch_it_ends_with_the_same_weights(tmp_path, data, training):
    spec = training | {"norm": "linf", "epsilon": 0.03, "epochs": 6, "batch_size": 2}
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    run(*command(spec, data, undisturbed))
    checkpoint = disturbed / "checkpoint.pt"

    process = start(spec, data, disturbed, checkpoint, 1)
    process.terminate()
    _, error = process.communicate(timeout=60)
    assert process.returncode == 143
    assert re.fullmatch(rf"stopped by SIGTERM in epoch \d+ of 6, after step \d+ of 30; {checkpoint} .*", last(error))
    terminated_at = done(checkpoint, spec)

    process = start(spec, data, disturbed, checkpoint, terminated_at + 40)
    process.kill()
    _, error = process.communicate(timeout=60)
    assert re.search(r"resuming in epoch \d+, after step \d+$", error, re.MULTILINE)
    assert process.returncode == -signal.SIGKILL
    assert not (disturbed / "weights.pt").exists()

    run(*command(spec, data, disturbed, checkpoint))
    states = [torch.load(folder / "weights.pt", weights_only=True) for folder in (undisturbed, disturbed)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    histories = [json.loads((folder / "card.json").read_text())["history"] for folder in (undisturbed, disturbed)]
    assert histories[0] == histories[1]
    assert not checkpoint.exists()


def last(text):
    return text.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 100}, r"error: training diverged in epoch [0-9]+: .*; lower learning_rate .*"),
    ],
)
def test_an_unsound_model_is_one_line_and_no_weights(capsys, tmp_path, data, training, change, message):
    folder = tmp_path / "out"
    assert commands.main(["train", *command(training | change, data, folder)]) == 2
    assert re.fullmatch(message, last(capsys.readouterr().err))
    assert not folder.exists()


@pytest.mark.parametrize("where", ["perturb", "evaluate", "start"])
@pytest.mark.parametrize("error", FULL, ids=["allocator", "CUDA", "cuBLAS"])
def test_a_gpu_too_small_is_one_line_with_the_cure(monkeypatch, capsys, tmp_path, data, training, where, error):
    def full(*arguments):
        raise error

    monkeypatch.setattr(loop, where, full)
    spec = training | {"norm": "linf", "epsilon": 0.03, "epochs": 1}
    assert commands.main(["train", *command(spec, data, tmp_path / "out")]) == 2
    assert "GPU out of memory with 10 images in 1 process(es); lower batch_size" in last(capsys.readouterr().err)


def test_a_last_batch_that_the_network_cannot_take_is_refused_before_the_first_step(capsys, tmp_path, data, training):
    spec = training | {"image_size": 8, "batch_size": 59}
    assert commands.main(["train", *command(spec, data, tmp_path / "out")]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "holds 1 images of 8x8 pixels" in said


def test_a_network_that_has_not_learned_is_flagged_in_its_card(tmp_path, data, training):
    run(*command(training | {"learning_rate": 1e-9, "epochs": 1}, data, tmp_path))
    (warning,) = json.loads((tmp_path / "card.json").read_text())["warnings"]
    assert re.match(r"has not learned: validation accuracy 0\.\d+, chance is 0\.100", warning)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm": "l7", "epsilon": 1}, "--spec: norm = 'l7'; expected one of none, l1, l2, linf"),
        ({"norm": "linf", "epsilon": 8}, "expected a budget in pixel values of [0, 1], 0.03137 if it is one in 1/255"),
        ({"images": 100_000}, "images = 100000"),
        ({"architecture": "vgg"}, "architecture: 'vgg' is unknown"),
        ({"epochs": "3"}, "epochs = '3'; expected int"),
        ({"augmentation": "cutout"}, "augmentation = 'cutout'"),
        ({"schedule": "cosine"}, "schedule = 'cosine'"),
        ({"epochs": 0}, "epochs = 0; expected a whole number from 1"),
        ({"batch_size": 0}, "batch_size = 0; expected a whole number from 1"),
        ({"monitor_images": 0}, "monitor_images = 0; expected a whole number from 1"),
        ({"images": 0}, "images = 0; expected a whole number from 1"),
        ({"seed": -1}, "seed = -1; expected a whole number from 0 to"),
        ({"seed": 10**20}, f"seed = {10**20}; expected a whole number from 0 to"),
        ({"momentum": -1}, "momentum = -1; expected a number from 0 to below 1"),
        ({"momentum": 1}, "momentum = 1; expected a number from 0 to below 1"),
        ({"weight_decay": -1}, "weight_decay = -1; expected a number from 0"),
        ({"learning_rate": 0}, "learning_rate = 0; expected a number above 0"),
        ({"attack_step_size": -1}, "attack_step_size = -1; expected a number above 0"),
        ({"attack_warm_up": 2}, "attack_warm_up = 2; expected a number from 0 to 1"),
        *(
            ({name: value}, f"{name} = {value}; expected a number")
            for name, value in (
                *(("learning_rate", 1e39), ("weight_decay", 1e300)),
                *(("attack_step_size", 1e300), ("trades_beta", 1e300)),
            )
        ),
        ({"image_size": 10**6}, "image_size = 1000000; expected a whole number from 1 to 4,096"),
        ({"norm": "l2", "epsilon": 1e300}, "epsilon = 1e+300 with norm l2; expected a number up to 1000"),
        ({"norm": "l1", "epsilon": 1e300}, "epsilon = 1e+300 with norm l1; expected a number up to 1e+06"),
        ({"epoch": 3}, "unknown key 'epoch'"),
    ],
)
def test_bad_settings_are_one_line_and_leave_nothing_behind(capsys, tmp_path, data, training, change, message):
    folder = tmp_path / "out"
    assert commands.main(["train", *command(training | change, data, folder)]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert not folder.exists()


def test_the_same_share_of_every_class_is_used(data):
    split = read_split(data, "train", 30)
    assert torch.from_numpy(split.labels).bincount().tolist() == [3] * split.classes
    assert len(read_split(data, "train", None).labels) == 60
