"""Where a model can come from (``sources.yaml``), one module each, and what its architecture is called here."""

from pathlib import Path
from typing import NamedTuple

import yaml

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import read_text


class Source(NamedTuple):
    """What a source needs and gives; the fields are those of ``sources.yaml``."""

    own: bool
    name: str
    pretrained: bool
    code: bool
    normalisation: str
    features: bool


SOURCES = {
    name: Source(**facts) for name, facts in yaml.safe_load(read_text(Path(__file__).with_name("sources.yaml"))).items()
}
OWN = tuple(name for name, source in SOURCES.items() if source.own)


def find(source: str) -> Source:
    """Return what is known of a source; InputError, with those there are, for an unknown one."""
    if source not in SOURCES:
        raise InputError(f"source: {source!r} is unknown; choose one of {', '.join(SOURCES)}")
    return SOURCES[source]


def architecture(source: str, name: str | None) -> str:
    """Return the architecture to evaluate a converted model with, as ``networks.load`` takes it.

    ``name`` is the model's name in the library (torchvision, timm), the architecture itself (state_dict: ``resnet50``,
    ``torchvision/vit_b_16``), or None (torchscript: the file is the network).
    """
    kind = find(source).name
    if kind == "none":
        if name is not None:
            raise InputError(f"name: {name!r} has no meaning for source {source} (the file is the network); use null")
        return source
    if not name:
        raise InputError(f"name: missing; source {source} needs the name of a network")
    return f"{source}/{name}" if kind == "library" else name
