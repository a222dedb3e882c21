"""Put any model through a benchmark.

tradeoffs evaluate --model timm/vit_base_patch16_224.augreg_in1k --benchmark waterbirds --data PATH --out DIR
"""

import re
import tempfile
from pathlib import Path
from typing import Annotated, Any

import yaml

from tradeoffs.api import defaults, folders
from tradeoffs.api.described import How
from tradeoffs.api.evaluate import one
from tradeoffs.api.kinds import path_of
from tradeoffs.compute.device import choose_device
from tradeoffs.models import confinement
from tradeoffs.step.errors import InputError
from tradeoffs.study.config_files import refuse_trap


def run(
    *,
    model: Annotated[str, "torchvision/, timm/ or open_clip/<name>[.<weights>], zoo/<name>, a file, file.py:function"],
    benchmark: Annotated[str, "what to measure (tradeoffs list benchmarks)"],
    data: Annotated[list[str], "folder of the data set; NAME=PATH for each where there are several"],
    out: Annotated[Path, "folder for the card (JSON) and the images (npz)"],
    mean: Annotated[list[float] | None, "mean of each channel, of pixels in [0, 1]"] = None,
    std: Annotated[list[float] | None, "standard deviation of each channel"] = None,
    input_size: Annotated[int | None, "pixels of a network of a fixed size"] = None,
    classes: Annotated[int | None, "their number, if not 1000"] = None,
    architecture: Annotated[str | None, "of the network in a file of tensors"] = None,
    weights: Annotated[str | None, "ema or raw, where a file has both"] = None,
    features: Annotated[str | None, "layer whose output a linear head is fitted on"] = None,
    trust: Annotated[bool, "run code: a TorchScript file, a function of yours"] = False,
    name: Annotated[str | None, "what the model is called in the card"] = None,
    study: Annotated[str, "whose settings are taken"] = "imagenet",
    settings: Annotated[list[str] | None, "NAME=VALUE of each that is another"] = None,
) -> None:
    """Evaluate one model, write ``<benchmark>.json`` and ``<benchmark>.npz``, and print the metrics."""
    changes = changed(settings or [])
    script = trust and Path(model).expanduser().is_file()  # a function of the user's own has all their rights
    places = folders_of(data)
    remarks = {"confined": _confined(path_of("--out", out), benchmark, places, study, changes)} if script else {}
    how = How(mean, std, input_size, classes, architecture, weights, features, trust)
    print(one(model, benchmark, places, how, name, study, changes, choose_device(), out, True, remarks))


def _confined(out: Path, benchmark: str, places: str | dict[str, str], study: str, changes: dict[str, Any]) -> bool:
    """Take from this process the right to write outside ``out``; return whether the system did so.

    The folder is made for it, and cannot be removed any more: benchmark and data are asked for before.
    """
    chosen = defaults.chosen(benchmark, study, changes)
    with folders.opened(benchmark, places, chosen.get("domains", {"val": "val"}).values()):
        pass
    confined = confinement.confine(out)
    if confined:
        tempfile.tempdir = str(out)  # a link to data of another layout is made there
    return confined


def folders_of(given: list[str]) -> str | dict[str, str]:
    """Return a path alone, or folders by the names of their data sets; InputError for anything between."""
    if len(given) == 1 and "=" not in given[0]:
        return given[0]
    return named("--data", given, "NAME=PATH for each, as imagenet=PATH")


def named(option: str, given: list[str], expected: str) -> dict[str, str]:
    """Return what stands after the = by what stands before; InputError where one of them is missing."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise InputError(f"{option}: {text!r}; expected {expected}")
        if name in found:
            raise InputError(f"{option}: {name} is named twice; expected each once")
        found[name] = value
    return found


def changed(given: list[str]) -> dict[str, Any]:
    """Return settings by name, their values read as YAML: numbers, text, [lists]; InputError for another form."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if name in found:
            raise InputError(f"--settings: {name} is named twice; expected each once")
        try:
            refuse_trap(value, f"--settings {name}")
            found[name] = _numbers(yaml.safe_load(value))
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError):  # a date, say, that there is not
            equals = ""
        if not (equals and name):
            raise InputError(f"--settings: {text!r}; expected NAME=VALUE, as bootstrap=200 or linf_levels=[0.1, 0.2]")
    return found


def _numbers(value: Any) -> Any:
    """Return a value with numbers such as 1e-3, which YAML 1.1 reads as text, as what they are."""
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    number = isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]+", value)
    return float(value) if number else value
