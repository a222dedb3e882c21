"""Time fixed-step PGD beside the PGD of other libraries: same network, images, budget, steps and step size.

    uv run --group bench python performance/attack_speed.py [--network basic] [--size 32] [--batch 128] [--steps 10]

Networks: basic, bottleneck, resnet18, resnet50, with random weights (no image leaves the batch, so that weights do not
matter); all libraries attack the same module, in evaluation mode, channels_last, without gradients for the weights.
Times are medians of rounds in which the libraries take turns, ratios the medians of the rounds' ratios. The last column
is the share of the rate at which the machine multiplies matrices, measured in the same rounds, for the operations of as
many gradients as there are steps: what is left to gain without fewer operations. On a GPU where there is one, with
--bf16 under autocast.
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engine_peers import able, forward_operations, installed, matrix_on, median_ratio, ours, prepared, side_by_side

BUDGETS = {"linf": 8 / 255, "l2": 1.0}


def main() -> None:
    """Print one table per norm."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=10, help="PGD steps (10)")
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    arguments, network, x = prepared(parser, batch=128, rounds=9)
    network.eval().requires_grad_(False)
    labels = network(x).argmax(1)  # all correct, or APGD would have nothing to do
    attacks = {"ours": ours(network)} | installed(network)
    matrix = matrix_on(x.device)
    products = 2 * arguments.steps * forward_operations(network, x) / (2 * len(matrix) ** 3)  # as many operations
    print(f"{arguments.steps} steps")
    with torch.autocast(x.device.type, torch.bfloat16, enabled=arguments.bf16):
        for norm, epsilon in BUDGETS.items():
            size = 2.5 * epsilon / arguments.steps
            calls: dict[str, Callable[[], object]] = {
                name: partial(run, x, labels, norm, epsilon, arguments.steps, size) for name, run in attacks.items()
            }
            calls = able(calls)
            seconds = side_by_side(calls | {"matrix": lambda: [matrix @ matrix for _ in range(10)]}, arguments.rounds)
            product = [taken / 10 for taken in seconds.pop("matrix")]
            print(f"\n| {norm} | ms | times ours | share of matrix product |\n|---|---|---|---|")
            for name, taken in seconds.items():
                share = products * median_ratio(product, taken)
                print(f"| {name} | {1e3 * statistics.median(taken):.1f} ", end="")
                print(f"| {median_ratio(taken, seconds['ours']):.2f} | {share:.0%} |")


if __name__ == "__main__":
    main()
