"""The mean and standard deviation that a checkpoint carries beside its network, wherever they lie in it.

Wrappers that normalise inside keep them as tensors: MadryLab's ``robustness`` (``normalizer.new_mean``), RobustBench
(``mu`` and ``sigma``, ``normalize.mean``), a ``Sequential`` of the two (``0.mean``); training scripts keep them as
numbers among their settings. Without them the network would see other colours, and nothing would say so.
"""

import re
from argparse import Namespace
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from tradeoffs.step.errors import InputError

# Their last names. Between them and the start of a name may be anything.
_NAMES = {
    "new_mean": ("new_std",),
    "mean": ("std", "sigma"),
    "_mean": ("_std",),
    "mu": ("sigma", "std"),
    "means": ("stds", "std", "sigmas"),
    "sub": ("div",),
    "pixel_mean": ("pixel_std",),
    "image_mean": ("image_std",),
    "img_mean": ("img_std",),
    "norm_mean": ("norm_std",),
    "data_mean": ("data_std",),
    "mean_": ("std_",),
    "dataset_mean": ("dataset_std",),
    "input_mean": ("input_std",),
}
# What settings of a training or of its images are called, in lower case, somewhere on their path in a checkpoint.
_CONFIGURES = re.compile(
    r"(?<![a-z])(?:(?:kw)?args?|opts?|options|data|dataset|dataloader|datamodule|image|img|pixel|input)(?![a-z])"
    r"|h(?:yper_?)?param|cfg|config|settings|normali[sz]|(?<![a-z])norm_mean|preproc|transforms?(?![a-z])"
)
_DEPTH = 8
_FEW = 16  # numbers at most that are looked at as values of channels: (1, 3, 1, 1) of them, or one
LARGEST = 3.0  # of what is in units of pixels in [0, 1]; in those of 0 to 255 it is about 120
_PIXELS = 255.0
_ROUNDING = 1e-5  # of a value, in its own units
_ALONE = "save the state_dict of the network alone, and give mean and std"


class Normaliser(NamedTuple):
    """Mean and standard deviation of three channels as they lie in a file, and the name of the mean there."""

    mean: list[float]
    std: list[float]
    name: str


