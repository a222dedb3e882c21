"""Turn a checkpoint of the robust ImageNet models (Salman et al. 2020) into a plain state_dict and a card.

    python -m tradeoffs.models.released --spec '{"architecture": "resnet18", "classes": 1000}' \
        --checkpoint resnet18_l2_eps1.ckpt --weights weights.pt --card card.json

The published format is that of MadryLab's ``robustness``: a dict whose ``model`` holds the network (``module.model.*``,
torchvision's names), the normaliser in front of it (``module.normalizer.new_mean``, ``new_std``) and a second copy of
both inside the attacker (``module.attacker.*``), beside the optimiser's state. Only the network's own tensors and its
own normaliser are taken; nothing in the file can run code.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tradeoffs.models import choice, state_dict, store
from tradeoffs.models.networks import unwrapped
from tradeoffs.models.normalised import wrap
from tradeoffs.models.released_files import RELEASED, SOURCE
from tradeoffs.step.cards import check
from tradeoffs.step.errors import InputError, exit_code
from tradeoffs.step.specs import parse_spec

SPEC: dict[str, type | tuple[type, ...]] = {
    "architecture": str,  # a name of torchvision: resnet18, resnet50, torchvision/wide_resnet50_2
    "classes": int,
}


def convert(checkpoint: Path, architecture: str, num_classes: int) -> dict[str, Tensor]:
    """Return the tensors of a wrapped network, its normalisation included, from a released checkpoint.

    InputError where the file is not in the published format, has no normaliser, holds tensors of another purpose, or
    does not fit the architecture and the number of classes.
    """
    content = state_dict.read(checkpoint)
    network = unwrapped(architecture, num_classes)
    tensors = model_tensors(content, checkpoint)
    mean, std = (channel_values(tensors, f"module.normalizer.new_{kind}", checkpoint) for kind in ("mean", "std"))
    if min(std) <= 0:
        raise InputError(f"{checkpoint}: module.normalizer.new_std is {std}; expected three positive values")
    used = ("module.model.", "module.normalizer.", "module.attacker.")
    surplus = [name for name in tensors if not name.startswith(used)]
    if surplus:
        raise InputError(f"{checkpoint}: unexpected tensors ({', '.join(surplus[:3])}); not a released robust model")
    own = {name.removeprefix(used[0]): tensor for name, tensor in tensors.items() if name.startswith(used[0])}
    state_dict.fit(network, own, checkpoint, f"a {architecture} with {num_classes} classes")
    found = choice.sets(content, [choice.shapes(network)])
    names = network.state_dict().keys()
    own_names = {
        key: choice.Found({name: one.tensors[name] for name in one.tensors if name in names})
        for key, one in found.items()
    }
    if not choice.equal(own_names):
        raise InputError(
            f"{checkpoint}: holds more than one set of weights of a {architecture}, with other values "
            f"({choice.listed(found)}); the released checkpoints hold one, twice over: get the file again, or give it "
            "under imagenet.extra as source: state_dict, with weights: ema or raw"
        )
    return dict(wrap(network, num_classes, mean, std).state_dict())


def model_tensors(content: Any, checkpoint: Path) -> dict[str, Tensor]:
    """Return the part ``model`` of a checkpoint; InputError where there is none or it holds more than tensors."""
    tensors = content.get("model") if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not all(isinstance(value, Tensor) for value in tensors.values()):
        found = (
            f"keys {', '.join(map(str, list(content)[:4]))}" if isinstance(content, dict) else type(content).__name__
        )
        raise InputError(
            f"{checkpoint}: not a released checkpoint (expected a dict with 'model', found {found}); for a plain "
            "state_dict use source: state_dict"
        )
    return tensors


def channel_values(tensors: dict[str, Tensor], name: str, checkpoint: Path) -> list[float]:
    """Return the three values of a part of the normaliser; InputError where it is missing or has another shape."""
    if name not in tensors:
        raise InputError(
            f"{checkpoint}: {name} is missing; without its normaliser the network would see wrong colours, so it is "
            "refused"
        )
    if not tensors[name].is_floating_point() or tensors[name].numel() != 3 or not torch.isfinite(tensors[name]).all():
        raise InputError(
            f"{checkpoint}: {name} is {tensors[name].flatten().tolist()[:4]}; expected three values, in floating point"
        )
    return tensors[name].flatten().tolist()


def provenance(checkpoint: Path, content: str) -> dict[str, Any]:
    """Return what the card says of a file of SHA-256 ``content``; null where its name is not one of the released."""
    entry = next((entry for entry in RELEASED if entry.file == checkpoint.name), None)
    return {
        "source": {
            "name": SOURCE,
            "file": checkpoint.name,
            "address": entry.address if entry else None,
            "sha256": content,
            "published_sha256": entry.sha256 if entry else None,
        },
        "published_clean_accuracy": entry.clean_accuracy if entry else None,
    }


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.models.released", description=__doc__.split("\n")[0])
    parser.add_argument("--spec", required=True, help="settings as JSON; keys: " + ", ".join(SPEC))
    parser.add_argument("--checkpoint", type=Path, required=True, help="file as released")
    parser.add_argument("--weights", type=Path, required=True, help="state_dict to write")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    spec = parse_spec(arguments.spec, SPEC)
    content, _ = check(arguments.checkpoint)
    tensors = convert(arguments.checkpoint, spec["architecture"], spec["classes"])
    store.write(
        tensors,
        arguments.weights,
        arguments.card,
        module="tradeoffs.models.released",
        spec=spec,
        started=started,
        architecture=spec["architecture"],
        mean=tensors["mean"].flatten().tolist(),
        std=tensors["std"].flatten().tolist(),
        **provenance(arguments.checkpoint, content),
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
