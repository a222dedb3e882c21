"""Training as a user meets it: the command, an interruption, a stale checkpoint, a divergence."""

import hashlib
import json
import subprocess
import sys
import time

import pytest
import torch

from tradeoffs import train
from tradeoffs.errors import InputError, exit_code
from tradeoffs.models.networks import build
from tradeoffs.training import loop
from tradeoffs.training.checkpoint import Checkpoint
from tradeoffs.training.data import read_split
from tradeoffs.training.validation import evaluate, ten_steps

CPU = torch.device("cpu")


def command(spec, data, folder, checkpoint=None):
    arguments = ["--spec", json.dumps(spec), "--data", str(data)]
    arguments += ["--weights", str(folder / "weights.pt"), "--card", str(folder / "card.json")]
    return arguments + (["--checkpoint", str(checkpoint)] if checkpoint else [])


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["train", *map(str, arguments)])
    train.main()


@pytest.fixture(scope="module")
def data(miniature):
    return miniature / "imagenet"


@pytest.mark.parametrize(("norm", "epsilon"), [("none", 0), ("linf", 0.03), ("l2", 0.5)])
def test_weights_and_card(monkeypatch, tmp_path, data, training, norm, epsilon):
    spec = training | {"norm": norm, "epsilon": epsilon, "epochs": 3}
    run(monkeypatch, *command(spec, data, tmp_path, tmp_path / "checkpoint.pt"))
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
    _, validation = train.sources(spec, data, CPU)
    assert evaluate(network, validation, 7) == pytest.approx(card["history"][-1]["validation_accuracy"])
    assert card["weights_sha256"] == hashlib.sha256((tmp_path / "weights.pt").read_bytes()).hexdigest()


def test_adversarial_training_makes_the_network_more_robust(data, training):
    split, validation = train.sources(training, data, CPU)
    ((x, labels),) = split.batches([torch.arange(split.size)], 0)

    def robust(norm, epsilon):
        spec = training | {"norm": norm, "epsilon": epsilon, "epochs": 30}
        network, _ = loop.train(spec, split, validation, CPU)
        attacked = training | {"norm": "l2", "epsilon": 0.7}
        return ten_steps(network, x, labels, attacked, torch.Generator().manual_seed(0))

    assert robust("l2", 0.7) > robust("none", 0) + 0.1


def test_a_killed_run_resumes_to_the_same_weights_bit_for_bit(monkeypatch, tmp_path, data, training):
    spec = training | {"norm": "linf", "epsilon": 0.03, "epochs": 40}
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    run(monkeypatch, *command(spec, data, undisturbed))
    checkpoint = disturbed / "checkpoint.pt"
    process = subprocess.Popen(
        [sys.executable, "-m", "tradeoffs.train", *command(spec, data, disturbed, checkpoint)],
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert checkpoint.exists()
    assert not (disturbed / "weights.pt").exists()
    kept = len(torch.load(checkpoint, weights_only=True)["history"])
    assert 0 < kept < 40
    run(monkeypatch, *command(spec, data, disturbed, checkpoint))
    states = [torch.load(folder / "weights.pt", weights_only=True) for folder in (undisturbed, disturbed)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("fault", ["other key", "truncated"])
def test_a_checkpoint_of_something_else_is_never_resumed(tmp_path, capsys, fault):
    path = tmp_path / "checkpoint.pt"
    Checkpoint(path, "this spec, code and data", 0).keep({"history": [{"epoch": 1.0}]})
    assert Checkpoint(path, "this spec, code and data", 0).resume(CPU) is not None
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:1000])
    key = "another" if fault == "other key" else "this spec, code and data"
    assert Checkpoint(path, key, 0).resume(CPU) is None
    assert "starting from scratch" in capsys.readouterr().err


def test_divergence_is_reported_with_its_epoch_and_a_cure(data, training):
    spec = training | {"learning_rate": 1e30, "epochs": 3}
    with pytest.raises(InputError, match=r"diverged in epoch \d+: loss is .*; lower learning_rate"):
        loop.train(spec, *train.sources(spec, data, CPU), CPU)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm": "l7", "epsilon": 1}, "norm: 'l7' is unknown"),
        ({"images": 100_000}, "images = 100000"),
        ({"architecture": "vgg"}, "architecture: 'vgg' is unknown"),
        ({"epochs": "3"}, "epochs = '3'; expected int"),
        ({"augmentation": "cutout"}, "augmentation = 'cutout'"),
        ({"schedule": "cosine"}, "schedule = 'cosine'"),
        ({"epoch": 3}, "unknown key 'epoch'"),
    ],
)
def test_bad_settings_are_one_line_and_leave_nothing_behind(
    monkeypatch, capsys, tmp_path, data, training, change, message
):
    folder = tmp_path / "out"
    monkeypatch.setattr("sys.argv", ["train", *command(training | change, data, folder)])
    assert exit_code(train.main) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert not folder.exists()


def test_the_same_share_of_every_class_is_used(data):
    split = read_split(data, "train", 30)
    assert torch.from_numpy(split.labels).bincount().tolist() == [3] * split.classes
    assert len(read_split(data, "train", None).labels) == 60
