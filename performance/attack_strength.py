"""Adversarial accuracy of trained models at several budgets: ours beside other libraries', strength and time.

    uv run --group bench python performance/attack_strength.py [--models ID ...] [--images 500]
    uv run --group bench python performance/attack_strength.py --autoattack [--models ID ...] [--images 500]
    uv run --group bench python performance/attack_strength.py --l1 [--autoattack] [--models ID ...] [--images 500]

Needs the models and data of a default run (`uv run snakemake --cores all`): all models of results/miniature/models
without --models. Ours runs with a fifth and with three tenths of the peers' steps and a second attack on what comes
near, with as many steps and one attack, and with three attacks, the default. A peer attacks the images that are
classified correctly, at every budget. ``difference`` is our adversarial accuracy minus the row's, in points, its mean
and its largest over models and budgets: where it is negative, our attack was the stronger; ``weaker`` counts the pairs
of model and budget where it is positive.
With --autoattack, instead of the peers, AutoAttack in its standard form (apgd-ce, apgd-t, fab-t, square), which takes a
quarter of an hour per model and 500 images, and a line for each budget. With --l1, budgets of that norm in place of the
others; torchattacks has no PGD in l1 and is left out.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engine_peers import Attack, Contiguous, clock, installed, machine

from tradeoffs.attacks.folding import folded
from tradeoffs.attacks.strong import accuracy_curve
from tradeoffs.data import imagenet
from tradeoffs.data.images import image
from tradeoffs.data.listing import spread
from tradeoffs.models.networks import load
from tradeoffs.step.files import read_json

ROOT = Path(__file__).resolve().parents[1]
BUDGETS = {"linf": [2 / 255, 4 / 255, 8 / 255], "l2": [0.5, 1.0, 2.0]}
Curve = Callable[[Tensor, Tensor], Tensor]  # images, labels -> which withstand, bool [budgets, n]


def images(count: int) -> tuple[Tensor, Tensor]:
    """Return validation images of the default run, as many of each class, and their labels."""
    index = imagenet.read(ROOT / "resources/miniature/default/imagenet", "val")
    chosen = spread(len(index.paths), count)
    pixels = np.stack([image(index.paths[i]) for i in chosen])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(index.labels[chosen])


def our_curve(network: nn.Module, steps: int, restarts: int) -> Curve:
    """Return the evaluation attack of the workflow."""

    def curve(x: Tensor, labels: Tensor) -> Tensor:
        parts = [
            accuracy_curve(
                folded(network, x),
                x,
                labels,
                norm=norm,
                epsilons=budgets,
                steps=steps,
                restarts=restarts,
                generator=torch.Generator(x.device).manual_seed(0),
                batch_size=250,
            )
            for norm, budgets in BUDGETS.items()
        ]
        return torch.cat(parts)

    return curve


def peer_curve(network: nn.Module, attack: Attack, steps: int) -> Curve:
    """Return a loop over budgets around a peer's PGD."""

    def curve(x: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            correct = network(x).argmax(1) == labels
        rows = []
        for norm, budgets in BUDGETS.items():
            for epsilon in budgets:
                row = torch.zeros_like(correct)
                attacked = attack(x[correct], labels[correct], norm, epsilon, steps, 2.5 * epsilon / steps)
                with torch.no_grad():
                    row[correct] = network(attacked).argmax(1) == labels[correct]
                rows.append(row)
        return torch.stack(rows)

    return curve


def autoattack_curve(network: nn.Module) -> Curve:
    """Return AutoAttack's reference code, in its standard form."""
    from pyautoattack import AutoAttack

    plain = Contiguous(network)

    def curve(x: Tensor, labels: Tensor) -> Tensor:
        rows = []
        for norm, budgets in BUDGETS.items():
            for epsilon in budgets:
                attack = AutoAttack(
                    plain,
                    norm=norm.capitalize(),
                    eps=epsilon,
                    seed=0,
                    device=str(x.device),
                )
                attack.verbose = False
                found = attack.run_standard_evaluation(x.contiguous(), labels, batch_size=250)
                attacked = found[0] if isinstance(found, tuple) else found
                with torch.no_grad():
                    rows.append(plain(attacked.contiguous()).argmax(1) == labels)
        return torch.stack(rows)

    return curve


def main() -> None:
    """Print one line per model, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", help="ids; all of the default run")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--steps", type=int, default=10, help="of the peers (10)")
    parser.add_argument("--autoattack", action="store_true")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (1)")
    parser.add_argument("--l1", action="store_true", help="budgets in l1 in place of linf and l2")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.l1:
        BUDGETS.clear()
        BUDGETS["l1"] = [4.0, 12.0]
    folder = ROOT / "results/miniature/models"
    x, labels = images(arguments.images)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    x, labels = x.to(device), labels.to(device)
    seconds: dict[str, float] = {}
    accuracies: dict[str, list[Tensor]] = {}
    for identifier in arguments.models or sorted(path.name for path in folder.iterdir()):
        spec = read_json(folder / identifier / "card.json")["spec"]
        network = load(folder / identifier / "weights.pt", spec["architecture"], 10, device)
        assert isinstance(network, nn.Module)
        curves = {
            f"ours, {steps} steps, {attacks}": our_curve(network, steps, attacks)
            for steps, attacks in (
                (arguments.steps // 5, 2),
                (arguments.steps * 3 // 10, 2),
                (arguments.steps, 1),
                (arguments.steps, 3),
            )
        }
        if arguments.autoattack:
            curves["AutoAttack"] = autoattack_curve(network)
        else:
            peers = {
                name: peer for name, peer in installed(network).items() if not (arguments.l1 and name == "torchattacks")
            }
            curves |= {name: peer_curve(network, peer, arguments.steps) for name, peer in peers.items()}
        for name, curve in curves.items():
            started = clock()
            robust = curve(x, labels)
            seconds[name] = seconds.get(name, 0.0) + clock() - started
            accuracies.setdefault(name, []).append(100 * robust.float().mean(1).cpu())
        print(f"{identifier}: " + ", ".join(f"{name} {rows[-1].mean():.1f} %" for name, rows in accuracies.items()))
        if arguments.autoattack:
            for row, budget in enumerate(f"{norm} {size:.4g}" for norm, sizes in BUDGETS.items() for size in sizes):
                print(f"  {budget}: " + ", ".join(f"{name} {rows[-1][row]:.1f}" for name, rows in accuracies.items()))
    print(
        f"\n{len(x)} images, peers {arguments.steps} steps, {len(next(iter(accuracies.values())))} models; {machine()}"
    )
    for reference in [name for name in seconds if name.startswith("ours")]:
        print(
            f"\n| | s | times {reference} | mean accuracy, % | difference, mean | largest | weaker |\n"
            "|---|---|---|---|---|---|---|"
        )
        for name, taken in seconds.items():
            gap = torch.stack(accuracies[reference]) - torch.stack(accuracies[name])
            print(
                f"| {name} | {taken:.1f} | {taken / seconds[reference]:.1f} "
                f"| {torch.stack(accuracies[name]).mean():.1f} | {gap.mean():+.2f} | {gap.max():+.1f} "
                f"| {(gap > 1e-3).sum()} of {gap.numel()} |"
            )


if __name__ == "__main__":
    main()
