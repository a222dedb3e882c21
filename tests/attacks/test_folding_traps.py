"""What may not be folded, though a normalisation stands behind a convolution; and what may, whatever its settings."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from tradeoffs.attacks.folding import folded
from tradeoffs.models.normalised import Wrapped


class Made(nn.Module):
    """A network of given layers and a forward pass over them."""

    def __init__(self, forward: Callable[[nn.ModuleDict, Tensor], Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(layers)
        self.pass_on = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.pass_on(self.layers, x)


class Clamped(nn.BatchNorm2d):
    """A normalisation with an activation of its own, as timm's."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


class Doubled(nn.Conv2d):
    """A convolution that does more than one."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def convolution(bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(3, 3, 3, padding=1, bias=bias)


def used(normalisation: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """Statistics and weights that are not those of the beginning."""
    generator = torch.Generator().manual_seed(1)
    for tensor in (normalisation.running_mean, normalisation.running_var, normalisation.weight, normalisation.bias):
        if tensor is not None:
            tensor.data.add_(0.5 + torch.rand(tensor.shape, generator=generator))
    return normalisation


def after(n: nn.ModuleDict, x: Tensor) -> Tensor:
    return n["bn"](n["conv"](x))


def all_of(n: nn.ModuleDict, x: Tensor) -> Tensor:
    result: Tensor = n["last"](n["block"](after(n, x)))
    return result


def skip(n: nn.ModuleDict, x: Tensor) -> Tensor:
    found = n["conv"](x)
    result: Tensor = n["bn"](found) + found
    return result


def skip_first(n: nn.ModuleDict, x: Tensor) -> Tensor:
    found = n["conv"](x)
    return found.relu() * n["bn"](found)


def two(n: nn.ModuleDict, x: Tensor) -> Tensor:
    result: Tensor = n["bn"](n["other"](n["bn"](n["conv"](x))))
    return result


def hooked(name: str) -> nn.Module:
    """A network in what normalises its images, as real use has it; a hook of what is named changes its output."""
    block = nn.Sequential(convolution(), used(nn.BatchNorm2d(3)))
    layers = {"conv": convolution(), "bn": used(nn.BatchNorm2d(3)), "block": block, "last": nn.ReLU()}
    network = Wrapped(Made(all_of, **layers), None)
    network.get_submodule(name).register_forward_hook(lambda _, __, out: out.clamp(-0.1, 0.1))
    return network


NETWORKS: dict[str, tuple[bool, Callable[[], nn.Module]]] = {
    "plain": (True, lambda: Made(after, conv=convolution(), bn=used(nn.BatchNorm2d(3)))),
    "bias": (True, lambda: Made(after, conv=convolution(bias=True), bn=used(nn.BatchNorm2d(3)))),
    "another epsilon": (True, lambda: Made(after, conv=convolution(), bn=used(nn.BatchNorm2d(3, eps=0.5)))),
    "no weights": (True, lambda: Made(after, conv=convolution(), bn=used(nn.BatchNorm2d(3, affine=False)))),
    "one normalisation behind two": (
        True,
        lambda: Made(two, conv=convolution(), other=convolution(), bn=used(nn.BatchNorm2d(3))),
    ),
    "a skip of the convolution": (False, lambda: Made(skip, conv=convolution(), bn=used(nn.BatchNorm2d(3)))),
    "a skip that comes first": (False, lambda: Made(skip_first, conv=convolution(), bn=used(nn.BatchNorm2d(3)))),
    "no running statistics": (
        False,
        lambda: Made(after, conv=convolution(), bn=nn.BatchNorm2d(3, track_running_stats=False)),
    ),
    "a normalisation that does more": (False, lambda: Made(after, conv=convolution(), bn=used(Clamped(3)))),
    "a convolution that does more": (
        False,
        lambda: Made(after, conv=Doubled(3, 3, 3, padding=1), bn=used(nn.BatchNorm2d(3))),
    ),
    "a hook on the wrapped": (False, lambda: hooked("")),
    "a hook on the network": (False, lambda: hooked("backbone")),
    "a hook on a block": (False, lambda: hooked("backbone.layers.block")),
    "a hook on a convolution": (True, lambda: hooked("backbone.layers.conv")),
    "a hook on a normalisation": (True, lambda: hooked("backbone.layers.bn")),
    "a hook on an activation": (True, lambda: hooked("backbone.layers.last")),
    "spectral normalisation by a hook": (
        False,
        lambda: Made(after, conv=nn.utils.spectral_norm(convolution()), bn=used(nn.BatchNorm2d(3))),
    ),
    "pruned by a hook": (
        False,
        lambda: Made(after, conv=prune.l1_unstructured(convolution(), "weight", 0.5), bn=used(nn.BatchNorm2d(3))),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_function_stays_and_folds_are_made_where_they_may(name: str) -> None:
    may, make = NETWORKS[name]
    torch.manual_seed(0)
    network = make().double().eval()
    x = torch.rand(4, 3, 6, 6, dtype=torch.double)
    found = folded(network, x)
    torch.testing.assert_close(found(x), network(x), rtol=1e-9, atol=1e-12)
    assert (found is not network) == may
    normalised = [each for each in found.modules() if isinstance(each, nn.BatchNorm2d)]
    kept = ("one normalisation behind two", "a hook on a convolution", "a hook on a normalisation")
    assert bool(normalised) != may or name in kept


def test_weights_that_change_are_folded_again_with_bias_and_statistics() -> None:
    network = Made(after, conv=convolution(bias=True), bn=used(nn.BatchNorm2d(3)))
    x = torch.rand(4, 3, 6, 6)
    before = folded(network, x)(x)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.mul_(1.5)
    again = folded(network, x)(x)
    torch.testing.assert_close(again, network(x))
    assert not torch.allclose(again, before)
