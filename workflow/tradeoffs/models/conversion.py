"""What the sources of models share: their settings, the preprocessing that is chosen, the proof of what was built.

A network is built again from what is written and must give the same logits as the original: nothing that the tensors
do not carry (a changed input, a second head) is lost silently.
"""

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tradeoffs.models import normalisers, state_dict
from tradeoffs.models.answers import finite
from tradeoffs.models.networks import build
from tradeoffs.models.normalised import wrap
from tradeoffs.step.errors import InputError
from tradeoffs.step.ranges import Range

LARGEST = 4096  # pixels of a side of what a network takes, as in the schema of the config
SMALLEST = 0.0001  # of a standard deviation, as there
_ANY = Range(-inf)


class Settings(NamedTuple):
    """What is said of a model of the user's.

    ``name``: of the network in its library; an architecture for state_dict; None for torchscript and python.
    ``pretrained``: the library's name of published weights, None with a checkpoint. ``mean``, ``std``: per channel,
    pixels in [0, 1]; None: as published. ``input_size`` in pixels; None: as published, or with a checkpoint whatever
    the benchmark gives. ``weights``: ema or raw, where a checkpoint holds both. ``required``: whether it is an error
    where published weights cannot be fetched; else the model is marked as one that cannot be had. ``factory``: a Python
    function that makes the network (``file.py:function``, ``package.module:function``) and its ``arguments``, for
    source python. ``sha256``: of the checkpoint, in lower-case hex; None where it is taken as it is.
    ``prompts``: texts with ``{}`` in the place of the class, for source open_clip; None: as published.
    """

    classes: int
    name: str | None = None
    pretrained: str | None = None
    mean: list[float] | None = None
    std: list[float] | None = None
    input_size: int | None = None
    weights: str | None = None
    required: bool = True
    factory: str | None = None
    arguments: Mapping[str, Any] | None = None
    sha256: str | None = None
    prompts: list[str] | None = None


class Preprocessing(NamedTuple):
    """Mean and standard deviation per channel of pixels in [0, 1]; image size in pixels, 0 for any."""

    mean: list[float]
    std: list[float]
    input_size: int


class Converted(NamedTuple):
    """The tensors of a model for ``networks.load``, and its architecture there.

    ``source`` is what its card says of where it is from, beside the checkpoint's name and content; ``content`` is what
    else it says.
    """

    tensors: dict[str, Tensor]
    architecture: str
    source: dict[str, Any]
    content: dict[str, Any]


def chosen(settings: Settings, published: Preprocessing | None, what: str) -> Preprocessing:
    """Return the preprocessing of the settings, the published one where they say None; InputError without either."""
    check_channels(settings)
    for key in ("mean", "std"):
        if getattr(settings, key) is None and published is None:
            raise InputError(
                f"{key}: null, but {what} does not say how its images were normalised; give the three values used in "
                "training ([0, 0, 0] and [1, 1, 1] if the network normalises by itself)"
            )
    size = settings.input_size
    if size is not None and not 1 <= size <= LARGEST:
        raise InputError(f"input_size: {size}; expected a number of pixels from 1 to {LARGEST}, or null")
    mean, std, of_network = published or Preprocessing([], [], 0)
    return Preprocessing(settings.mean or mean, settings.std or std, size or of_network)


def check_channels(settings: Settings) -> None:
    """InputError where mean or std is neither None nor three finite numbers of pixels in [0, 1], above 0 for std."""
    for key in ("mean", "std"):
        values = getattr(settings, key)
        if values is None:
            continue
        numbers = len(values) == 3 and all(map(_ANY.holds, values))
        if not numbers or (key == "std" and min(values) < SMALLEST):
            raise InputError(
                f"{key}: {values}; expected three finite numbers{f' of at least {SMALLEST}' if key == 'std' else ''}, "
                "or null"
            )
        if max(map(abs, values)) > normalisers.LARGEST:
            raise InputError(
                f"{key}: {values}, not in units of pixels in [0, 1]; expected numbers up to {normalisers.LARGEST:g}: "
                "those of pixels from 0 to 255, divided by 255"
            )


