"""Where the time of an adversarial training step goes on a processor, and at which rate its convolutions multiply.

    CUDA_VISIBLE_DEVICES= uv run python performance/step_operations.py [--network basic] [--batch 32]

A step is an attack of one step (linf, 4/255) and an update, by the functions of the workflow's training. Convolutions
are timed by oneDNN, which computes them, normalisation, ReLU and optimiser by PyTorch's profiler, each as a share of
the steps that were timed together with it; the step itself, and the product of matrices that it is compared with,
without either. Processor time of one thread, medians.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engine_peers import clock, forward_operations, matrix_on, prepared, side_by_side
from training_speed import operations, our_step

from tradeoffs.compute.parallel import keep_freed_memory

FORWARD, INPUT, WEIGHTS = (
    "convolutions, forward",
    "convolutions, gradient of the input",
    "convolutions, gradient of the weights",
)
PASSES = {
    "forward_training": FORWARD,
    "forward_inference": FORWARD,
    "backward_data": INPUT,
    "backward_weights": WEIGHTS,
}
OPERATIONS = {
    "batch normalisation": ("aten::native_batch_norm", "aten::native_batch_norm_backward"),
    "ReLU": ("aten::clamp_min", "aten::clamp_min_", "aten::relu", "aten::relu_", "aten::threshold_backward"),
    "optimiser": ("Optimizer.step#SGD.step", "Optimizer.zero_grad#SGD.zero_grad"),
}


def convolutions(step: Callable[[], object], steps: int) -> dict[str, float]:
    """Return a step's convolutions as shares of its time, by kind of pass."""
    taken: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryFile("w+") as said:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(said.fileno(), 1)
        try:
            with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
                whole = together(step, steps)
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        said.seek(0)
        for line in said:
            fields = line.strip().split(",")
            if "exec" in fields and "convolution" in fields:
                taken[PASSES[fields[fields.index("convolution") + 2]]] += float(fields[-1]) / 1e3 / whole
    return taken


def others(step: Callable[[], object], steps: int) -> dict[str, float]:
    """Return a step's other large operations as shares of its time."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        whole = together(step, steps)
    taken = {event.key: event.cpu_time_total / 1e6 / whole for event in profiled.key_averages()}
    return {name: sum(taken.get(key, 0.0) for key in keys) for name, keys in OPERATIONS.items()}


def together(step: Callable[[], object], steps: int) -> float:
    """Return the seconds of so many steps."""
    begun = clock()
    for _ in range(steps):
        step()
    return clock() - begun


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments, network, x = prepared(parser, batch=32, rounds=60)
    if x.device.type != "cpu":
        parser.error("it takes apart what a processor does; hide the GPU with CUDA_VISIBLE_DEVICES=")
    keep_freed_memory()  # as reading the images does in a training
    labels = torch.arange(len(x)) % 10
    forward, total = forward_operations(network, x), operations(network, x, labels)[1]
    counted = {FORWARD: 2 * forward, INPUT: total - 3 * forward, WEIGHTS: forward}
    step, matrix = our_step(network, x, labels, 1), matrix_on(x.device)
    seconds = side_by_side({"matrix": lambda: matrix @ matrix, "step": step}, arguments.rounds)
    product, whole = statistics.median(seconds["matrix"]), statistics.median(seconds["step"])
    rate = 2 * len(matrix) ** 3 / product
    shares = convolutions(step, arguments.rounds) | others(step, arguments.rounds)
    shares["all else: small operations, the calls of PyTorch and Python"] = 1 - sum(shares.values())
    print(f"\n{torch.backends.cpu.get_cpu_capability()}; a matrix product makes {rate / 1e9:.0f} GFLOP/s\n")
    print("| part of a step | ms | share | GFLOP/s | share of the matrix product's |\n|---|---|---|---|---|")
    for name, share in shares.items():
        print(f"| {name} | {1e3 * share * whole:.1f} | {share:.0%} | ", end="")
        reached = counted.get(name, 0) / (share * whole)
        print(f"{reached / 1e9:.0f} | {reached / rate:.0%} |" if reached else " | |")
    print(f"| the step | {1e3 * whole:.1f} | | {total / whole / 1e9:.0f} | {total / whole / rate:.0%} |")


if __name__ == "__main__":
    main()
