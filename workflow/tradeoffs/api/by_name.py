"""A model that a text names: of a library, of the zoo, a function's, a file's. It is built as the workflow builds it.

The ways in are those of :mod:`tradeoffs.models.sources`.
"""

import importlib
import re
from pathlib import Path
from typing import Any

import torch

from tradeoffs.api import zoo_file
from tradeoffs.api.described import CLASSES, Given, How, digest, settings
from tradeoffs.api.kinds import path_of
from tradeoffs.models import convert, formats, sources, state_dict, zoo
from tradeoffs.models.networks import loaded
from tradeoffs.models.sources import zoo as of_zoo
from tradeoffs.step.cards import check
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json, sha256

_OF_ENTRY = ("mean", "std", "input_size", "classes", "architecture", "weights")  # what an entry of the zoo says


def located(text: str, how: How) -> Path:
    """Return the path of a text that names a model, whether a file is there or not; nothing is loaded.

    InputError for what names neither a file nor a network, and for code that nobody trusts.
    """
    path = path_of("model", text, "a network's name, or the path of a file")
    library, slash, _ = text.partition("/")
    facts = sources.listed().get(library)
    of_library = slash and (library == "zoo" or (facts is not None and facts.own and facts.pretrained))
    if path.is_file() or of_library:
        return path
    if not re.fullmatch(r".+:\w+", text):
        raise InputError(
            f"model: {text!r}; no such file, and no name of a network: expected torchvision/<name>, timm/<name>, zoo/"
            "<name>, the path of a file of weights, a function that makes the network (file.py:function), or, to "
            "compare, the folder that evaluate wrote"
        )
    if not how.trust:
        raise InputError(f"model: {text!r} is code; if you trust it, say trust (trust=True, --trust)")
    return path


def by_name(text: str, how: How, device: torch.device) -> Given:
    """Return the model that a text names, on a device. InputError for what is no such name, or refused."""
    path = located(text, how)
    library, slash, rest = text.partition("/")
    if slash and library == "zoo" and not path.is_file():
        return _of_zoo(rest, how, device)
    facts = sources.listed().get(library)
    if slash and facts is not None and facts.own and facts.pretrained and not path.is_file():
        if how.architecture is not None:
            raise InputError(f"architecture: {how.architecture}, but {text} says it; leave it out")
        module = importlib.import_module(f"tradeoffs.models.sources.{library}")
        known, _, pretrained = rest.partition(".")
        if not pretrained and not hasattr(module, "usual"):
            raise InputError(f"model: {text!r}; name the weights too, as {library}/<name>.<weights>")
        pretrained = pretrained or module.usual(known)
        how = how._replace(architecture=known)
        return _converted(library, how, None, device, f"{library}/{known}.{pretrained}", pretrained)
    if not path.is_file():
        return _converted("python", how, None, device, text, None)
    formats.refuse(path)
    if formats.is_script(path):
        if not how.trust:
            raise InputError(
                f"{path}: a TorchScript file is code, which runs when it is loaded and used; if you trust it, say "
                "trust (trust=True, --trust)"
            )
        if how.architecture is not None:
            raise InputError(f"architecture: {how.architecture}, but {path} is TorchScript and brings its own")
        return _converted("torchscript", how, path, device, path.stem, None)
    if how.architecture is not None and how.architecture.startswith("open_clip/"):
        named = how._replace(architecture=how.architecture.removeprefix("open_clip/"))
        return _converted("open_clip", named, path, device, path.stem, None)
    told = _as_its_card_says(path, how)
    if told.architecture in ("torchscript", "python"):
        return _of_workflow(path, how, str(told.architecture), told.classes or CLASSES, device)
    return _converted("state_dict", told, path, device, path.stem, None)


def _of_workflow(path: Path, how: How, architecture: str, classes: int, device: torch.device) -> Given:
    """Return a model that the workflow converted from code, which its file holds or names."""
    if not how.trust:
        raise InputError(
            f"{path}: its card says {architecture}, which is code; if you trust it, say trust (trust=True)"
        )
    if said := [key for key in ("mean", "std", "input_size", "weights") if getattr(how, key) is not None]:
        raise InputError(f"{', '.join(said)}: {path} brings its own; leave it out")
    tensors = state_dict.read(path)
    content: dict[str, Any] = {
        "weights": digest(tensors),
        "source": {"name": architecture, "file": path.name, "sha256": sha256(path)},
        "confined": False,
    }
    return Given(loaded(tensors, path, architecture, classes, device), path.stem, architecture, classes, content)


def _of_zoo(name: str, how: How, device: torch.device) -> Given:
    """Return a published model of the zoo, whose entry says all of it."""
    if said := [key for key in _OF_ENTRY if getattr(how, key) is not None]:
        raise InputError(f"{', '.join(said)}: given beside zoo/{name}, whose entry says that; leave it out")
    entry = zoo.find(name)
    file = zoo_file.at_hand(entry)
    found = convert.convert("zoo", of_zoo.Settings(entry.name, CLASSES), file)
    built = loaded(found.tensors, file, found.architecture, CLASSES, device)
    origin = {"name": "zoo", "file": file.name, "sha256": sha256(file)}
    content = {"weights": digest(found.tensors), "source": origin | found.source} | found.content
    return Given(built, f"zoo/{entry.name}", found.architecture, CLASSES, content)


def _as_its_card_says(path: Path, how: How) -> How:
    """Return what is said of weights, completed from the card beside them where the workflow made both."""
    _, of_weights = check(path, ours=False)
    card = read_json(of_weights) if of_weights else {}
    if card.get("unavailable"):
        raise InputError(f"{path}: these weights could not be had ({card['unavailable']})")
    architecture = how.architecture or card.get("architecture") or card.get("spec", {}).get("architecture")
    if architecture is None:
        raise InputError(
            f"{path}: holds tensors alone; say of which network by architecture, as resnet50, torchvision/vit_b_16 or "
            "timm/<name>"
        )
    return how._replace(architecture=architecture, classes=how.classes or card.get("classes"))


def _converted(
    source: str, how: How, file: Path | None, device: torch.device, name: str, pretrained: str | None
) -> Given:
    classes = how.classes or CLASSES
    told = settings(how, classes)._replace(name=how.architecture, pretrained=pretrained, weights=how.weights)
    if sources.find(source).factory:
        told = told._replace(factory=name)
    found = convert.convert(source, told, file)
    built = loaded(found.tensors, file or Path(name), found.architecture, classes, device)
    origin = {"name": source, "file": file.name if file else None, "sha256": sha256(file) if file else None}
    content: dict[str, Any] = {"weights": digest(found.tensors), "source": origin | found.source}
    if sources.find(source).code:
        content["confined"] = False
    return Given(built, name, found.architecture, classes, content)
