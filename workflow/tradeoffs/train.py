"""Train one model: standard, or adversarially by PGD (Madry et al. 2018), from a folder in ImageNet's layout.

    python -m tradeoffs.train --spec '{"architecture": "basic", "norm": "linf", "epsilon": 0.0157, ...}' \
        --data resources/miniature/default/imagenet --weights weights.pt --card card.json

Writes a plain state_dict (loadable with ``weights_only=True``) and a card with the learning curve. With
``--checkpoint`` the state is kept after every epoch, and a killed run continues from it to the same weights, bit for
bit on one machine with the same threads. A checkpoint of another spec, code or data is never resumed.
"""

import argparse
import hashlib
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from tradeoffs.attacks import accuracy_curve, pgd
from tradeoffs.cards import write_card
from tradeoffs.code_id import code_id
from tradeoffs.data import imagenet, images
from tradeoffs.device import choose_device
from tradeoffs.errors import InputError, exit_code
from tradeoffs.files import read_json, write_atomically
from tradeoffs.models.networks import build
from tradeoffs.specs import parse_spec

SPEC: dict[str, type | tuple[type, ...]] = {
    "architecture": str,
    "norm": str,  # none, l2 or linf
    "epsilon": float,  # pixel units of [0, 1]
    "seed": int,
    "images": int,  # training images used, the same number of each class
    "epochs": int,
    "batch_size": int,
    "learning_rate": float,  # peak of the one-cycle schedule
    "momentum": float,
    "weight_decay": float,
    "attack_steps": int,
    "attack_step_size": float,  # relative to epsilon
    "monitor_images": int,  # validation images whose adversarial accuracy is followed, epoch by epoch
}


def train_one_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    labels: Tensor,
    spec: dict[str, Any],
    epoch: int,
    generator: torch.Generator,
) -> dict[str, float]:
    """One pass over the shuffled training images ``x`` [n, 3, h, w]; return mean loss and accuracy on what was fed."""
    order = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
    batches = order.split(spec["batch_size"])
    total_loss = torch.zeros((), device=x.device)
    correct = torch.zeros((), device=x.device)
    for index, batch in enumerate(tqdm(batches, desc=f"epoch {epoch + 1}/{spec['epochs']}", mininterval=5)):
        progress = (epoch + index / len(batches)) / spec["epochs"]
        for group in optimizer.param_groups:
            group["lr"] = spec["learning_rate"] * one_cycle(progress)
        inputs, targets = x[batch], labels[batch]
        if spec["norm"] != "none":
            inputs = perturb(network, inputs, targets, spec, generator)
        network.train()
        optimizer.zero_grad()
        logits = network(inputs)
        loss = F.cross_entropy(logits, targets)
        loss.backward()
        optimizer.step()
        total_loss += loss.detach() * len(batch)
        correct += (logits.detach().argmax(1) == targets).sum()
    return {"loss": total_loss.item() / len(x), "train_accuracy": correct.item() / len(x)}


def perturb(network: nn.Module, x: Tensor, labels: Tensor, spec: dict[str, Any], generator: torch.Generator) -> Tensor:
    """Attack a batch at the training budget, with batch statistics frozen and no gradient for the weights."""
    network.eval().requires_grad_(False)
    try:
        return pgd(
            lambda inputs: F.cross_entropy(network(inputs), labels, reduction="none"),
            x,
            norm=spec["norm"],
            epsilon=spec["epsilon"],
            steps=spec["attack_steps"],
            step_size=spec["attack_step_size"] * spec["epsilon"],
            generator=generator,
        )
    finally:
        network.requires_grad_(True)


@torch.no_grad()
def evaluate(network: nn.Module, x: Tensor, labels: Tensor, batch_size: int = 500) -> float:
    """Clean accuracy, a fraction."""
    network.eval()
    hits = [
        (network(a).argmax(1) == b).sum() for a, b in zip(x.split(batch_size), labels.split(batch_size), strict=True)
    ]
    return torch.stack(hits).sum().item() / len(x)


def one_cycle(progress: float) -> float:
    """Learning rate relative to its peak: linear warm-up over the first 15 %, then a cosine to 0 (Smith 2018)."""
    warm_up = 0.15
    if progress < warm_up:
        return progress / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def train(
    spec: dict[str, Any],
    training: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    num_classes: int,
    checkpoint: Path | None,
    key: str,
) -> tuple[nn.Module, list[dict[str, float]]]:
    """Train from scratch, or from ``checkpoint`` where it holds ``key``; return the network and the learning curve.

    Raises InputError when the loss stops being finite, with the epoch.
    """
    device = training[0].device
    torch.manual_seed(spec["seed"])
    network = build(spec["architecture"], num_classes).to(device)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=spec["learning_rate"],
        momentum=spec["momentum"],
        weight_decay=spec["weight_decay"],
        nesterov=True,
    )
    history: list[dict[str, float]] = []
    state = resume(checkpoint, key, device)
    if state is not None:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
    generator = torch.Generator(device)
    for epoch in range(len(history), spec["epochs"]):
        # A seed of its own for every epoch: a resumed run needs no saved random state.
        generator.manual_seed(spec["seed"] * 10_000 + epoch)
        row = {"epoch": float(epoch + 1)} | train_one_epoch(network, optimizer, *training, spec, epoch, generator)
        if not math.isfinite(row["loss"]):
            raise InputError(
                f"training diverged in epoch {epoch + 1}: loss is {row['loss']}; lower learning_rate "
                f"(now {spec['learning_rate']}) or raise epochs"
            )
        row["validation_accuracy"] = evaluate(network, *validation)
        row["validation_adversarial_accuracy"] = monitor(network, *validation, spec, generator)
        history.append(row)
        if checkpoint is not None:
            keep(checkpoint, key, network, optimizer, history)
    return network, history


