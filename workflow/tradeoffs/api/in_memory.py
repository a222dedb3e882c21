"""A model that is a module in memory: copied before anything is done with it.

So it stays as it is, whatever happens: its mode, device, type, gradients, hooks.
"""

import copy
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from tradeoffs.api import tapped
from tradeoffs.api.described import CLASSES, Given, How, digest, settings
from tradeoffs.compute.transfer import laid_out, layout
from tradeoffs.models import conversion, scripted
from tradeoffs.models.networks import Network
from tradeoffs.models.normalised import Wrapped
from tradeoffs.models.small_resnet import SmallResNet
from tradeoffs.step.errors import InputError


def inside(model: nn.Module) -> nn.Module:
    """Return the module that torch.compile or data parallelism was put around."""
    while True:
        if isinstance(compiled := getattr(model, "_orig_mod", None), nn.Module):
            model = compiled
        elif isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        else:
            return model


def in_memory(model: nn.Module, how: How, device: torch.device, pixels: int) -> Given:
    """Return a copy of a module, which normalises by mean and std: the identity where none are given."""
    kind = str(getattr(model, "original_name", type(model).__name__))
    for key in ("architecture", "weights"):
        if getattr(how, key) is not None:
            raise InputError(f"{key}: {getattr(how, key)}, but {kind} is given as a module; leave it out")
    if (how.mean is None) != (how.std is None):
        raise InputError(f"mean, std: one of them is given for {kind}; expected both, or none: it normalises by itself")
    identity = conversion.Preprocessing([0.0] * 3, [1.0] * 3, 0)
    preprocessing = conversion.chosen(settings(how, CLASSES), identity, kind)
    architecture = f"{type(model).__module__}.{type(model).__qualname__}"
    built: nn.Module
    if isinstance(model, torch.jit.ScriptModule):
        architecture = "torchscript"
        written = io.BytesIO()
        torch.jit.save(model, written)
        built = scripted.unpack(scripted.pack(written.getvalue(), *preprocessing), Path(kind))
    else:
        copied = _copied(model, kind)
        ours = isinstance(copied, Wrapped | SmallResNet)
        if ours and (how.mean, how.input_size) != (None, None):
            raise InputError(f"mean, std, input_size: {kind} brings its own normalisation; leave them out")
        built = copied if ours else Wrapped(copied, None, *preprocessing)
        built = laid_out(built, layout(device))
    with _its_own_code(kind):
        built.to(device).eval().requires_grad_(False)
        weights = digest(model.state_dict())
    with torch.no_grad():
        x = conversion.images(preprocessing.input_size or pixels).to(device)
        try:
            classes = conversion.output(built, x, how.classes, kind).shape[1]
        except InputError:
            if not isinstance(built, Wrapped):
                raise
            built = laid_out(built, torch.contiguous_format)
            built.plain = True  # its code may rely on how images lie in memory; if not, it fails again
            classes = conversion.output(built, x, how.classes, kind).shape[1]
    if isinstance(built, Wrapped) and built.classifier is None and architecture != "torchscript":
        built = tapped.with_features(built, tapped.last_linear(classes), device)
    content: dict[str, Any] = {"weights": weights, "source": {"name": "in memory"}}
    content["preprocessing"] = preprocessing._asdict()
    return Given(cast(Network, built), kind, architecture, classes, content)


@contextmanager
def _its_own_code(kind: str) -> Iterator[None]:
    """Say in one line what a module's own train(), to() or state_dict() raises."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(
            f"{kind}: cannot be put into evaluation mode, or its state_dict() cannot be taken ({reason}); correct it"
        ) from None


def _copied(model: nn.Module, kind: str) -> nn.Module:
    tensors = [*model.parameters(), *model.buffers()]
    if any(map(nn.parameter.is_lazy, tensors)):
        raise InputError(f"{kind}: its weights are not made yet (lazy layers); run it once on images first")
    if any(tensor.is_meta for tensor in tensors):
        raise InputError(f"{kind}: its weights are on the device meta, which holds no values; load them first")
    if len({tensor.device for tensor in tensors}) > 1:
        raise InputError(f"{kind}: its weights are on several devices; put them on one: model.to(device)")
    try:
        with torch.no_grad():  # of which copies of scripted modules would be computed
            copied: nn.Module = copy.deepcopy(model).float()
        copied.zero_grad(set_to_none=True)
        return copied
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{kind}: cannot be copied ({reason}), and what is yours is not worked on; give a file of its weights"
        ) from None
