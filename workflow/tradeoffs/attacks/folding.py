"""Batch normalisation in evaluation mode folded into the convolution before it: the same function, in less time.

In evaluation mode batch normalisation is an affine map per channel, and so is what it leaves of the convolution. An
attack asks for hundreds of passes through frozen weights; without the normalisations a pass and its input gradient take
a quarter less time on a CPU (``performance/attack_speed.py``). Logits change by rounding only.
"""

import copy
import weakref
from collections import Counter
from collections.abc import Sequence
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
    of its input, or that has hooks outside its layers, cannot be traced, and is returned as it is. A layer with hooks
    stays, too.

    ``x`` [n, 3, h, w]: images as it will be shown; their size and device count. Of two of random pixels its double must
    give the same logits and the same gradient at the first call, or the network is returned as it is: tracing does not
    see everything that code may do (ask what its input is, forbid gradients).
    """
    network.eval()
    known = _KNOWN.get(network)
    if known is None:
        known = _trace(network)
        if known.folds and not _same(network, _random(x.shape[1:], x.device)):
            known = Folded(nn.Identity(), [])
        _KNOWN[network] = known
    _fold(known.folds)
    return known.double if known.folds else network


def stand_in(side: int, device: torch.device) -> Tensor:
    """Return two images of random pixels, ``side`` along each side: before there are any to be shown."""
    return _random((3, side, side), device)


def _random(size: Sequence[int], device: torch.device) -> Tensor:
    return torch.rand((2, *size), generator=torch.Generator().manual_seed(0)).to(device)


def _same(network: nn.Module, x: Tensor) -> bool:
    """Whether the network and its double give the same logits of images and the same gradient for them.

    Of a copy in double precision: in single, rounding alone puts some of a large network's millions of ReLUs on their
    other side, and the gradient of some pixels with them. So what is folded follows from the network, whatever it is
    shown first, and a training that goes on rounds as one that was never stopped.
    """
    try:
        copied = copy.deepcopy(network).double()
        double, folds = _trace(copied)
        _fold(folds)
        found = [_logits_and_gradient(each, x.double()) for each in (double, copied)]
    except torch.OutOfMemoryError:  # which says nothing of the network
        raise
    except Exception:  # no copy can be made of it; or itself is what fails, in words of its own
        return False
    return all(
        a.shape == b.shape and bool(((a - b).abs() <= 1e-6 * (b.std() + b.abs())).all())
        for a, b in zip(*found, strict=True)
    )


def _logits_and_gradient(network: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    inputs = x.clone().requires_grad_(True)
    with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
        logits = network(inputs)
        gradient = torch.autograd.grad(logits.logsumexp(1).sum(), inputs)[0]
    return logits.detach(), gradient


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
    tracer = fx.Tracer()
    for name, module in network.named_modules():
        # Its double calls layers alone: of a block, or of what somebody wrapped, it would not call the hooks.
        if _has_hooks(module) and (module is network or not tracer.is_leaf_module(module, name)):
            return Folded(nn.Identity(), [])
    try:
        graph = tracer.trace(network)
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
