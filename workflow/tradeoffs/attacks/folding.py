"""Batch normalisation in evaluation mode folded into the convolution before it: the same function, in less time.

In evaluation mode batch normalisation is an affine map per channel, and so is what it leaves of the convolution. An
attack asks for hundreds of passes through frozen weights; without the normalisations a pass and its input gradient take
a quarter less time on a CPU (``performance/attack_speed.py``). Logits change by rounding only.
"""

import weakref
from collections import Counter
from typing import NamedTuple, cast

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights

from tradeoffs.attacks.stem import Stem, fits


class Fold(NamedTuple):
    """A convolution and the normalisation after it, both of the network, and the convolution that replaces them."""

    convolution: nn.Conv2d
    normalisation: _BatchNorm
    both: nn.Conv2d


class Folded(NamedTuple):
    """A network's traced double, which shares with it all but the folded layers."""

    double: nn.Module
    folds: list[Fold]


_KNOWN: "weakref.WeakKeyDictionary[nn.Module, Folded]" = weakref.WeakKeyDictionary()


def folded(network: nn.Module, x: Tensor) -> nn.Module:
    """Return ``network`` in evaluation mode, folded, with its weights as they stand; without gradients for them.

    To be called again whenever the weights have changed. The network is traced once, at the first call: later its
    layers are not to be exchanged, nor moved to another device. One whose forward pass depends on the values or shapes
    of its input, or that has hooks itself, cannot be traced, and is returned as it is. A layer with hooks stays, too.

    ``x`` [n, 3, h, w]: images as it will be shown. Of the first two its double must give the same logits and the same
    gradient at the first call, or the network is returned as it is: tracing does not see everything that code may do
    (ask what its input is, forbid gradients).
    """
    network.eval()
    known = network in _KNOWN
    if not known:
        _KNOWN[network] = _trace(network)
    double, folds = _KNOWN[network]
    _fold(folds)
    if folds and not known and not _same(double, network, x[:2]):
        _KNOWN[network] = Folded(nn.Identity(), [])
        return network
    return double if folds else network


def stand_in(side: int, device: torch.device) -> Tensor:
    """Return two images of random pixels, ``side`` along each side: before there are any to be shown."""
    return torch.rand((2, 3, side, side), generator=torch.Generator().manual_seed(0)).to(device)


def _same(double: nn.Module, network: nn.Module, x: Tensor) -> bool:
    """Whether both give the same logits of images and the same gradient for them, but for rounding."""
    found = []
    for each in (double, network):
        inputs = x.detach().clone().requires_grad_(True)
        try:
            with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
                logits = each(inputs)
                gradient = torch.autograd.grad(logits.logsumexp(1).sum(), inputs)[0]
        except Exception:  # the network itself is then what fails, in words of its own
            return False
        found.append((logits.detach(), gradient))
    return all(
        a.shape == b.shape and bool(((a - b).abs() <= 1e-3 * b.std() + 1e-5 * b.abs().max()).all())
        for a, b in zip(*found, strict=True)
    )


def _fold(folds: list[Fold]) -> None:
    """Put the weights and statistics as they stand into the convolutions that replace them."""
    with torch.no_grad():
        for convolution, normalisation, both in folds:
            weight, bias = fuse_conv_bn_weights(
                convolution.weight,
                convolution.bias,
                cast(Tensor, normalisation.running_mean),
                cast(Tensor, normalisation.running_var),
                normalisation.eps,
                normalisation.weight,
                normalisation.bias,
            )
            both.weight.data, cast(nn.Parameter, both.bias).data = weight.data, bias.data


def _trace(network: nn.Module) -> Folded:
    if _has_hooks(network):  # which its double would not call
        return Folded(nn.Identity(), [])
    try:
        graph = fx.Tracer().trace(network)
    except Exception:  # whatever the network's code makes of a stand-in for a tensor
        return Folded(nn.Identity(), [])
    layers = dict(network.named_modules())
    uses = Counter(str(node.target) for node in graph.nodes if node.op == "call_module")
    folds: dict[str, Fold] = {}
    for node in list(graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        name = str(before.target)
        convolution, normalisation = layers[name], layers[str(node.target)]
        if (
            type(convolution) is nn.Conv2d
            # Not their subclasses: timm's, for one, apply an activation as well.
            and type(normalisation) in (nn.BatchNorm2d, nn.SyncBatchNorm)
            and normalisation.running_mean is not None
            and uses[name] == 1
            and name not in folds  # a second normalisation, after the first
            and not _has_hooks(convolution)  # spectral normalisation and pruning of old are hooks
            and not _has_hooks(normalisation)
        ):
            both = fuse_conv_bn_eval(convolution, cast(nn.BatchNorm2d, normalisation)).requires_grad_(False)
            folds[name] = Fold(convolution, normalisation, both)
            node.replace_all_uses_with(before)
            graph.erase_node(node)
    double = fx.GraphModule(network, graph)
    for name, fold in folds.items():
        double.set_submodule(name, Stem(fold.both) if fits(fold.both) else fold.both)
    return Folded(double, list(folds.values()))


def _has_hooks(module: nn.Module) -> bool:
    """Whether something else happens beside its forward pass: it would see, or change, what is no longer there."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, kind) for kind in kinds)
