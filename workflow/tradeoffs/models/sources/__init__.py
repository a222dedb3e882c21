"""Where a model can come from (``sources.yaml``), one module each, and what its architecture is called here."""

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args, get_type_hints

from tradeoffs.step.errors import InputError
from tradeoffs.step.yaml_files import read

TABLE = Path(__file__).with_name("sources.yaml")


class Source(NamedTuple):
    """What a source needs and gives; the fields are those of ``sources.yaml``."""

    own: bool
    name: Literal["library", "architecture", "none"]
    pretrained: bool
    code: bool
    factory: bool
    normalisation: Literal["published", "given"]
    features: bool


@cache
def listed(table: Path = TABLE) -> dict[str, Source]:
    """Return what is known of each source; InputError names the key of the table that is wrong."""
    found = {}
    for source, facts in read(table).items():
        if not isinstance(facts, dict) or facts.keys() != set(Source._fields):
            raise InputError(f"{table}: {source}: expected the keys {', '.join(Source._fields)}")
        for key, hint in get_type_hints(Source).items():
            allowed = get_args(hint) or (True, False)
            if facts[key] not in allowed:
                choice = ", ".join(map(str, allowed))
                raise InputError(f"{table}: {source}.{key} = {facts[key]!r}; expected one of {choice}")
        found[source] = Source(**facts)
    return found


def own() -> list[str]:
    """Return the sources of models of the user's."""
    return [name for name, source in listed().items() if source.own]


def find(source: str) -> Source:
    """Return what is known of a source; InputError, with those there are, for an unknown one."""
    if source not in listed():
        raise InputError(f"source: {source!r} is unknown; choose one of {', '.join(listed())}")
    return listed()[source]


def architecture(source: str, name: str | None) -> str:
    """Return the architecture to evaluate a converted model with, as ``networks.load`` takes it.

    ``name`` is the model's name in the library (torchvision, timm), the architecture itself (state_dict: ``resnet50``,
    ``torchvision/vit_b_16``), or None (torchscript and python: the file, or what the factory makes, is the network).
    """
    kind = find(source).name
    if kind == "none":
        if name is not None:
            given = "the factory makes the network" if find(source).factory else "the file is the network"
            raise InputError(f"name: {name!r} has no meaning for source {source} ({given}); use null")
        return source
    if not name:
        raise InputError(f"name: missing; source {source} needs the name of a network")
    return f"{source}/{name}" if kind == "library" else name
