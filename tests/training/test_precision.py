"""bfloat16, as GPUs train in: proven on the CPU, which autocasts by the same rules. A CPU itself trains in float32."""

from pathlib import Path

import pytest
import torch

from small_world import TRAINING
from tradeoffs.compute.precision import autocast
from tradeoffs.models.networks import build
from tradeoffs.training import attack, loop
from tradeoffs.training.settings import Settings
from tradeoffs.training.train import sources

CPU = torch.device("cpu")


@pytest.fixture
def in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (attack, loop):
        monkeypatch.setattr(module, "autocast", lambda device: torch.autocast(device.type, torch.bfloat16))


def test_a_cpu_computes_in_float32() -> None:
    linear, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with autocast(CPU):
        assert linear(x).dtype == torch.float32


@pytest.mark.usefixtures("in_bfloat16")
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_attacked_images_stay_float32_and_in_the_ball(norm: str) -> None:
    network = build("basic", 10)
    x = torch.rand(8, 3, 32, 32)
    changes = {"norm": norm, "epsilon": 0.25, "attack_steps": 3, "attack_step_size": 1.0}
    settings = Settings(**TRAINING | changes)
    attacked = attack.perturb(network, x, torch.arange(8), settings, torch.Generator().manual_seed(0))
    assert attacked.dtype == torch.float32
    order = 2 if norm == "l2" else torch.inf
    distances = torch.linalg.vector_norm((attacked - x).flatten(1), order, dim=1)
    assert distances.max() <= 0.25 * (1 + 1e-5)
    assert distances.min() > 0.1
    assert attacked.min() >= 0
    assert attacked.max() <= 1


@pytest.mark.usefixtures("in_bfloat16")
def test_weights_stay_float32_and_learn_as_in_float32(miniature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sources(Settings(**TRAINING), miniature / "imagenet", CPU)
    network, history = loop.train(Settings(**TRAINING), *data, CPU)
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float32}
    monkeypatch.undo()
    _, float32 = loop.train(Settings(**TRAINING), *data, CPU)
    assert history[0]["loss"] == pytest.approx(float32[0]["loss"], rel=0.05)  # later, rounding has led elsewhere
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert history[-1] != float32[-1]
