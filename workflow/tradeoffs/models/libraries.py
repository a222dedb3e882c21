"""Networks with the weights that torchvision or timm publish, and the preprocessing published with them."""

import importlib
from typing import Any, NamedTuple

from torch import nn

from tradeoffs.models.networks import import_timm, unwrapped
from tradeoffs.step.errors import InputError


class Preprocessing(NamedTuple):
    """Mean and standard deviation per channel of pixels in [0, 1]; image size in pixels, 0 for any."""

    mean: list[float]
    std: list[float]
    input_size: int


def fetch(source: str, name: str, pretrained: str, num_classes: int) -> tuple[nn.Module, Preprocessing]:
    """Return the library's network with the published weights named ``pretrained``, downloaded by the library.

    The name is required because a library's default changes: timm's ResNet-50 became another network, with other
    background gaps. InputError for unknown names, another number of classes, and a download that fails.
    """
    if source not in ("torchvision", "timm"):
        raise InputError(f"pretrained: {pretrained!r} has no meaning for source {source}; give a --checkpoint file")
    return (_torchvision if source == "torchvision" else _timm)(name, pretrained, num_classes)


def _torchvision(name: str, pretrained: str, num_classes: int) -> tuple[nn.Module, Preprocessing]:
    models: Any = importlib.import_module("torchvision.models")
    if name not in models.list_models(module=models):
        unwrapped(f"torchvision/{name}", num_classes)  # raises, with the names that come close
    published = {weights.name: weights for weights in models.get_model_weights(name)}  # without the alias DEFAULT
    if pretrained not in published:
        there = ", ".join(published) or "none"
        raise InputError(f"pretrained: torchvision has no weights {pretrained!r} of {name}; it has {there}")
    weights = published[pretrained]
    _same_classes(len(weights.meta["categories"]), num_classes, f"{name} ({pretrained})")
    transform = weights.transforms()
    try:
        network: nn.Module = models.get_model(name, weights=weights)
    except Exception as error:
        raise _not_fetched(name, pretrained, error) from None
    return network, Preprocessing(list(transform.mean), list(transform.std), int(transform.crop_size[0]))


def _timm(name: str, pretrained: str, num_classes: int) -> tuple[nn.Module, Preprocessing]:
    timm = import_timm()
    if not timm.is_model(name):
        unwrapped(f"timm/{name}", num_classes)  # raises, with the names that come close
    tagged = f"{name}.{pretrained}"
    known = timm.list_pretrained(f"{name}.*")
    if tagged not in known:
        there = ", ".join(entry.partition(".")[2] for entry in known) or "none"
        raise InputError(f"pretrained: timm has no weights {pretrained!r} of {name}; it has {there}")
    published = timm.get_pretrained_cfg(tagged)
    # Asked for another number of classes, timm would start a new head at random and say nothing.
    _same_classes(published.num_classes, num_classes, tagged)
    try:
        network: nn.Module = timm.create_model(tagged, pretrained=True)
    except Exception as error:
        raise _not_fetched(name, pretrained, error) from None
    return network, Preprocessing(list(published.mean), list(published.std), int(published.input_size[-1]))


def _same_classes(published: int, wanted: int, what: str) -> None:
    if published != wanted:
        raise InputError(f"classes: {wanted}, but {what} was published with {published}")


def _not_fetched(name: str, pretrained: str, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:200]
    return InputError(
        f"pretrained: the weights {pretrained} of {name} could not be downloaded ({reason}); try again, or download "
        "them by hand and give the file as --checkpoint with pretrained: null"
    )
