"""A network of a library, by its published weights, which the library fetches, or by a file of the user's."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from tradeoffs.models import tensor_file
from tradeoffs.models.conversion import Converted, Preprocessing, Settings, chosen, proven
from tradeoffs.step.errors import InputError

# Name of a network, name of its published weights, number of classes -> the network and its preprocessing.
Fetch = Callable[[str, str, int], tuple[nn.Module, Preprocessing]]


def read(settings: Settings, library: str, fetch: Fetch, checkpoint: Path | None) -> Converted:
    """Return a model of a library; InputError as :mod:`tradeoffs.models.tensor_file`, and for unknown weights.

    Published weights are named because a library's default changes: timm's ResNet-50 became another network, with other
    background gaps.
    """
    architecture = f"{library}/{settings.name}"
    if checkpoint is not None:
        return tensor_file.read(settings, architecture, checkpoint)
    name, pretrained = str(settings.name), str(settings.pretrained)
    network, published = fetch(name, pretrained, settings.classes)
    what = f"{name} ({pretrained})"
    preprocessing = chosen(settings, published, what)
    tensors = proven(network, architecture, settings.classes, preprocessing, what)
    return Converted(tensors, architecture, {"pretrained": pretrained, "weights": {}}, {})


def same_classes(published: int, wanted: int, what: str) -> None:
    """InputError where published weights have another number of classes."""
    if published != wanted:
        raise InputError(f"classes: {wanted}, but {what} was published with {published}")
