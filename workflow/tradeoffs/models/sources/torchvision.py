"""A network of torchvision, with published weights or a file of its tensors."""

import importlib
from pathlib import Path
from typing import Any

from torch import nn

from tradeoffs.models import libraries
from tradeoffs.models.conversion import Converted, Preprocessing, Settings
from tradeoffs.models.libraries import same_classes
from tradeoffs.models.networks import unwrapped
from tradeoffs.models.unavailable import not_fetched
from tradeoffs.step.errors import InputError


def read(settings: Settings, checkpoint: Path | None) -> Converted:
    """Return the model; InputError for unknown names, another number of classes, and a download that fails."""
    return libraries.read(settings, "torchvision", fetch, checkpoint)


def usual(name: str) -> str:
    """Return the published weights that torchvision takes where none are named: the newest of its own."""
    models: Any = importlib.import_module("torchvision.models")
    if name not in models.list_models(module=models):
        unwrapped(f"torchvision/{name}", 1000)  # raises, with the names that come close
    return str(models.get_model_weights(name).DEFAULT.name)


def fetch(name: str, pretrained: str, num_classes: int) -> tuple[nn.Module, Preprocessing]:
    """Return torchvision's network with the published weights named ``pretrained``, downloaded by torchvision."""
    models: Any = importlib.import_module("torchvision.models")
    if name not in models.list_models(module=models):
        unwrapped(f"torchvision/{name}", num_classes)  # raises, with the names that come close
    published = {weights.name: weights for weights in models.get_model_weights(name)}  # without the alias DEFAULT
    if pretrained not in published:
        there = ", ".join(published) or "none"
        raise InputError(f"pretrained: torchvision has no weights {pretrained!r} of {name}; it has {there}")
    weights = published[pretrained]
    same_classes(len(weights.meta["categories"]), num_classes, f"{name} ({pretrained})")
    transform = weights.transforms()
    try:
        network: nn.Module = models.get_model(name, weights=weights)
    except Exception as error:
        raise not_fetched(name, pretrained, error) from None
    return network, Preprocessing(list(transform.mean), list(transform.std), int(transform.crop_size[0]))
