"""A checkpoint of the robust ImageNet models (Salman et al. 2020), as it was released.

The published format is that of MadryLab's ``robustness``: a dict whose ``model`` holds the network (``module.model.*``,
torchvision's names), the normaliser in front of it (``module.normalizer.new_mean``, ``new_std``) and a second copy of
both inside the attacker (``module.attacker.*``), beside the optimiser's state. Only the network's own tensors and its
own normaliser are taken; nothing in the file can run code.
"""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tradeoffs.models import choice, state_dict
from tradeoffs.models.conversion import Converted
from tradeoffs.models.networks import unwrapped
from tradeoffs.models.normalised import wrap
from tradeoffs.models.released_files import SOURCE, by_file
from tradeoffs.step.errors import InputError


class Settings(NamedTuple):
    """``architecture``: a name of torchvision, such as resnet18, resnet50, torchvision/wide_resnet50_2."""

    architecture: str
    classes: int


def read(settings: Settings, checkpoint: Path | None) -> Converted:
    """Return the wrapped network of a released checkpoint, its normalisation included.

    InputError where the file is not in the published format, has no normaliser, holds tensors of another purpose, or
    does not fit the architecture and the number of classes. The card says null of what was published about a file whose
    name is not one of the released.
    """
    assert checkpoint is not None  # convert has seen to it
    tensors = _network(checkpoint, settings.architecture, settings.classes)
    entry = by_file(checkpoint.name)
    source = {
        "name": SOURCE,
        "address": entry.address if entry else None,
        "published_sha256": entry.sha256 if entry else None,
    }
    content = {
        "mean": tensors["mean"].flatten().tolist(),
        "std": tensors["std"].flatten().tolist(),
        "published_clean_accuracy": entry.clean_accuracy if entry else None,
    }
    return Converted(tensors, settings.architecture, source, content)


def _network(checkpoint: Path, architecture: str, num_classes: int) -> dict[str, Tensor]:
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
