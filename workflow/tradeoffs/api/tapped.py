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
        """Features [n, d] of images [n, 3, h, w] in [0, 1]; those of 16 bits, as under autocast, as float32."""
        found = self._take(self.backbone, self.normalised(x))
        narrow = isinstance(found, Tensor) and found.dtype in (torch.float16, torch.bfloat16)
        return found.float() if narrow else found


def with_features(network: nn.Module, features: object, device: torch.device) -> Any:
    """Return a network with features of another kind; where it has none, that what is inside is asked for them."""
    take = named(features) if isinstance(features, str) else features
    if not callable(take):
        raise InputError(f"features: {take!r}; expected the name of a layer, or a function(network, images)")
    if isinstance(network, Wrapped) and (network.classifier is None or network.head):
        mean, std = (values.flatten().tolist() for values in (network.mean, network.std))
        tap = Tapped(network.whole(), take, mean, std, network.input_size, network.plain)
    else:
        tap = Tapped(network, take, [0.0] * 3, [1.0] * 3)
    return tap.to(device).eval().requires_grad_(False)


def last_linear(classes: int) -> Features:
    """Return the features that are the input of the linear layer with ``classes`` outputs, which are the logits.

    InputError where the network uses none or several, as one beside a low-rank one: which is meant nobody says; and
    where something comes after it, so that it may be any layer of that width. That is asked at the first images.
    """
    asked: list[bool] = []

    def take(network: nn.Module, x: Tensor) -> Tensor:
        layers = network.named_modules()
        heads: dict[nn.Module, str] = {
            m: name for name, m in layers if isinstance(m, nn.Linear) and m.out_features == classes
        }
        seen: list[tuple[str, Any, Any]] = []
        given: list[Any] = []

        def before(layer: nn.Module, args: tuple[Any, ...]) -> None:
            given.append(_as_it_is(args[0] if args else None))

        def after(layer: nn.Module, _: Any, out: Any) -> None:
            seen.append((heads[layer], given.pop(), _as_it_is(out)))

        hooks = [head.register_forward_pre_hook(before) for head in heads]
        hooks += [head.register_forward_hook(after) for head in heads]
        try:
            logits = network(x)
        finally:
            for hook in hooks:
                hook.remove()
        if len(seen) != 1:
            used = " and ".join(name for name, *_ in seen) or "none"
            raise InputError(
                f"the features are the input of the one linear layer of {classes} outputs; this network uses {used}; "
                "give features=, the name of a layer or a function of the network and images"
            )
        if not asked and not _same(seen[0][2], logits):
            raise InputError(
                f"the features are the input of the linear layer whose output are the logits; what {seen[0][0]} gives "
                "this network changes; give features=, the name of a layer or a function of the network and images"
            )
        asked.append(True)
        return _tensor(seen[0][1], "the input of the last linear layer")

    return take


def named(layer: str) -> Features:
    """Return the features that are the output of a layer, [n, d], or [n, d, h, h], of which the mean is taken."""

    def take(network: nn.Module, x: Tensor) -> Tensor:
        layers = dict(network.named_modules())
        found = layers.get(layer)
        if found is None:
            found = layers.get(f"backbone.{layer}")  # as it was called before it was wrapped
        if found is None or not layer:
            there = ", ".join(name for name in list(layers)[-8:] if name)
            raise InputError(f"features: {layer!r} is no layer of this network; its last ones are {there}")
        out = _output(network, found, x, f"features: the output of {layer}")
        return _pooled(out, layer) if out.dim() == 4 else out

    return take


def _pooled(out: Tensor, layer: str) -> Tensor:
    """Return the mean over places of maps; InputError where channels may stand last, as in some transformers."""
    _, channels, height, width = out.shape
    if height != width or channels == height:
        raise InputError(
            f"features: the output of {layer} is {list(out.shape)}; expected [n, d] or square maps [n, d, h, h]; give "
            "features= a function of the network and images that takes the mean over the places"
        )
    return out.mean((2, 3))


def _output(network: nn.Module, layer: nn.Module, x: Tensor, what: str) -> Tensor:
    """Return what a layer gives while the network computes; the hook is there only meanwhile."""
    seen: list[Any] = []
    hook = layer.register_forward_hook(lambda _, given, out: seen.append(_as_it_is(out)))
    try:
        network(x)
    finally:
        hook.remove()
    if len(seen) != 1:
        times = "not used" if not seen else f"used {len(seen)} times"
        raise InputError(f"{what}: the layer is {times} in a forward pass; give features= another layer or a function")
    return _tensor(seen[0], what)


def _as_it_is(found: Any) -> Any:
    """Return a copy of a tensor: what comes later in the network may work in place, as ReLU(inplace=True) does."""
    return found.clone() if isinstance(found, Tensor) else found


def _same(found: Any, logits: Any) -> bool:
    """Whether a layer's output is the network's, but for rounding."""
    if not isinstance(found, Tensor) or not isinstance(logits, Tensor) or found.shape != logits.shape:
        return False
    return bool((found.float() - logits.float()).abs().max() <= 1e-3 * logits.float().std())


def _tensor(found: Any, what: str) -> Tensor:
    if not isinstance(found, Tensor):
        raise InputError(f"{what}: is {type(found).__name__}; expected a tensor [n, d]; give features= another layer")
    return found
