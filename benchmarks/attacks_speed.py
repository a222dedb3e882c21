"""Time fixed-step PGD beside the PGD of other libraries: same network, images, budget, steps and step size.

    uv run --group bench python benchmarks/attacks_speed.py [--network basic] [--size 32] [--batch 128] [--steps 10]

Networks: basic, bottleneck, resnet18, resnet50, with random weights (no image leaves the batch, so that weights do not
matter); all libraries attack the same module, in evaluation mode, channels_last, without gradients for the weights.
Times are medians of rounds in which the libraries take turns, ratios the medians of the rounds' ratios. On a GPU where
there is one, with --bf16 under autocast.
"""

import argparse
import statistics
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engine_peers import installed, median_ratio, ours, prepared, side_by_side

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
    print(f"{arguments.steps} steps")
    with torch.autocast(x.device.type, torch.bfloat16, enabled=arguments.bf16):
        for norm, epsilon in BUDGETS.items():
            size = 2.5 * epsilon / arguments.steps
            calls = {
                name: (lambda run=run: run(x, labels, norm, epsilon, arguments.steps, size))  # noqa: B023 (called below)
                for name, run in attacks.items()
            }
            seconds = side_by_side(calls, arguments.rounds)
            print(f"\n| {norm} | ms | times ours |\n|---|---|---|")
            for name, taken in seconds.items():
                print(f"| {name} | {1e3 * statistics.median(taken):.1f} | {median_ratio(taken, seconds['ours']):.2f} |")


if __name__ == "__main__":
    main()