@torch.no_grad()
def probe(network: nn.Module, x: Tensor, num_classes: int, what: str) -> Tensor:
    """Return the logits of ``x``; InputError where the network fails or is not one function of each image alone.

    Its output must be [n, num_classes], of a floating-point type and finite, the same for the same input again, and for
    an image the same in another batch: a network exported in training mode is neither (dropout, batch normalisation).
    An attack ends with the image that stands longest: one alone must do too.
    """
    network.eval()
    logits = output(network, x, num_classes, what)
    try:
        output(network, x[:1], num_classes, what)
    except InputError as error:
        raise InputError(f"{error} (of two images at once it is right: does it squeeze()?)") from None
    again = output(network, x, num_classes, what)
    elsewhere = output(network, torch.cat([x[:1], 0.5 * x]), num_classes, what)
    # Rounding depends on how many images are computed at once, and shows in 16 bits.
    rounding = 16 * torch.finfo(logits.dtype).eps * logits.abs().max().item()
    tolerance = max(rounding, 1e-3 * logits.float().std().item())
    for found, how in (
        (again, "other logits for the same images the second time (dropout"),
        (elsewhere[:1], "other logits for an image beside other images (batch normalisation"),
    ):
        if not ((found - logits[: len(found)]).abs() <= tolerance).all():
            raise InputError(f"{what}: gives {how} in training mode?); export it again, after network.eval()")
    return logits


def output(network: nn.Module, x: Tensor, num_classes: int | None, what: str) -> Tensor:
    """Return the network's output for ``x``; InputError where it fails or that is no finite logits.

    ``num_classes`` is None where any number of them will do.
    """
    try:
        logits: Any = network(x.clone())  # a copy: the network may change its input
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(
            f"{what}: fails on {len(x)} images of {x.shape[-1]} px, float32 ({reason}); if it takes one size alone, "
            "set input_size to that"
        ) from None
    shape = list(logits.shape) if isinstance(logits, Tensor) else None
    if not shape or shape != [len(x), num_classes or shape[-1]]:
        found = type(logits).__name__ if shape is None else shape
        expected = f"{num_classes}], check classes" if num_classes else "classes]"
        raise InputError(f"{what}: its output is {found}; expected logits [{len(x)}, {expected}")
    if not logits.is_floating_point():
        kind = str(logits.dtype).removeprefix("torch.")
        raise InputError(f"{what}: its output is of type {kind}; expected logits, floating-point numbers")
    if not logits.isfinite().all():
        raise InputError(
            f"{what}: its logits are not finite (NaN or infinite) on {int((~finite(logits)).sum())} of {len(x)} images "
            "of random pixels; its weights are damaged (a negative running variance, a NaN) or overflow in 16 bits"
        )
    if logits.shape[1] > 1 and bool((logits >= 0).all()) and bool(((logits.float().sum(1) - 1).abs() < 1e-2).all()):
        raise InputError(
            f"{what}: its outputs are not negative and sum to 1: probabilities, on which attacks and margins say other "
            "things; give logits: leave the softmax out"
        )
    of_floats: Tensor = logits
    return of_floats


def images(size: int) -> Tensor:
    """Return two images of random pixels, laid out as benchmarks' are, of 224 px where a network takes any size (0)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((2, 3, size or 224, size or 224), generator=generator)
    return x.contiguous(memory_format=torch.channels_last)


def proven(
    network: nn.Module, name: str, num_classes: int, preprocessing: Preprocessing, what: str
) -> dict[str, Tensor]:
    """Return the tensors of a library's network with its preprocessing inside, once it was built again from them.

    InputError where that is another network. ``network`` is changed; ``what`` names it in an error.
    """
    mean, std, size = preprocessing
    x = images(size)
    normalised = (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    expected = probe(network, normalised, num_classes, what)
    tensors = dict(wrap(network, num_classes, mean, std, size).state_dict())
    again = build(name, num_classes)
    try:
        state_dict.fit(again, tensors, Path(what), f"a {name} with {num_classes} classes")
        difference = (probe(again, x, num_classes, what) - expected).abs().max()
        same = bool(difference <= 1e-3 * expected.std())
    except InputError:
        same = False
    if not same:
        raise InputError(
            f"{what}: built again from its tensors alone it is another network (it changes its input, or has a second "
            "head); save it as TorchScript and use source: torchscript"
        )
    return tensors
