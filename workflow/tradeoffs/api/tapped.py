"""A network kept whole, and its features read where it computes them: what its last linear layer is given, say."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tradeoffs.models.normalised import Wrapped
from tradeoffs.step.errors import InputError

# (network, images as the network sees them [n, 3, h, w]) -> features [n, d]
Features = Callable[[nn.Module, Tensor], Tensor]


class Tapped(Wrapped):
    """As :class:`Wrapped`, around a network that is not taken apart; ``take`` computes its features."""

    def __init__(
        self,
        network: nn.Module,
        take: Features,
        mean: Sequence[float],
        std: Sequence[float],
        input_size: int = 0,
        plain: bool = False,
    ) -> None:
        super().__init__(network, None, mean, std, input_size, plain)
        self._take = take

    def features(self, x: Tensor) -> Tensor:
        """Features [n, d] of images [n, 3, h, w] in [0, 1]."""
        return self._take(self.backbone, self.normalised(x))


def with_features(network: nn.Module, features: object, device: torch.device) -> Any:
    """Return a network with features of another kind; where it has none, that what is inside is asked for them."""
    take = named(features) if isinstance(features, str) else features
    if not callable(take):
        raise InputError(f"features: {take!r}; expected the name of a layer, or a function(network, images)")
    if isinstance(network, Wrapped) and network.classifier is None:
        mean, std = (values.flatten().tolist() for values in (network.mean, network.std))
        tap = Tapped(network.backbone, take, mean, std, network.input_size, network.plain)
    else:
        tap = Tapped(network, take, [0.0] * 3, [1.0] * 3)
    return tap.to(device).eval().requires_grad_(False)


def last_linear(classes: int) -> Features:
    """Return the features that are the input of the last linear layer with ``classes`` outputs."""

    def take(network: nn.Module, x: Tensor) -> Tensor:
        heads = [m for m in network.modules() if isinstance(m, nn.Linear) and m.out_features == classes]
        if not heads:
            raise InputError(
                f"no linear layer of {classes} classes shows what its input is; give features=, the name of a layer "
                "or a function of the network and images"
            )
        return _seen(network, heads[-1], x, "the input of the last linear layer", of_input=True)

    return take


def named(layer: str) -> Features:
    """Return the features that are the output of a layer, [n, d], or [n, d, h, w], of which the mean is taken."""

    def take(network: nn.Module, x: Tensor) -> Tensor:
        layers = dict(network.named_modules())
        found = layers.get(layer) or layers.get(f"backbone.{layer}")  # as it was called before it was wrapped
        if found is None or not layer:
            there = ", ".join(name for name in list(layers)[-8:] if name)
            raise InputError(f"features: {layer!r} is no layer of this network; its last ones are {there}")
        out = _seen(network, found, x, f"features: the output of {layer}", of_input=False)
        return out.mean((2, 3)) if out.dim() == 4 else out

    return take


def _seen(network: nn.Module, layer: nn.Module, x: Tensor, what: str, *, of_input: bool) -> Tensor:
    """Return what a layer is given, or gives, while the network computes; the hook is there only meanwhile."""
    seen: list[Any] = []
    if of_input:
        hook = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0] if given else None))
    else:
        hook = layer.register_forward_hook(lambda _, given, out: seen.append(out))
    try:
        network(x)
    finally:
        hook.remove()
    if len(seen) != 1:
        times = "not used" if not seen else f"used {len(seen)} times"
        raise InputError(f"{what}: the layer is {times} in a forward pass; give features= another layer or a function")
    if not isinstance(seen[0], Tensor):
        raise InputError(f"{what}: is {type(seen[0]).__name__}; expected a tensor [n, d]; give features= another layer")
    return seen[0]
