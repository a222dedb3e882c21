"""Where the time of an adversarial training step goes on a processor, and at which rate its convolutions multiply.

    uv run python performance/step_operations.py [--network basic] [--batch 32]

A step is an attack of one step (linf, 4/255) and an update, by the functions of the workflow's training. Convolutions
are timed by oneDNN, which computes them, normalisation, ReLU and optimiser by PyTorch's profiler, each as a share of
the steps that were timed together with it; the step itself, and the product of matrices that it is compared with,
without either. Processor time of one thread, medians.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engine_peers import matrix_on
from training_speed import our_step

from tradeoffs.compute.parallel import keep_freed_memory
from tradeoffs.models.networks import ARCHITECTURES, build

STEPS = 60
PASSES = {
    "forward_training": "convolutions, forward",
    "forward_inference": "convolutions, forward",
    "backward_data": "convolutions, gradient of the input",
    "backward_weights": "convolutions, gradient of the weights",
}
# "mb32_ic16oc32_ih16oh8kh3..._iw16ow8kw3...": images, channels in and out, height and width of output and kernel
SHAPE = re.compile(r"mb(\d+)_ic(\d+)oc(\d+)_ih\d+oh(\d+)kh(\d+).*_iw\d+ow(\d+)kw(\d+)")
OPERATIONS = {
    "batch normalisation": ("aten::native_batch_norm", "aten::native_batch_norm_backward"),
    "ReLU": ("aten::clamp_min", "aten::clamp_min_", "aten::relu", "aten::relu_", "aten::threshold_backward"),
    "optimiser": ("Optimizer.step#SGD.step", "Optimizer.zero_grad#SGD.zero_grad"),
}


def convolutions(step: Callable[[], object]) -> tuple[dict[str, float], dict[str, float]]:
    """Return a step's convolutions as shares of its time, and their floating-point operations, by kind of pass."""
    taken: dict[str, float] = defaultdict(float)
    counted: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryFile("w+") as said:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(said.fileno(), 1)
        try:
            with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
                whole = timed(step)
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        said.seek(0)
        for line in said:
            fields = line.strip().split(",")
            if "exec" not in fields or "convolution" not in fields:
                continue
            of = PASSES[fields[fields.index("convolution") + 2]]
            taken[of] += float(fields[-1]) / 1e3 / whole
            shape = SHAPE.match(fields[-2])
            assert shape is not None, fields[-2]
            counted[of] += 2 * torch.tensor([int(number) for number in shape.groups()]).prod().item() / STEPS
    return taken, counted


def others(step: Callable[[], object]) -> dict[str, float]:
    """Return a step's other large operations as shares of its time."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        whole = timed(step)
    taken = {event.key: event.cpu_time_total / 1e6 / whole for event in profiled.key_averages()}
    return {name: sum(taken.get(key, 0.0) for key in keys) for name, keys in OPERATIONS.items()}


def timed(step: Callable[[], object]) -> float:
    """Return the processor seconds of all steps together."""
    begun = time.process_time()
    for _ in range(STEPS):
        step()
    return time.process_time() - begun


def median(act: Callable[[], object]) -> float:
    """Return the median of the processor seconds of some calls."""
    found = []
    for _ in range(STEPS):
        begun = time.process_time()
        act()
        found.append(time.process_time() - begun)
    return statistics.median(found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", default="basic", choices=ARCHITECTURES)
    parser.add_argument("--batch", type=int, default=32)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as reading the images does in a training
    torch.manual_seed(0)
    network = build(arguments.network, 10)
    x = torch.rand(arguments.batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    step = our_step(network, x, torch.arange(arguments.batch) % 10, 1)
    matrix = matrix_on(x.device)
    step()
    rounds = [(median(lambda: matrix @ matrix), median(step)) for _ in range(3)]
    product, whole = (statistics.median(column) for column in zip(*rounds, strict=True))
    rate = 2 * len(matrix) ** 3 / product
    shares, counted = convolutions(step)
    shares |= others(step)
    shares["all else: small operations, the calls of PyTorch and Python"] = 1 - sum(shares.values())
    print(f"\n{torch.backends.cpu.get_cpu_capability()}; a matrix product makes {rate / 1e9:.0f} GFLOP/s\n")
    print("| part of a step | ms | share | GFLOP/s | share of the matrix product's |\n|---|---|---|---|---|")
    for name, share in shares.items():
        print(f"| {name} | {1e3 * share * whole:.1f} | {share:.0%} | ", end="")
        reached = counted.get(name, 0.0) / (share * whole)
        print(f"{reached / 1e9:.0f} | {reached / rate:.0%} |" if reached else " | |")
    total = sum(counted.values())
    print(f"| the step | {1e3 * whole:.1f} | | {total / whole / 1e9:.0f} | {total / whole / rate:.0%} |")


if __name__ == "__main__":
    main()