def split(rest: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the tensors of a state_dict that are normalisers, and the others."""
    pairs = {name for pair in _pairs(rest) for name in pair}
    return {n: t for n, t in rest.items() if n in pairs}, {n: t for n, t in rest.items() if n not in pairs}


def find(content: Any, beside: dict[str, Tensor], path: Path, *, given: bool) -> Normaliser | None:
    """Return the normaliser of a file: among the tensors ``beside`` the network's own, or in ``content``'s settings.

    ``given``: whether the user says mean and std; then settings of a training say nothing. InputError where one is not
    three finite values, above 0 for the deviation, and where two differ.
    """
    found = [_normaliser(beside, *pair, path) for pair in _pairs(beside)]
    if not given:
        found += [_normaliser(settings, mean, std, path, place) for place, settings, mean, std in _stated(content)]
    for other in found[1:]:
        if not _same(other.mean, found[0].mean) or not _same(other.std, found[0].std):
            raise InputError(
                f"{path}: holds two normalisers with other values ({found[0].name}: {found[0].mean}, "
                f"{found[0].std}; {other.name}: {other.mean}, {other.std}); {_ALONE}"
            )
    return found[0] if found else None


def overruled(content: Any, mean: list[float], std: list[float]) -> list[str]:
    """Return the names of means among ``content``'s settings that say otherwise than the user, whose word counts."""
    return [
        f"{place}.{name}" if place else name
        for place, settings, name, deviation in _stated(content)
        if not _same(_channels(settings[name]) or [], mean) or not _same(_channels(settings[deviation]) or [], std)
    ]


def agreed(found: Normaliser, mean: list[float] | None, std: list[float] | None, path: Path) -> tuple[list[float], ...]:
    """Return mean and deviation for pixels in [0, 1]: those of the file, which what was given may not contradict.

    InputError where it does, and where only the file's own are there, in units other than pixels in [0, 1].
    """
    for key, given, own in (("mean", mean, found.mean), ("std", std, found.std)):
        if given is not None and not (_same(given, own) or _same([_PIXELS * value for value in given], own)):
            raise InputError(
                f"{key}: {given}, but {path} brings its own normaliser ({found.name}: mean {found.mean}, std "
                f"{found.std}); use null for its own, or save the state_dict of the network alone"
            )
    if mean is not None and std is not None:
        return mean, std
    if max(map(abs, found.mean + found.std)) > LARGEST:
        raise InputError(
            f"{path}: its normaliser ({found.name}) has mean {found.mean} and std {found.std}, not in units of pixels "
            "in [0, 1]; give mean and std, which are these divided by the largest pixel (255)"
        )
    return found.mean, found.std


def _same(one: list[float], other: list[float]) -> bool:
    """Whether values of channels are the same but for the rounding of 32 bits."""
    return len(one) == len(other) and all(
        abs(a - b) <= _ROUNDING * max(1, abs(b)) for a, b in zip(one, other, strict=True)
    )


def _pairs(names: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names of means and of the deviations beside them."""
    for name in names:
        before, _, last = str(name).rpartition(".")
        start = f"{before}." if before else ""
        for std in _NAMES.get(last.lower(), ()):
            other = next((n for n in names if str(n).lower() == f"{start}{std}".lower()), None)
            if other is not None:
                yield name, other
                break


def _stated(content: Any) -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """Yield place, settings, names of mean and deviation of three numbers each that a path calls configuration.

    Results have means and deviations too, and three of them where there are three seeds.
    """
    for place, settings in _settings(content, "", 0):
        for mean, std in _pairs(settings):
            if _listed(settings[mean]) and _listed(settings[std]) and _CONFIGURES.search(f"{place}.{mean}".lower()):
                yield place, settings, mean, std


def _settings(content: Any, place: str, depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the dicts of a checkpoint that hold no network, with their places; a Namespace (timm) is one of them."""
    if isinstance(content, Namespace):
        content = vars(content)
    if depth > _DEPTH or not isinstance(content, dict):
        return
    settings = {str(name): value for name, value in content.items()}
    if not any(isinstance(value, Tensor) and value.numel() > _FEW for value in settings.values()):
        yield place, settings
    for name, item in content.items():
        yield from _settings(item, f"{place}.{name}" if place else str(name), depth + 1)


def _normaliser(values: dict[str, Any], mean: str, std: str, path: Path, place: str = "") -> Normaliser:
    start = f"{place}." if place else ""
    numbers = {name: _channels(values[name]) for name in (mean, std)}
    for name, found in numbers.items():
        if found is None or (name == std and min(found) <= 0):
            shown = values[name].flatten()[:4].tolist() if _plain(values[name]) else str(values[name])[:60]
            raise InputError(
                f"{path}: {start}{name} is {shown}; expected three values, finite"
                f"{' and above 0' if name == std else ''}; {_ALONE}"
            )
    return Normaliser(numbers[mean] or [], numbers[std] or [], f"{start}{mean}")


def _listed(value: Any) -> bool:
    """Whether a setting is three numbers."""
    if isinstance(value, Tensor):
        return value.numel() == 3
    return isinstance(value, list | tuple) and len(value) == 3 and all(type(item) in (int, float) for item in value)


def _channels(value: Any) -> list[float] | None:
    """Return the values of three channels; one alone stands for all; None for anything else."""
    if isinstance(value, Tensor):
        if not _plain(value) or not value.is_floating_point() or value.numel() > _FEW:
            return None
        value = value.flatten().tolist()
    if type(value) in (int, float):
        value = [value]
    if not isinstance(value, list | tuple) or not all(type(number) in (int, float) for number in value):
        return None
    numbers = [float(number) for number in value] * (3 if len(value) == 1 else 1)
    return numbers if len(numbers) == 3 and all(map(isfinite, numbers)) else None


def _plain(value: Any) -> bool:
    """Whether a tensor has values that can be listed."""
    return (
        isinstance(value, Tensor) and str(value.layout) == "torch.strided" and not (value.is_meta or value.is_quantized)
    )
