"""Training takes every path that a GPU takes, without one, and ends where it does on the CPU."""

import json
import os
from contextlib import nullcontext

import pytest
import torch

from pretended_gpu import GPU, OnGpu, pretended_gpu
from small_world import TRAINING
from tradeoffs.attacks import strong
from tradeoffs.compute import device, lease
from tradeoffs.models.networks import load
from tradeoffs.runner import commands
from tradeoffs.step.errors import InputError
from tradeoffs.training import data as training_data
from tradeoffs.training.checkpoint import Checkpoint
from tradeoffs.training.loop import StoppedError, train, train_one_epoch
from tradeoffs.training.processes import ALONE
from tradeoffs.training.run import start
from tradeoffs.training.settings import Settings
from tradeoffs.training.train import sources

CPU = torch.device("cpu")
NEVER = Checkpoint(None, "", 0)
SPEC = Settings(**TRAINING | {"norm": "linf", "epsilon": 0.03, "epochs": 1, "attack_steps": 2})


@pytest.fixture(autouse=True)
def _unchanged():
    yield
    torch.use_deterministic_algorithms(False)


def weights_of(network):
    return {name: getattr(tensor, "held", tensor) for name, tensor in network.state_dict().items()}


def assert_equal(one, other):
    """The same but for rounding (the first convolution's gradient is another kernel), which training amplifies."""
    assert one.keys() == other.keys()
    flat = [torch.cat([tensor.double().flatten() for tensor in state.values()]) for state in (one, other)]
    assert (flat[0] - flat[1]).norm() < 0.01 * flat[1].norm()


@pytest.mark.parametrize("call", [lambda x, y: x + y, lambda x, y: x.numpy(), lambda x, y: y[x.long()]])
def test_it_refuses_what_a_gpu_refuses(call):
    with pretended_gpu():
        x = torch.zeros(2, device=GPU)
        assert (x + 1).device == GPU
        with pytest.raises((RuntimeError, TypeError)):
            call(x, torch.zeros(2))


def test_it_refuses_random_states_of_the_other_device_and_counts():
    with pretended_gpu() as counts:
        with pytest.raises(RuntimeError, match="wrong size"):
            torch.cuda.set_rng_state(torch.get_rng_state())
        with pytest.raises(RuntimeError, match="expected a cuda generator"):
            torch.rand(2, device=GPU, generator=torch.Generator())
        with pytest.raises(RuntimeError, match="expected a cpu generator"):
            torch.rand(2, generator=torch.Generator(GPU))
        x = torch.ones(3).to(GPU)
        assert (counts.copies_to_gpu, counts.waits) == (1, 0)
        assert x.sum().item() == 3
        assert x[x > 0].shape == (3,)
        assert counts.waits >= 2


@pytest.mark.parametrize("change", [{}, {"norm": "l2", "epsilon": 0.5}, {"norm": "none", "augmentation": "crop_flip"}])
def test_a_training_ends_with_the_cpus_weights(miniature, change):
    spec = SPEC._replace(**change)
    expected, history = train(spec, *sources(spec, miniature / "imagenet", CPU), CPU)
    with pretended_gpu():
        network, again = train(spec, *sources(spec, miniature / "imagenet", GPU), GPU)
        assert all(isinstance(tensor, OnGpu) for tensor in network.state_dict().values())
    assert_equal(weights_of(network), weights_of(expected))
    assert again[-1] == pytest.approx(history[-1], rel=0.01, abs=0.051)  # one of 20 images


@pytest.mark.parametrize("augmentation", ["none", "crop_flip"])  # images held in memory, and streamed
def test_steps_wait_for_nothing(miniature, augmentation):
    """More steps cost no more waits, as long as they are fewer than lie between two looks."""

    def waits(batch_size):
        spec = SPEC._replace(batch_size=batch_size, augmentation=augmentation)
        with pretended_gpu() as counts:
            run = start(spec, images := sources(spec, miniature / "imagenet", GPU)[0], GPU, NEVER, lambda: False, ALONE)
            before = counts.waits
            train_one_epoch(run, images, 0, None)
            return counts.waits - before

    assert waits(6) == waits(12) > 0


def on(where):
    return pretended_gpu() if where == GPU else nullcontext()


def stopped(spec, where, path, data):
    looks = iter([False] * 4 + [True] * 100)
    checkpoint = Checkpoint(path, "k", 1e9)
    with pytest.raises(StoppedError):
        train(spec, *sources(spec, data, where), where, checkpoint=checkpoint, asked_to_stop=lambda: next(looks))


