"""A model as somebody has it, made a network that benchmarks take: a module in memory, or what a text names."""

import warnings
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from tradeoffs.api import tapped
from tradeoffs.api.by_name import by_name
from tradeoffs.api.described import Given, How
from tradeoffs.api.in_memory import in_memory, inside
from tradeoffs.models import conversion
from tradeoffs.models.normalised import Wrapped
from tradeoffs.step.errors import InputError


def place(model: object, device: object) -> torch.device:
    """Return where a model is to compute: on ``device``, or where it is, or, for what has yet to be loaded, on a GPU.

    InputError for a device that there is not, and for other kinds than cpu and cuda: benchmarks need 64 bits.
    """
    if device is None and isinstance(model, nn.Module):
        first = next(iter([*model.parameters(), *model.buffers()]), torch.zeros(0))
        return first.device if first.device.type == "cuda" else torch.device("cpu")
    try:
        found = torch.device(str(device) if device is not None else "cuda" if torch.cuda.is_available() else "cpu")
    except RuntimeError:
        raise InputError(f"device: {device!r}; expected cpu, cuda or cuda:0") from None
    if found.type not in ("cpu", "cuda") or (found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count()):
        there = ", ".join(["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))])
        raise InputError(f"device: {device}; expected one of those that are here: {there}")
    return found


def network(
    model: object,
    how: How,
    pixels: int,
    device: torch.device,
    name: str | None,
    needs: list[str],
    kept: dict[str, Given] | None = None,
) -> Given:
    """Return a model as a network. ``pixels``: side of the images it will be shown; ``needs``: of its benchmark.

    ``kept``: where what a text names stays, and is taken from the next time. InputError for what is no model, no
    classifier or cannot give what is needed, each in one line.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, about what a user cannot change here
        if isinstance(model, str | Path):
            loaded_already = {} if kept is None else kept
            if (text := str(model)) not in loaded_already:
                loaded_already[text] = by_name(text, how, device)
            found = loaded_already[text]
        elif isinstance(model, nn.Module):
            found = in_memory(inside(model), how, device, pixels)
        else:
            raise InputError(
                f"model: {type(model).__name__}; expected a torch.nn.Module, or text: torchvision/<name>, timm/<name>, "
                "or the path of a file of weights"
            )
        found = found._replace(name=name or found.name, content=_preprocessing(found.network) | found.content)
        if how.features is not None:
            named = how.features if isinstance(how.features, str) else "a function"
            found = found._replace(content=found.content | {"features_from": named})
            found = found._replace(network=tapped.with_features(cast(nn.Module, found.network), how.features, device))
        x = conversion.images(getattr(found.network, "input_size", 0) or pixels).to(device)
        conversion.probe(cast(nn.Module, found.network), x, found.classes, found.name)
        if "features" in needs:
            _check_features(found, x)
    return found


def _preprocessing(network: object) -> dict[str, dict[str, object]]:
    """Return what a card says of the preprocessing within a network: whatever decides numbers is to be seen there."""
    if not isinstance(network, Wrapped):
        return {}
    mean, std = ([float(f"{value:.7g}") for value in each.flatten().tolist()] for each in (network.mean, network.std))
    return {"preprocessing": {"mean": mean, "std": std, "input_size": network.input_size}}


def _check_features(found: Given, x: Tensor) -> None:
    """Raise InputError where the network shows no features [n, d] of images."""
    try:
        with torch.no_grad():
            features = found.network.features(x)
    except InputError as error:
        raise InputError(f"{found.name}: {error}") from None
    except Exception as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(
            f"{found.name}: its features fail on images of {x.shape[-1]} px ({reason}); correct them"
        ) from None
    shape = list(features.shape) if isinstance(features, Tensor) else type(features).__name__
    if not isinstance(features, Tensor) or features.dim() != 2 or len(features) != len(x):
        raise InputError(
            f"{found.name}: its features are {shape}; expected [{len(x)}, d], one row for each image; give features=, "
            "another layer or a function(network, images)"
        )
    if not features.is_floating_point() or not features.isfinite().all():
        raise InputError(f"{found.name}: its features are not finite numbers; its weights are damaged")
