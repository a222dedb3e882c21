"""What a GPU gives: forward passes, evaluation from JPEG files, adversarial training, attacks, captured steps.

    python performance/gpu.py [--parts forward files ...] [--network resnet50] [--size 224]

Without Snakemake and with few packages, so that it runs on any machine with a GPU. Parts:

- forward: images/s in float32 (TF32 off) in both layouts and in bfloat16, as a share of the chip's matrix products;
- files: a benchmark's pass from JPEG files on disk, and from the pixels kept of them, as a share of the forward rate of
  the same batch;
- training: a step of 3 attack steps at several batch sizes, beside a plain float32 loop; memory; share of the chip;
- attack: the strong attack (linf 4/255), images/s, by how many images are attacked together;
- unrestricted: a training step without the demand that kernels repeat themselves;
- captured: a step of the miniature's networks as it is, and as a CUDA graph;
- compiled: the passes of a training step by torch.compile.

Medians of rounds; the first call of each is not counted.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engine_peers import forward_operations, installed, machine
from image_reading import write_images
from training_speed import operations, our_step, plain_step

from tradeoffs.attacks.folding import folded
from tradeoffs.attacks.strong import accuracy_curve
from tradeoffs.benchmarks.inference import Passes, over_images
from tradeoffs.compute import precision
from tradeoffs.data import decoded, decoded_folder
from tradeoffs.data.images import Geometry
from tradeoffs.models.networks import build

GPU = torch.device("cuda")


def timed(call: Callable[[], object], rounds: int = 5) -> float:
    """Median seconds of a call, the GPU having finished, after one that is not counted."""
    found = []
    for number in range(rounds + 1):
        torch.cuda.synchronize()
        started = time.perf_counter()
        call()
        torch.cuda.synchronize()
        if number:
            found.append(time.perf_counter() - started)
    return statistics.median(found)


def products(dtype: torch.dtype) -> float:
    """Operations a second of large matrix products."""
    matrix = torch.rand(8192, 8192, device=GPU, dtype=dtype)
    return 2 * 8192**3 / timed(lambda: matrix @ matrix)


def network_of(name: str, classes: int = 1000) -> nn.Module:
    """Return an untrained network on the GPU."""
    torch.manual_seed(0)
    return build(name, classes).to(GPU).eval()


def images_of(count: int, size: int) -> Tensor:
    """Return random images, channels_last."""
    return torch.rand(count, 3, size, size, device=GPU).contiguous(memory_format=torch.channels_last)


def forward(name: str, size: int) -> None:
    """Forward passes."""
    network, x = network_of(name), images_of(250, size)
    rates = {torch.float32: products(torch.float32), torch.bfloat16: products(torch.bfloat16)}
    work = forward_operations(network, x)
    print("\n| forward | images/s | TFLOP/s | share of matrix product |\n|---|---|---|---|")
    with torch.no_grad():
        for layout in (torch.channels_last, torch.contiguous_format):
            laid, put = network.to(memory_format=layout), x.contiguous(memory_format=layout)
            for kind in (torch.float32, torch.bfloat16):
                with torch.autocast("cuda", torch.bfloat16, enabled=kind == torch.bfloat16):
                    taken = timed(partial(laid, put))
                words = f"{kind}".removeprefix("torch.") + (", NCHW" if layout == torch.contiguous_format else "")
                print(
                    f"| {words} | {len(x) / taken:.0f} | {work / taken / 1e12:.1f} | {work / taken / rates[kind]:.0%} |"
                )
    print(f"\nmatrix products: {', '.join(f'{key} {rate / 1e12:.0f} TFLOP/s' for key, rate in rates.items())}")


def files(name: str, size: int) -> None:
    """A pass from JPEG files: 400 different ones, under 6,000 names."""
    cores = len(os.sched_getaffinity(0))
    os.environ["OMP_NUM_THREADS"] = str(cores)
    network = network_of(name)
    x = images_of(250, size)
    with torch.no_grad():
        alone = len(x) / timed(lambda: network(x))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with ProcessPoolExecutor(cores) as pool:
            list(pool.map(_write, [(root / "made" / str(part), 25) for part in range(16)]))
        made = sorted((root / "made").rglob("*.JPEG"))
        for number in range(6000):
            target = root / "val" / f"class{number % 8}" / f"{number}.JPEG"
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(made[number % len(made)], target)
        paths = sorted((root / "val").rglob("*.JPEG"))
        geometry = Geometry(resize=size * 8 // 7, crop=size)
        for what, compute in (("decoding alone", lambda x: x[:, 0, 0, 0]), ("evaluation", network)):
            torch.cuda.synchronize()
            started = time.perf_counter()
            over_images(Passes(GPU), paths, geometry, compute)
            rate = len(paths) / (time.perf_counter() - started)
            print(
                f"{what} from JPEG files, {cores} cores: {rate:.0f} images/s, {rate / alone:.0%} of {alone:.0f} forward"
            )
        os.environ |= {decoded_folder.FOLDER: str(root / "kept"), decoded_folder.GIGABYTES: "10"}
        for what in ("while they are kept", "from what is kept"):
            torch.cuda.synchronize()
            started = time.perf_counter()
            with decoded.kept({root: "the same"}):
                over_images(Passes(GPU), paths, geometry, network)
            rate = len(paths) / (time.perf_counter() - started)
            print(f"evaluation {what}: {rate:.0f} images/s, {rate / alone:.0%} of {alone:.0f} forward")


def _write(task: tuple[Path, int]) -> None:
    task[0].mkdir(parents=True)
    write_images(*task)


def training(name: str, size: int) -> None:
    """Steps of three attack steps."""
    rate = products(torch.bfloat16)
    network = network_of(name)
    steps = 3
    print("\n| batch | ms | images/s | share of bfloat16 products | peak GiB | plain float32, times | peak GiB |")
    print("|---|---|---|---|---|---|---|")
    for batch in (128, 256, 512):
        x = images_of(batch, size)
        labels = torch.arange(batch, device=GPU) % 1000
        torch.cuda.reset_peak_memory_stats()
        taken = timed(our_step(network, x, labels, steps), rounds=4)
        ours = torch.cuda.max_memory_allocated() / 2**30
        work = operations(network, x, labels)[steps]
        ratio, theirs = "", ""
        if batch < 512:
            torch.cuda.reset_peak_memory_stats()
            peers = installed(network.eval())
            peer = peers.get("torchattacks") or next(iter(peers.values()))
            plain = timed(plain_step(network, x, labels, steps, peer), rounds=2)
            ratio, theirs = f"{plain / taken:.2f}", f"{torch.cuda.max_memory_allocated() / 2**30:.1f}"
        share = work / taken / rate
        print(f"| {batch} | {1e3 * taken:.0f} | {batch / taken:.0f} | {share:.0%} | {ours:.1f} | {ratio} | {theirs} |")


def attack(name: str, size: int) -> None:
    """The strong attack by the number of images that are attacked together."""
    network = folded(network_of(name), images_of(2, size))
    for count in (15, 60, 125, 250):
        x = images_of(count, size)
        with torch.no_grad():
            labels = network(x).argmax(1)

        def curve(x: Tensor = x, labels: Tensor = labels) -> object:
            generator = torch.Generator(GPU).manual_seed(0)
            return accuracy_curve(
                network,
                x,
                labels,
                norm="linf",
                epsilons=[0.0, 1e-4, 1e-3, 4 / 255],
                steps=10,
                restarts=3,
                generator=generator,
                batch_size=len(x),
            )

        torch.cuda.reset_peak_memory_stats()
        taken = timed(curve, rounds=1)
        peak = torch.cuda.max_memory_allocated() / 2**30
        print(f"strong attack, {count} together: {count / taken:.1f} images/s, peak {peak:.1f} GiB")


def captured(name: str, size: int) -> None:
    """A step of a small network at batch 64: as it is, as a CUDA graph, and compiled."""
    network, x = network_of(name, 10), images_of(64, size)
    labels = torch.arange(len(x), device=GPU) % 10
    for steps in (0, 1, 3):
        generator = torch.Generator(GPU).manual_seed(0)
        act = our_step(network, x, labels, steps, generator)
        eager = timed(act, rounds=20)
        line = f"{name}, {size} px, batch 64, {steps} attack steps: {1e3 * eager:.2f} ms"
        try:
            line += f", captured {1e3 * timed(replay(act, generator), rounds=20):.2f} ms"
        except Exception as error:  # what cannot be captured says why
            line += f", not captured ({type(error).__name__}: {str(error).splitlines()[0][:150]})"
        print(line)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
        act()
        torch.cuda.synchronize()
    busy = sum(event.device_time_total for event in seen.key_averages()) / 1e3
    print(f"of the last, kernels {busy:.2f} ms in {sum(event.count for event in seen.key_averages())} launches")


def compiled(name: str, size: int) -> None:
    """The two passes of a training step, in bfloat16, as they are and compiled."""
    network, x = network_of(name), images_of(256, size)
    labels = torch.arange(len(x), device=GPU) % 1000
    attacked = folded(network, x)

    def gradient(inner: nn.Module) -> Callable[[], object]:
        def act() -> object:
            inputs = x.detach().requires_grad_(True)
            with torch.autocast("cuda", torch.bfloat16):
                loss = nn.functional.cross_entropy(inner(inputs), labels)
            return torch.autograd.grad(loss, inputs)

        return act

    def update(inner: nn.Module) -> Callable[[], object]:
        def act() -> None:
            with torch.autocast("cuda", torch.bfloat16):
                loss = nn.functional.cross_entropy(inner(x), labels)
            loss.backward()

        return act

    network.requires_grad_(False)
    for what, make, inner in (("attack step", gradient, attacked), ("update", update, network)):
        if what == "update":
            network.requires_grad_(True).train()
        eager = timed(make(inner), rounds=4)
        started = time.perf_counter()
        act = make(cast(nn.Module, torch.compile(inner)))
        act()
        torch.cuda.synchronize()
        took = time.perf_counter() - started
        print(
            f"{what}: {1e3 * eager:.1f} ms, compiled {1e3 * timed(act, rounds=4):.1f} ms after {took:.0f} s", flush=True
        )


def unrestricted(name: str, size: int) -> None:
    """What repeatable kernels cost: a step of three attack steps with them, without, and with kernels by trial."""
    network, x = network_of(name), images_of(256, size)
    labels = torch.arange(len(x), device=GPU) % 1000
    for repeatable, trial in ((True, False), (False, False), (False, True)):
        torch.use_deterministic_algorithms(repeatable, warn_only=True)
        torch.backends.cudnn.benchmark = trial
        taken = timed(our_step(network, x, labels, 3), rounds=3)
        print(f"repeatable kernels {repeatable}, chosen by trial {trial}: {1e3 * taken:.0f} ms")
    precision.decide(GPU)


def replay(act: Callable[[], object], generator: torch.Generator) -> Callable[[], object]:
    """Capture a call as a CUDA graph, after three calls on another stream; return its replay."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            act()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        act()
    return graph.replay


PARTS = {
    "forward": forward,
    "files": files,
    "training": training,
    "attack": attack,
    "compiled": compiled,
    "unrestricted": unrestricted,
}


def main() -> None:
    """Run the parts, each in turn; what one of them raises is said, and the next one runs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=[*PARTS, "captured"], default=[*PARTS, "captured"])
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("error: there is no GPU here")
    precision.decide(GPU)
    print(f"{arguments.network}, {arguments.size} px; {machine()}")
    print(
        subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"], capture_output=True, text=True
        ).stdout.strip()
    )
    for part in arguments.parts:
        started = time.perf_counter()
        try:
            if part == "captured":
                captured("basic", 32)
                captured("bottleneck", 32)
            else:
                PARTS[part](arguments.network, arguments.size)
        except Exception as error:
            print(f"{part}: {type(error).__name__}: {error}")
        torch.cuda.empty_cache()
        print(f"({part}: {time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
