"""How far apart are the models of one spec, trained twice, on other numbers of threads and processes, on a GPU?

    python performance/reproducibility.py [--images 1000] [--epochs 2] [--norm linf]

Makes a miniature world, trains the same network in each way, and prints a table against the first: whether the weights
are the same bits, their distance relative to their length, and the difference of the accuracies. Where weights are not
the same bits, sums were added in another order; training amplifies the last bit at every step. The last row, another
seed, says what such a distance means.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

WORLD = {
    "seed": 0,
    "image_size": 32,
    "correlation": 0.8,
    "contrast": 0.8,
    "background_scale": 1,
    "test_images": 500,
}
SPEC = {
    "architecture": "basic",
    "epsilon": 8 / 255,
    "seed": 0,
    "image_size": None,
    "augmentation": "none",
    "batch_size": 32,
    "learning_rate": 0.1,
    "schedule": "one_cycle",
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "attack_steps": 1,
    "attack_step_size": 1.25,
    "attack_warm_up": 0.5,
    "monitor_images": 100,
}


def ways() -> dict[str, tuple[dict[str, str], list[str], dict[str, int]]]:
    """Each way to train: what it changes in the environment, in the options and in the spec."""
    cpu = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    found: dict[str, tuple[dict[str, str], list[str], dict[str, int]]] = {
        "CPU, 1 thread": (cpu, [], {}),
        "the same again": (cpu, [], {}),
        "CPU, 2 threads": (cpu | {"OMP_NUM_THREADS": "2"}, [], {}),
        "the same again, 2 threads": (cpu | {"OMP_NUM_THREADS": "2"}, [], {}),
        "CPU, 2 processes": (cpu | {"OMP_NUM_THREADS": "2"}, ["--processes", "2"], {}),
    }
    if torch.cuda.is_available():
        found["GPU"] = ({}, [], {})
        found["GPU again"] = ({}, [], {})
    return found | {"another seed": (cpu, [], {"seed": 1})}


def train(folder: Path, spec: dict[str, Any], environment: dict[str, str], options: list[str]) -> dict[str, Any]:
    """Run the command; return its card, with the weights beside it."""
    folder.mkdir()
    files = ["--weights", str(folder / "weights.pt"), "--card", str(folder / "card.json")]
    data = ["--data", str(folder.parent / "world")]
    run(["train", "--spec", json.dumps(spec), *data, *files, *options], environment)
    card: dict[str, Any] = json.loads((folder / "card.json").read_text())
    return card | {"weights": torch.load(folder / "weights.pt", weights_only=True)}


def run(arguments: list[str], environment: dict[str, str]) -> None:
    """Run a step with the package of this checkout."""
    package = {"PYTHONPATH": str(Path(__file__).parents[1] / "workflow")}
    subprocess.run(
        [sys.executable, "-m", "tradeoffs", *arguments],
        check=True,
        env=os.environ | package | environment,
        stderr=subprocess.DEVNULL,
    )


def row(name: str, card: dict[str, Any], first: dict[str, Any]) -> str:
    """One line of the table."""
    mine, theirs = card["weights"], first["weights"]
    same = "yes" if card["weights_sha256"] == first["weights_sha256"] else "no"
    one, other = (torch.cat([tensor.flatten().double() for tensor in state.values()]) for state in (mine, theirs))
    end, begin = card["history"][-1], first["history"][-1]
    accuracies = [f"{end[key] - begin[key]:+.3f}" for key in ("validation_accuracy", "validation_adversarial_accuracy")]
    return f"| {name} | {same} | {((one - other).norm() / other.norm()).item():.1e} | {' | '.join(accuracies)} |"


def main() -> None:
    """Train in every way and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--norm", default="linf", choices=["none", "linf", "l2"])
    arguments = parser.parse_args()
    spec = SPEC | {"images": arguments.images, "epochs": arguments.epochs, "norm": arguments.norm}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        world = json.dumps(WORLD | {"images": arguments.images})
        run(["miniature", "imagenet", "--spec", world, "--out", str(root / "world")], {})
        print(
            f"{arguments.images} images, {arguments.epochs} epochs, norm {arguments.norm}, torch {torch.__version__}\n"
        )
        print("| trained on | same bits | distance of weights | clean accuracy | adversarial accuracy |")
        print("| --- | --- | --- | --- | --- |")
        first: dict[str, Any] | None = None
        for number, (way, (environment, options, change)) in enumerate(ways().items()):
            card = train(root / str(number), spec | change, environment, options)
            first = first or card
            print(row(way, card, first), flush=True)


if __name__ == "__main__":
    main()
