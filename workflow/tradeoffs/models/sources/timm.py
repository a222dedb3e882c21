"""A network of timm, with published weights or a file of its tensors."""

from pathlib import Path

from torch import nn

from tradeoffs.models import libraries
from tradeoffs.models.conversion import Converted, Preprocessing, Settings
from tradeoffs.models.libraries import same_classes
from tradeoffs.models.networks import import_timm, unwrapped
from tradeoffs.models.unavailable import not_fetched
from tradeoffs.step.errors import InputError


def read(settings: Settings, checkpoint: Path | None) -> Converted:
    """Return the model; InputError for unknown names, another number of classes, and a download that fails."""
    return libraries.read(settings, "timm", fetch, checkpoint)


def usual(name: str) -> str:
    """Return the tag of the published weights that timm takes where none are named."""
    timm = import_timm()
    if not timm.is_model(name):
        unwrapped(f"timm/{name}", 1000)  # raises, with the names that come close
    published = timm.get_pretrained_cfg(name)
    if published is None or f"{name}.{published.tag}" not in timm.list_pretrained(f"{name}.*"):
        raise InputError(f"model: timm publishes no weights of {name}; give a file of yours, with architecture")
    return str(published.tag)


def fetch(name: str, pretrained: str, num_classes: int) -> tuple[nn.Module, Preprocessing]:
    """Return timm's network with the published weights of tag ``pretrained``, downloaded by timm."""
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
    same_classes(published.num_classes, num_classes, tagged)
    try:
        network: nn.Module = timm.create_model(tagged, pretrained=True)
    except Exception as error:
        raise not_fetched(name, pretrained, error) from None
    return network, Preprocessing(list(published.mean), list(published.std), int(published.input_size[-1]))
