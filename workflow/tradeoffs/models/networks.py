"""Build a network by its architecture's name and load its weights.

Every network takes images in [0, 1], normalises them itself, and has ``features(x)`` and ``forward(x)``. Names:

- ``basic``, ``bottleneck``: the small ResNets of the miniature;
- ``resnet18``, ``resnet50``, and ``torchvision/<name>`` for any classifier of torchvision;
- ``timm/<name>`` for any classifier of timm, where that is installed;
- ``variant/<name>`` for one of either that has no name there (``variants.yaml``);
- ``open_clip/<name>`` for the image encoder of a network of open_clip, where that is installed, with a linear head;
- ``torchscript``: whatever the weights file contains (:mod:`tradeoffs.models.scripted`); it can be loaded, not built;
- ``python``: what the user's function makes that the weights file names (:mod:`tradeoffs.models.factory`); likewise.
"""

import importlib
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from tradeoffs.compute.transfer import laid_out, layout
from tradeoffs.models import factory, scripted, state_dict, zero_shot
from tradeoffs.models.catalogue import ARCHITECTURES
from tradeoffs.models.normalised import wrap
from tradeoffs.models.small_resnet import BasicBlock, BottleneckBlock, SmallResNet
from tradeoffs.models.tables import VARIANTS
from tradeoffs.models.unavailable import UnavailableError
from tradeoffs.step.errors import InputError
from tradeoffs.step.similar import did_you_mean
from tradeoffs.step.yaml_files import read


class Network(Protocol):
    """What training and evaluation rely on: an ``nn.Module`` with pooled features."""

    def features(self, x: Tensor) -> Tensor:
        """Pooled features [n, d] of images [n, 3, h, w] in [0, 1]."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """Logits [n, classes] of images [n, 3, h, w] in [0, 1]."""
        ...


def build(architecture: str, num_classes: int) -> nn.Module:
    """Return a freshly initialised network; InputError for an unknown architecture.

    All but the small ResNets normalise by ImageNet's mean and standard deviation until weights bring their own.
    """
    blocks: dict[str, type[BasicBlock | BottleneckBlock]] = {"basic": BasicBlock, "bottleneck": BottleneckBlock}
    if architecture in blocks:
        network: nn.Module = SmallResNet(blocks[architecture], num_classes)
    else:
        network = wrap(unwrapped(architecture, num_classes), num_classes)
    return laid_out(network, torch.channels_last)


def unwrapped(architecture: str, num_classes: int) -> nn.Module:
    """Return the network of torchvision, timm or open_clip, for normalised images, with its own tensor names.

    Its weights are fresh. InputError for an unknown architecture, and for timm or open_clip where it is not installed.
    """
    library, _, name = architecture.rpartition("/")
    changed: dict[str, Any] = {}
    if library == "variant":
        library, name, changed = variant(name)
    network: nn.Module
    if library == "open_clip":
        return zero_shot.unwrapped(name, num_classes)
    if library == "timm":
        timm = import_timm()
        if not timm.is_model(name):
            raise InputError(f"architecture: timm has no model {name!r}{did_you_mean(name, timm.list_models())}")
        network = timm.create_model(name, pretrained=False, num_classes=num_classes, **changed)
        return network
    if library == "torchvision" or architecture in ARCHITECTURES:
        # Costs seconds, and the miniature never needs it.
        models: Any = importlib.import_module("torchvision.models")
        known = models.list_models(module=models)
        if name not in known:
            raise InputError(f"architecture: torchvision has no classifier {name!r}{did_you_mean(name, known)}")
        # Inception and GoogLeNet warn about their slow initialisation unless it is chosen.
        extra = {"init_weights": False} if name in ("inception_v3", "googlenet") else {}
        network = models.get_model(name, weights=None, num_classes=num_classes, **extra, **changed)
        return network
    raise InputError(
        f"architecture: {architecture!r} is unknown; choose one of {', '.join(ARCHITECTURES)}, torchvision/<name>, "
        "timm/<name> or open_clip/<name>"
        + (f" ({architecture} can only be loaded, not trained)" if architecture in ("torchscript", "python") else "")
    )


def variant(name: str) -> tuple[str, str, dict[str, Any]]:
    """Return library, name there and arguments of a variant; InputError for an unknown one."""
    known = read(VARIANTS)
    if name not in known:
        raise InputError(f"architecture: there is no variant {name!r}{did_you_mean(name, known)}")
    return known[name]["library"], known[name]["name"], known[name]["arguments"]


def import_timm() -> Any:
    """Return the module timm; UnavailableError where it is not installed."""
    try:
        return importlib.import_module("timm")
    except ImportError:
        raise UnavailableError(
            "timm is not installed and a model asks for it", "install it: pip install timm"
        ) from None


def load(weights: Path, architecture: str, num_classes: int, device: torch.device) -> Network:
    """Return the network with the weights of a plain state_dict, in evaluation mode and without gradients.

    Raises InputError where the file is missing, is no state_dict, or does not fit the architecture.
    """
    return loaded(state_dict.read(weights), weights, architecture, num_classes, device)


def loaded(tensors: Any, weights: Path, architecture: str, num_classes: int, device: torch.device) -> Network:
    """Return the network of tensors that are those of the file ``weights``; otherwise as :func:`load`."""
    if architecture == "torchscript":
        network: nn.Module = scripted.unpack(tensors, weights)
    elif architecture == "python":
        made = factory.unpack(tensors, num_classes, weights)
        network = made if made.plain else laid_out(made, layout(device))
    else:
        network = laid_out(build(architecture, num_classes), layout(device))
        state_dict.fit(network, tensors, weights, f"a {architecture} with {num_classes} classes")
    network.to(device).eval().requires_grad_(False)
    return cast(Network, network)
