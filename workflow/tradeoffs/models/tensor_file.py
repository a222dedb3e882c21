"""A user's file of tensors as weights of this workflow: a state_dict, or a checkpoint that holds one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tradeoffs.models import choice, normalisers, state_dict
from tradeoffs.models.conversion import Converted, Settings, check_channels, chosen, images, probe, proven
from tradeoffs.models.networks import build, unwrapped
from tradeoffs.models.normalised import Wrapped
from tradeoffs.step.errors import InputError


def as_saved(content: Any) -> Any:
    """Return a file's content as it is."""
    return content


def read(settings: Settings, architecture: str, checkpoint: Path, names: Callable[[Any], Any] = as_saved) -> Converted:
    """Return the model in a file of tensors, normalisation included.

    ``names``: gives the tensors in the file's content the names that they have in the network of today.
    InputError, naming the file or the key: tensors missing or surplus or of another type, another number of classes,
    no preprocessing, a file that is no weights or holds more than one set of them, a network that its tensors alone do
    not determine.
    """
    whole = build(architecture, settings.classes)
    network = unwrapped(architecture, settings.classes) if isinstance(whole, Wrapped) else whole
    content = names(state_dict.read(checkpoint))
    shapes = [choice.shapes(whole), choice.shapes(network)]
    tensors, key, others, beside = choice.take(content, shapes, settings.weights, checkpoint)
    weights: dict[str, Any] = {"taken": key, "left": others}
    normalising: dict[str, Tensor] = {}
    is_whole = isinstance(tensors, dict) and (network is whole or tensors.keys() == whole.state_dict().keys())
    if isinstance(tensors, dict):
        weights["stored_as"] = state_dict.float_types(tensors)
        own = network.state_dict()
        if not is_whole:  # a normaliser without a name before it stands among the network's own
            beside = beside | {item: tensors[item] for item in tensors if item not in own}
        normalising, surplus = ({}, beside) if is_whole else normalisers.split(beside)
        tensors = {item: tensor for item, tensor in tensors.items() if is_whole or item in own}
        tensors |= {f"{item} (beside {key})" if item in tensors else item: surplus[item] for item in surplus}
    source = {"pretrained": None, "weights": weights}
    if is_whole:
        return Converted(_already_whole(settings, whole, tensors, checkpoint), architecture, source, {})
    state_dict.fit(network, tensors, checkpoint, f"a {architecture} with {settings.classes} classes")
    check_channels(settings)
    if found := normalisers.find(content, normalising, checkpoint):
        mean, std = normalisers.agreed(found, settings.mean, settings.std, checkpoint)
        settings = settings._replace(mean=mean, std=std)
        weights["normaliser"] = found.name
    what = str(checkpoint)
    preprocessing = chosen(settings, None, what)
    return Converted(proven(network, architecture, settings.classes, preprocessing, what), architecture, source, {})


def _already_whole(settings: Settings, whole: nn.Module, tensors: Any, checkpoint: Path) -> dict[str, Tensor]:
    """Weights that this workflow wrote: normalisation is inside, so the settings may not bring another."""
    state_dict.fit(whole, tensors, checkpoint, f"a {settings.name} with {settings.classes} classes")
    for key in ("mean", "std", "input_size"):
        if (value := getattr(settings, key)) is not None:
            raise InputError(f"{key}: {value}, but {checkpoint} brings its own normalisation; use null")
    probe(whole, images(getattr(whole, "input_size", 32)), settings.classes, str(checkpoint))
    return dict(whole.state_dict())
