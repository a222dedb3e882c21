"""Time training steps: k-step adversarial against clean, ours against plain loops around other libraries' PGD.

    uv run --group bench python performance/training_speed.py [--network basic] [--size 32] [--batch 64]

A step is an attack (linf, 4/255) and an update with SGD, by the very functions of the workflow's training; the plain
loops attack with the peer's PGD, of as many steps, and update alike, in float32. Also counted: floating-point
operations of a step (2 per multiply-add, convolutions and linear layers only, forward and backward) against the rate at
which this machine multiplies matrices, measured in the same rounds: float32 on a CPU, bfloat16 on a GPU, as training
does. On a GPU, 3 steps of ResNet-50 and the memory it takes: --network resnet50 --size 224 --batch 128 --rounds 5.
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engine_peers import forward_operations, installed, matrix_on, median_ratio, prepared, side_by_side

from tradeoffs.training.checkpoint import Checkpoint
from tradeoffs.training.loop import update
from tradeoffs.training.processes import ALONE
from tradeoffs.training.run import Run
from tradeoffs.training.settings import Settings

EPSILON = 4 / 255
STEPS = (1, 3, 7)


def our_step(
    network: nn.Module, x: Tensor, labels: Tensor, steps: int, generator: torch.Generator | None = None
) -> Callable[[], object]:
    """Return a call that makes one training step, of ``steps`` attack steps; 0: on clean images."""
    settings = Settings(
        architecture="",
        norm="linf" if steps else "none",
        epsilon=EPSILON,
        seed=0,
        images=None,
        image_size=None,
        augmentation="none",
        epochs=1,
        batch_size=len(x),
        learning_rate=0.0,
        schedule="one_cycle",
        momentum=0.9,
        weight_decay=0.0,
        attack_steps=steps,
        attack_step_size=1.25 if steps == 1 else 2.5 / max(1, steps),
        monitor_images=1,
    )
    generator = generator or torch.Generator(x.device).manual_seed(0)
    run = Run(settings, network, optimizer_of(network), generator, [], Checkpoint(None, "", 0), lambda: False, ALONE)
    return lambda: update(run, x, labels, len(x), run.settings.epsilon)


def plain_step(
    network: nn.Module, x: Tensor, labels: Tensor, steps: int, attack: Callable[..., Tensor]
) -> Callable[[], object]:
    """Return a call that makes the same step as a user of another library writes it."""
    optimizer = optimizer_of(network)

    def step() -> None:
        network.eval()
        attacked = attack(x, labels, "linf", EPSILON, steps, 1.25 * EPSILON if steps == 1 else 2.5 * EPSILON / steps)
        network.train()
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(attacked), labels).backward()
        optimizer.step()

    return step


def optimizer_of(network: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser of training; its rate is 0, so that the network stays the same over the rounds."""
    return torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9, weight_decay=5e-4, nesterov=True)


def operations(network: nn.Module, x: Tensor, labels: Tensor) -> dict[int, int]:
    """Count the floating-point operations of a step by its number of attack steps.

    An attack step has a forward pass and the input gradients of all layers, each as costly as the layer itself.
    """
    forward = forward_operations(network, x)
    with FlopCounterMode(display=False) as clean:
        nn.functional.cross_entropy(network(x), labels).backward()
    return {k: clean.get_total_flops() + k * 2 * forward for k in (0, *STEPS)}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments, network, x = prepared(parser, batch=64, rounds=15)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0  # the statistics stay as well as the weights, and what is correct stays correct
    with torch.no_grad():
        labels = network.eval()(x).argmax(1)  # all correct, or APGD would have less to do
    matrix = matrix_on(x.device)
    rows = len(matrix)
    steps = {k: our_step(network, x, labels, k) for k in (0, *STEPS)}
    counted = operations(network, x, labels)
    calls: dict[str, Callable[[], object]] = {"matrix": lambda: matrix @ matrix}
    calls |= {f"{k}": step for k, step in steps.items()}
    seconds = side_by_side(calls, arguments.rounds)
    rate = 2 * rows**3 / statistics.median(seconds["matrix"])
    print("\n| attack steps | ms | images/s | times clean | 1 + 0.75 k | GFLOP/s | share of matrix product |")
    print("|---|---|---|---|---|---|---|")
    for k in steps:
        taken = statistics.median(seconds[f"{k}"])
        share = median_ratio(seconds["matrix"], seconds[f"{k}"]) * counted[k] / (2 * rows**3)
        ratio = median_ratio(seconds[f"{k}"], seconds["0"])
        print(f"| {k} | {1e3 * taken:.2f} | {len(x) / taken:.0f} | {ratio:.2f} | {1 + 0.75 * k:.2f} ", end="")
        print(f"| {counted[k] / taken / 1e9:.1f} | {share:.0%} |")
    print(f"\nmatrix product of {rows} x {rows}: {rate / 1e9:.0f} GFLOP/s")
    peers = installed(network.eval())
    print("\n| linf, training step | " + " | ".join(f"{k} steps, times ours" for k in STEPS) + " |")
    print("|---|" + "---|" * len(STEPS))
    ratios: dict[str, list[str]] = {name: [] for name in peers}
    for k in STEPS:
        calls = {"ours": steps[k]} | {n: plain_step(network, x, labels, k, peer) for n, peer in peers.items()}
        seconds = side_by_side(calls, arguments.rounds)
        for name in peers:
            ratios[name].append(f"{median_ratio(seconds[name], seconds['ours']):.2f}")
    for name, row in ratios.items():
        print(f"| {name} | " + " | ".join(row) + " |")
    if x.device.type == "cuda":
        print(f"\npeak memory {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