def test_a_stopped_training_goes_on_to_the_same_bits(miniature, tmp_path, capsys):
    data, path = miniature / "imagenet", tmp_path / "checkpoint.pt"
    with pretended_gpu():
        whole, _ = train(SPEC, *sources(SPEC, data, GPU), GPU)
        stopped(SPEC, GPU, path, data)
        again, _ = train(SPEC, *sources(SPEC, data, GPU), GPU, checkpoint=Checkpoint(path, "k", 1e9))
    assert "resuming in epoch 1, after step" in capsys.readouterr().err
    assert all(torch.equal(a, b) for a, b in zip(weights_of(whole).values(), weights_of(again).values(), strict=True))


@pytest.mark.parametrize("first", ["cuda", "cpu"])
def test_a_checkpoint_of_the_other_device_is_left_and_said_to_be(miniature, tmp_path, capsys, first):
    data, path = miniature / "imagenet", tmp_path / "checkpoint.pt"
    kept_on, second = (GPU, CPU) if first == "cuda" else (CPU, GPU)
    expected, _ = train(SPEC, *sources(SPEC, data, CPU), CPU)
    with on(kept_on):
        stopped(SPEC, kept_on, path, data)
    capsys.readouterr()
    with on(second):
        checkpoint = Checkpoint(path, "k", 1e9)
        network, _ = train(SPEC, *sources(SPEC, data, second), second, checkpoint=checkpoint)
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "checkpoint" in line] == [
        f"{path}: checkpoint of a training on {first}, and this one is on {second.type}, starting from scratch"
    ]
    assert_equal(weights_of(network), weights_of(expected))


@pytest.fixture
def leased(monkeypatch, tmp_path):
    """Lock files lie in a folder of the test; what a step decides for its process is undone."""
    take = lease.take
    monkeypatch.setattr(lease, "take", lambda gpus: take(gpus, folder=tmp_path))
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    device._gpu.cache_clear()
    yield
    device._gpu.cache_clear()


@pytest.mark.usefixtures("leased")
def test_the_training_command_runs_on_it(miniature, tmp_path, monkeypatch):
    """From the lease to the card, with streamed images, as photographs are."""
    monkeypatch.setattr(training_data, "_LARGEST", 0)
    files = ["--weights", str(tmp_path / "w.pt"), "--card", str(tmp_path / "card.json")]
    options = ["--spec", json.dumps(SPEC._asdict()), "--data", str(miniature / "imagenet")]
    with pretended_gpu():
        assert commands.main(["train", *options, *files]) == 0
    assert json.loads((tmp_path / "card.json").read_text())["device"] == "Pretended GPU"
    assert {type(tensor) for tensor in torch.load(tmp_path / "w.pt", weights_only=True).values()} == {torch.Tensor}


def less_precise():
    """Whatever another library, or the user, may have chosen."""
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("leased")
def test_every_step_that_chooses_a_device_computes_in_float32_and_repeatably():
    less_precise()
    with pretended_gpu():
        assert device.choose_device() == GPU
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn)
    assert {backend.fp32_precision for backend in backends} == {"ieee"}
    assert torch.get_float32_matmul_precision() == "highest"
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "0"
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.backends.cudnn.benchmark


@pytest.mark.usefixtures("leased")
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 MiB"), "GPU out of memory before anything"),
        (torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors"), "GPU out of memory before anything"),
        (RuntimeError("CUDA error: no kernel image is available for execution on the device\nSearch for"), "no kernel"),
        (RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable\nCUDA kernel"), "busy or unavail"),
    ],
)
def test_a_gpu_that_does_not_open_is_one_line(monkeypatch, error, said):
    def refuse(index):
        raise error

    with pretended_gpu():
        monkeypatch.setattr(torch.cuda, "set_device", refuse)
        with pytest.raises(InputError, match=said) as raised:
            device.choose_device()
    assert "\n" not in str(raised.value)


def test_the_strong_attack_asks_a_gpu_once_a_step_what_stands_however_many_leave(weights, miniature):
    """And once whether logits are ordinary: numbers that it needs to know which images go on."""
    steps = 12
    images, _ = sources(Settings(**TRAINING), miniature / "imagenet", CPU)
    x, labels = next(iter(images.batches([torch.arange(40)], 0)))
    found = {}
    for place in (CPU, GPU):
        with pretended_gpu() if place == GPU else nullcontext() as counts:
            network = load(weights, "basic", 10, place)
            generator = torch.Generator(place).manual_seed(0)
            before = counts.waits if counts else 0
            best = strong.attack(
                network, x.to(place), labels.to(place), norm="linf", epsilon=0.02, steps=steps, generator=generator
            )
            found[place] = getattr(best.margins, "held", best.margins)
            if counts:
                assert counts.waits - before <= 2 * (steps + 1)
    fallen = found[CPU] >= 0
    assert fallen.any()
    assert not fallen.all()
    assert torch.allclose(found[GPU], found[CPU], atol=1e-3)
