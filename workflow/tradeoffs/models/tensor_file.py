"""A user's file of tensors as weights of this workflow: a state_dict, or a checkpoint that holds one."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tradeoffs.models import choice, normalisers, state_dict
from tradeoffs.models.conversion import Converted, Settings, check_channels, chosen, images, probe, proven
from tradeoffs.models.networks import build, unwrapped
from tradeoffs.models.normalised import Wrapped
from tradeoffs.step.errors import InputError

_OF_WRAPPED = {"mean", "std", "_extra_state"}  # what wrapping adds to a network's tensors


def as_saved(content: Any) -> Any:
    """Return a file's content as it is."""
    return content


def read(
    settings: Settings, architecture: str, checkpoint: Path, renamed: Callable[[Any], Any] = as_saved
) -> Converted:
    """Return the model in a file of tensors, normalisation included.

    ``renamed``: gives the tensors in the file's content the names that they have in the network of today.
    InputError, naming the file or the key: tensors missing or surplus or of another type, another number of classes,
    no preprocessing, a file that is no weights or holds more than one set of them, a network that its tensors alone do
    not determine.
    """
    whole = build(architecture, settings.classes)
    network = unwrapped(architecture, settings.classes) if isinstance(whole, Wrapped) else whole
    content = renamed(state_dict.read(checkpoint))
    shapes = [choice.shapes(whole), choice.shapes(network)]
    taken = choice.take(content, shapes, settings.weights, checkpoint)
    names = taken.tensors.keys() if isinstance(taken.tensors, dict) else set()
    if isinstance(whole, Wrapped) and whole.classifier is None and not names >= _OF_WRAPPED:
        # Without a head apart, all names of what is wrapped are the network's own after "backbone.".
        taken = choice.take(content, shapes[1:], settings.weights, checkpoint)
        names = taken.tensors.keys() if isinstance(taken.tensors, dict) else set()
    what = f"a {architecture} with {settings.classes} classes"
    if isinstance(taken.tensors, dict) and (network is whole or names == whole.state_dict().keys()):
        source = {"pretrained": None, "weights": _said(taken)}
        tensors = taken.tensors | _surplus(taken.key, whole.state_dict().keys(), taken.beside)
        return Converted(_already_whole(settings, whole, tensors, checkpoint), architecture, source, {})
    settings, weights = fill(network, content, taken, settings, what, checkpoint)
    source = {"pretrained": None, "weights": weights}
    named = str(checkpoint)
    preprocessing = chosen(settings, None, named)
    return Converted(proven(network, architecture, settings.classes, preprocessing, named), architecture, source, {})


def fill(
    network: nn.Module, content: Any, taken: choice.Taken, settings: Settings, what: str, checkpoint: Path
) -> tuple[Settings, dict[str, Any]]:
    """Load the weights ``taken`` from a file's ``content`` into a network for normalised images; ``what`` names it.

    Return the settings with the normaliser that the file brings, and what a card says of the weights. InputError where
    they do not fit, and for a normaliser that contradicts the settings.
    """
    tensors, beside, weights = taken.tensors, taken.beside, _said(taken)
    normalising: dict[str, Tensor] = {}
    if isinstance(tensors, dict):
        own = network.state_dict()
        # A normaliser without a name before it stands among the network's own.
        beside = beside | {item: tensors[item] for item in tensors if item not in own}
        normalising, surplus = normalisers.split(beside)
        tensors = {item: tensor for item, tensor in tensors.items() if item in own}
        tensors |= _surplus(taken.key, own.keys(), surplus)
    state_dict.fit(network, tensors, checkpoint, what)
    check_channels(settings)
    given = settings.mean is not None and settings.std is not None
    if settings.mean and settings.std and (left := normalisers.overruled(content, settings.mean, settings.std)):
        weights["normalisers_left"] = left
    if found := normalisers.find(content, normalising, checkpoint, given=given):
        mean, std = normalisers.agreed(found, settings.mean, settings.std, checkpoint)
        settings = settings._replace(mean=mean, std=std)
        weights["normaliser"] = found.name
    return settings, weights


def _said(taken: choice.Taken) -> dict[str, Any]:
    """Return what a card says of the weights that were taken."""
    stored = {"stored_as": state_dict.float_types(taken.tensors)} if isinstance(taken.tensors, dict) else {}
    return {"taken": taken.key, "left": taken.others} | stored


def _surplus(key: str, own: Collection[str], surplus: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors beside the weights by names that are none of the network's ``own``, for the error to show.

    So none stands in for one that the weights lack: a head beside an encoder may be of another training.
    """
    return {f"{item} (beside {key})" if item in own else item: surplus[item] for item in surplus}


def _already_whole(settings: Settings, whole: nn.Module, tensors: Any, checkpoint: Path) -> dict[str, Tensor]:
    """Weights that this workflow wrote: normalisation is inside, so the settings may not bring another."""
    state_dict.fit(whole, tensors, checkpoint, f"a {settings.name} with {settings.classes} classes")
    for key in ("mean", "std", "input_size"):
        if (value := getattr(settings, key)) is not None:
            raise InputError(f"{key}: {value}, but {checkpoint} brings its own normalisation; use null")
    probe(whole, images(getattr(whole, "input_size", 32)), settings.classes, str(checkpoint))
    return dict(whole.state_dict())
