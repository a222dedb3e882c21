"""On a real GPU: what it computes, that it repeats itself, that it waits for nothing, and what happens when it is full.

Run where there is one: ``uv run pytest -n0 -m gpu``. What can be tested without one is, on a pretended GPU
(tests/compute/test_pretended_gpu.py, tests/benchmarks/test_on_a_gpu.py).
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import tradeoffs
from benchmarks.conftest import MODEL, SETS, SMALL
from project_root import ROOT
from small_world import SETTINGS, TRAINING
from tradeoffs.attacks.folding import folded
from tradeoffs.attacks.pgd import pgd
from tradeoffs.attacks.strong import accuracy_curve
from tradeoffs.benchmarks import adversarial, imagenet
from tradeoffs.compute import device as devices
from tradeoffs.compute import lease, precision
from tradeoffs.miniature import folder
from tradeoffs.miniature import imagenet as miniature_imagenet
from tradeoffs.models.networks import load
from tradeoffs.training import loop
from tradeoffs.training.checkpoint import Checkpoint
from tradeoffs.training.loop import StoppedError, train, train_one_epoch
from tradeoffs.training.processes import ALONE
from tradeoffs.training.run import start
from tradeoffs.training.settings import Settings
from tradeoffs.training.train import sources

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
NEVER = Checkpoint(None, "", 0)
SPEC = Settings(**TRAINING | {"norm": "linf", "epsilon": 0.03, "epochs": 2, "attack_steps": 2})


@pytest.fixture(autouse=True)
def _as_a_step_computes():
    with precision.decided(GPU):
        yield


def evaluated(name, weights, root, where):
    benchmark = importlib.import_module(f"tradeoffs.benchmarks.{name}")
    roots = {data: root / data for data in SETS.get(name, [name])}
    settings = benchmark.Settings(**MODEL | SMALL[name])
    return benchmark.evaluate(load(weights, "basic", 10, where), settings, roots, where)


@pytest.mark.parametrize("benchmark", SMALL)
def test_a_benchmark_finds_what_the_cpu_finds_and_the_same_again(miniature, weights, benchmark):
    """Random starts of attacks and noise drawn on the device are others: there, shares agree, not single images."""
    expected, found, again = (evaluated(benchmark, weights, miniature, where) for where in (CPU, GPU, GPU))
    attacks = benchmark in ("adversarial", "shifted_correlation")
    assert found.metrics.keys() == expected.metrics.keys()
    for key, metric in expected.metrics.items():
        assert found.metrics[key] == pytest.approx(metric, rel=1e-3, abs=0.07 if attacks else 1e-3), key
    for key, outcome in found.outcomes.items():
        np.testing.assert_array_equal(outcome, again.outcomes[key])
        if outcome.dtype.kind == "f" and not attacks:
            np.testing.assert_allclose(outcome, expected.outcomes[key], rtol=1e-2, atol=1e-3)
        elif not attacks:
            assert (outcome == np.asarray(expected.outcomes[key])).mean() > 0.98
    assert found.metrics == again.metrics


def weights_of(network):
    return torch.cat([tensor.double().flatten().cpu() for tensor in network.state_dict().values()])


@pytest.mark.parametrize(
    "change",
    [{}, {"norm": "l2", "epsilon": 0.5}, {"norm": "l1", "epsilon": 5}, {"norm": "none", "augmentation": "crop_flip"}],
    ids=lambda change: change.get("norm", "linf"),
)
def test_a_training_learns_what_the_cpu_does_and_the_same_bits_again(miniature, change):
    """The order of the images and an attack's random starts are drawn on the device: no weights are the CPU's."""
    spec = SPEC._replace(**change)
    data = miniature / "imagenet"
    first, second = (train(spec, *sources(spec, data, GPU), GPU) for _ in range(2))
    assert torch.equal(weights_of(first[0]), weights_of(second[0]))
    assert first[1] == second[1]
    expected, history = train(spec, *sources(spec, data, CPU), CPU)
    print(f"{change}: loss {first[1][-1]['loss']:.3f} on the GPU, {history[-1]['loss']:.3f} on the CPU")
    assert first[1][-1]["loss"] == pytest.approx(history[-1]["loss"], rel=0.1)
    exact, _ = train(spec._replace(precision="float32"), *sources(spec, data, GPU), GPU)
    one, other = weights_of(exact), weights_of(expected)
    distance = ((one - other).norm() / other.norm()).item()
    print(f"{change}: float32 on the GPU and the CPU are {distance:.1e} apart, relative to their length")
    assert distance < 0.2


@pytest.mark.parametrize("augmentation", ["none", "crop_flip"])  # images held in memory, and streamed
@pytest.mark.parametrize("norm", ["none", "linf", "l2"])
def test_steps_wait_for_nothing(miniature, augmentation, norm):
    """Between two looks torch refuses every wait of the CPU for the GPU."""
    spec = SPEC._replace(augmentation=augmentation, norm=norm, batch_size=6, attack_warm_up=0.0)
    images = sources(spec, miniature / "imagenet", GPU)[0]
    run = start(spec, images, GPU, NEVER, lambda: False, ALONE)
    train_one_epoch(run, images, 0, None)
    batches = images.batches(list(torch.arange(24, device=GPU).split(6)), 0)
    first = next(batches)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for inputs, targets in [first, *batches]:
            loop.update(run, inputs, targets, len(inputs), spec.epsilon)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_fixed_step_attack_waits_for_nothing(weights):
    x = torch.rand(8, 3, 32, 32, device=GPU)
    network = folded(load(weights, "basic", 10, GPU), x)
    labels = torch.zeros(8, dtype=torch.long, device=GPU)
    generator = torch.Generator(GPU).manual_seed(0)

    def loss(z):
        return torch.nn.functional.cross_entropy(network(z), labels, reduction="none")

    for norm, epsilon in (("linf", 0.03), ("l2", 0.5)):  # in l1 the projection asks how many coordinates moved
        pgd(loss, x, norm=norm, epsilon=epsilon, steps=1, step_size=epsilon, generator=generator)
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
        try:
            pgd(loss, x, norm=norm, epsilon=epsilon, steps=3, step_size=epsilon, generator=generator)
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_a_stopped_training_goes_on_to_the_same_bits(miniature, tmp_path, capsys):
    data, path = miniature / "imagenet", tmp_path / "checkpoint.pt"
    whole, _ = train(SPEC, *sources(SPEC, data, GPU), GPU)
    looks = iter([False] * 9 + [True] * 100)
    with pytest.raises(StoppedError):
        train(
            SPEC,
            *sources(SPEC, data, GPU),
            GPU,
            checkpoint=Checkpoint(path, "k", 1e9),
            asked_to_stop=lambda: next(looks),
        )
    again, _ = train(SPEC, *sources(SPEC, data, GPU), GPU, checkpoint=Checkpoint(path, "k", 1e9))
    assert "resuming in epoch" in capsys.readouterr().err
    assert torch.equal(weights_of(whole), weights_of(again))


# ------------------------------------------------------------------------------------------------------- commands


def command(*words, **variables):
    """Start a step as a user does; its standard error comes back in ``communicate``."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "workflow"), os.environ["PYTHONPATH"]])}
    return subprocess.Popen(
        [sys.executable, "-m", "tradeoffs", *map(str, words)],
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(autouse=True)
def _package(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """Return a world of more images, so that a training lasts."""
    root = tmp_path_factory.mktemp("larger") / "imagenet"
    folder.build(
        root, "imagenet", SETTINGS._replace(images=1000, test_images=200), miniature_imagenet.write, ("test_images",)
    )
    return root


def training_of(data, out, **change):
    out.mkdir(exist_ok=True)
    spec = SPEC._asdict() | {"images": 1000, "batch_size": 32, "epochs": 6, "monitor_images": 100} | change
    files = ["--weights", out / "weights.pt", "--card", out / "card.json", "--checkpoint", out / "checkpoint.pt"]
    return ["train", "--spec", json.dumps(spec), "--data", data, *files, "--checkpoint-minutes", "0.005"]


def test_a_killed_command_goes_on_to_the_same_weights(larger, tmp_path):
    words = training_of(larger, tmp_path / "whole")
    _, said = (whole := command(*words)).communicate()
    assert whole.returncode == 0, said
    words = training_of(larger, tmp_path / "killed")
    first = command(*words)
    path = tmp_path / "killed/checkpoint.pt"
    while not path.is_file() and first.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)
    assert first.poll() is None, first.communicate()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    _, said = (second := command(*words)).communicate()
    assert second.returncode == 0, said
    assert "resuming in epoch" in said
    cards = [json.loads((tmp_path / name / "card.json").read_text()) for name in ("whole", "killed")]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"]
    assert cards[0]["device"] == torch.cuda.get_device_name(GPU)


def test_two_jobs_share_a_gpu_where_that_is_wanted_and_wait_for_each_other_where_not(larger, tmp_path):
    for places, waits in (("2", 0), ("1", 1)):
        out = tmp_path / places
        out.mkdir()
        jobs = [
            command(*training_of(larger, out / name, epochs=2), TRADEOFFS_JOBS_PER_GPU=places) for name in ("a", "b")
        ]
        said = [job.communicate()[1] for job in jobs]
        assert [job.returncode for job in jobs] == [0, 0], said
        assert sum("waiting for 1 of 1 GPUs" in text for text in said) == waits
        weights = [torch.load(out / name / "weights.pt", weights_only=True) for name in ("a", "b")]
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_the_lease_knows_physical_gpus(tmp_path):
    names = devices.visible_gpus()
    assert len(set(names)) == torch.cuda.device_count()
    assert all("index-" not in name for name in names)
    assert lease.take(names, folder=tmp_path) == [0]


# ---------------------------------------------------------------------------------------------------- out of memory


@pytest.fixture
def little_memory():
    """Leave a GPU's process some 300 MB more than it holds."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(GPU).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 300e6) / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.usefixtures("little_memory")
def test_a_batch_that_does_not_fit_is_halved_until_it_does(tmp_path, capfd):
    """250 photographs of 224 px through a ResNet-18: the answers are those of smaller batches."""
    torch.manual_seed(0)
    network = load(_resnet(tmp_path), "resnet18", 10, GPU)
    root = tmp_path / "imagenet"
    folder.build(
        root, "imagenet", SETTINGS._replace(images=60, test_images=300), miniature_imagenet.write, ("test_images",)
    )
    settings = imagenet.Settings(**MODEL | {"architecture": "resnet18", "resize": 224, "crop": 224})
    found = imagenet.evaluate(network, settings, {"imagenet": root}, GPU)
    assert "GPU out of memory with 250 images at once; going on with 125" in capfd.readouterr().err
    torch.cuda.set_per_process_memory_fraction(1.0)
    whole = imagenet.evaluate(network, settings, {"imagenet": root}, GPU)
    assert "out of memory" not in capfd.readouterr().err
    assert found.metrics == whole.metrics


def _resnet(tmp_path: Path) -> Path:
    from tradeoffs.models.networks import build

    torch.save(build("resnet18", 10).state_dict(), tmp_path / "resnet18.pt")
    return tmp_path / "resnet18.pt"


@pytest.mark.usefixtures("little_memory")
def test_an_attack_that_does_not_fit_goes_on_in_parts(tmp_path, capfd):
    root = tmp_path / "imagenet"
    folder.build(
        root, "imagenet", SETTINGS._replace(images=60, test_images=60), miniature_imagenet.write, ("test_images",)
    )
    network = load(_resnet(tmp_path), "resnet18", 10, GPU)
    spec = (
        MODEL
        | {"architecture": "resnet18"}
        | SMALL["adversarial"]
        | {"resize": 224, "crop": 224, "budgets": {"linf": [0.5]}}
    )
    found = adversarial.evaluate(network, adversarial.Settings(**spec), {"imagenet": root}, GPU)
    assert "GPU out of memory with" in capfd.readouterr().err
    torch.cuda.set_per_process_memory_fraction(1.0)
    whole = adversarial.evaluate(network, adversarial.Settings(**spec), {"imagenet": root}, GPU)
    for key, metric in whole.metrics.items():
        assert found.metrics[key] == pytest.approx(metric, abs=0.07), key


@pytest.mark.usefixtures("little_memory")
def test_a_training_that_does_not_fit_is_one_line(larger, tmp_path):
    words = training_of(larger, tmp_path / "out", architecture="resnet50", image_size=224, batch_size=500)
    code = (
        "import torch, sys\ntorch.cuda.set_per_process_memory_fraction(0.02)\n"
        "from tradeoffs.runner import commands\nsys.exit(commands.main(sys.argv[1:]))"
    )
    path = os.pathsep.join([str(ROOT / "workflow"), os.environ["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: GPU out of memory with 500 images in 1 process(es); lower batch_size")
    assert "Traceback" not in done.stderr


# --------------------------------------------------------------------------------------------------------- the call


def test_a_call_takes_the_gpu_by_name(miniature, weights):
    told = {
        "architecture": "basic",
        "classes": 10,
        "study": "miniature",
        "progress": False,
        "settings": SMALL["imagenet"],
    }
    found = tradeoffs.evaluate(weights, "imagenet", miniature / "imagenet", device="cuda", **told)
    expected = tradeoffs.evaluate(weights, "imagenet", miniature / "imagenet", device="cpu", **told)
    assert found.card["device"] == torch.cuda.get_device_name(GPU)
    assert found.card["metrics"] == pytest.approx(expected.card["metrics"], abs=1e-6)


def test_the_strong_attack_is_as_strong_as_on_the_cpu(weights):
    """As many of the examples of one batch withstand it, give or take two."""
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(64, 3, 32, 32, generator=generator)
    counts = []
    for where in (CPU, GPU):
        network = load(weights, "basic", 10, where)
        with torch.no_grad():
            labels = network(x.to(where)).argmax(1)
        curve = accuracy_curve(
            folded(network, x.to(where)),
            x.to(where),
            labels,
            norm="linf",
            epsilons=[0.0, 0.002, 0.005, 0.02],
            steps=10,
            restarts=3,
            generator=torch.Generator(where).manual_seed(0),
            batch_size=64,
        )
        counts.append(curve.sum(1).cpu())
    assert counts[0][0] == counts[1][0] == 64
    assert (counts[0] - counts[1]).abs().max() <= 3, counts