def monitor(network: nn.Module, x: Tensor, labels: Tensor, spec: dict[str, Any], generator: torch.Generator) -> float:
    """Accuracy of validation images under a 10-step attack at the training budget (clean where that is 0)."""
    # The images are sorted by class, so even steps take the same share of every class.
    chosen = torch.linspace(0, len(x) - 1, min(len(x), spec["monitor_images"])).long()
    network.eval().requires_grad_(False)
    robust = accuracy_curve(
        network,
        x[chosen],
        labels[chosen],
        norm="linf" if spec["norm"] == "none" else spec["norm"],
        epsilons=[spec["epsilon"]],
        steps=10,
        restarts=1,
        generator=generator,
        batch_size=500,
    )
    network.requires_grad_(True)
    return robust.float().mean().item()


def keep(
    path: Path, key: str, network: nn.Module, optimizer: torch.optim.Optimizer, history: list[dict[str, float]]
) -> None:
    """Write a checkpoint, whole or not at all."""
    state = {"key": key, "network": network.state_dict(), "optimizer": optimizer.state_dict(), "history": history}
    write_atomically(path, lambda temporary: save(state, temporary))


def save(state: dict[str, Any], path: Path) -> None:
    """Write tensors to an open file: to a path, torch would write the path's name too, and equal weights differ."""
    with path.open("wb") as file:
        torch.save(state, file)


def resume(path: Path | None, key: str, device: torch.device) -> dict[str, Any] | None:
    """Return the state of a checkpoint with this key, else None: stale or damaged checkpoints are not used."""
    if path is None or not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        print(f"{path}: unreadable checkpoint, starting from scratch ({error})", file=sys.stderr)
        return None
    if state.get("key") != key:
        print(f"{path}: checkpoint of another spec, code or data, starting from scratch", file=sys.stderr)
        return None
    print(f"{path}: resuming after epoch {len(state['history'])}", file=sys.stderr)
    return state


def load_split(root: Path, split: str, images_wanted: int | None, device: torch.device) -> tuple[Tensor, Tensor, int]:
    """Return images [n, 3, h, w] in [0, 1], labels [n] and the number of classes of one split of an ImageNet folder.

    ``images_wanted`` takes the first images of each class, the same number of each.
    """
    index = imagenet.read(root, split)
    chosen = np.arange(len(index.labels))
    if images_wanted is not None:
        each = images_wanted // len(index.wnids)
        counts = np.bincount(index.labels, minlength=len(index.wnids))
        if each < 1 or each > counts.min():
            raise InputError(
                f"--spec: images = {images_wanted}; {root / split} has {counts.min()} images in its smallest class of "
                f"{len(index.wnids)}, so choose {len(index.wnids)} to {counts.min() * len(index.wnids)}"
            )
        chosen = np.concatenate([np.flatnonzero(index.labels == c)[:each] for c in range(len(index.wnids))])
    pixels = torch.from_numpy(images.load([index.paths[i] for i in chosen]))
    x = (pixels.to(device).float() / 255).contiguous(memory_format=torch.channels_last)
    return x, torch.from_numpy(index.labels[chosen]).to(device), len(index.wnids)


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.train", description=__doc__.split("\n")[0])
    parser.add_argument("--spec", required=True, help="settings as JSON; keys: " + ", ".join(SPEC))
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and val/ in ImageNet's layout")
    parser.add_argument("--weights", type=Path, required=True, help="state_dict to write")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    parser.add_argument("--checkpoint", type=Path, help="file to resume from; removed when training is complete")
    arguments = parser.parse_args()
    started = time.perf_counter()
    spec = parse_spec(arguments.spec, SPEC)
    device = choose_device()
    code = code_id("tradeoffs.train")
    data = read_json(arguments.data / "fingerprint.json")["fingerprint"]
    key = hashlib.sha256(json.dumps([spec, code, data], sort_keys=True).encode()).hexdigest()
    x, labels, num_classes = load_split(arguments.data, "train", spec["images"], device)
    validation = load_split(arguments.data, "val", None, device)[:2]
    network, history = train(spec, (x, labels), validation, num_classes, arguments.checkpoint, key)
    state = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_atomically(arguments.weights, lambda temporary: save(state, temporary))
    write_card(
        arguments.card,
        kind="model",
        spec=spec,
        code=code,
        data={"imagenet": data},
        started=started,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        classes=num_classes,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        history=history,
    )
    if arguments.checkpoint is not None:
        arguments.checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(exit_code(main))
