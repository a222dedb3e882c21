"""One model trained by several processes, each with its share of every batch, to the same result as by one.

Every process holds the whole network. Per step they add up their gradients, and in every batch normalisation the
statistics of their shares, so that both are those of the whole batch; nothing else differs from one process but the
order in which numbers are added.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function

from tradeoffs.compute import gpus
from tradeoffs.compute.members import world_size
from tradeoffs.compute.memory import is_out_of_memory
from tradeoffs.step.errors import InputError


class Group(NamedTuple):
    """This process's place among the ``size`` that train one model; rank 0 writes files."""

    rank: int
    size: int


ALONE = Group(0, 1)
LAUNCHER = "TRADEOFFS_LAUNCHER"  # variable that tells the id of the process that started the group
LOST = 75  # exit code of a process that cannot go on because another has ended
STOPPED = 143  # exit code of one that SIGTERM has stopped
# Beginnings of the names of layers, of torch, torchvision and timm, that are dropped at random.
_RANDOM = ("Dropout", "AlphaDropout", "FeatureAlphaDropout", "StochasticDepth", "DropPath", "DropBlock")
# How the libraries that carry messages begin what they say where they raise no type of their own.
_CARRIERS = re.compile(r"gloo|nccl|ProcessGroup|Connection (closed|reset)|Broken pipe|Socket Timeout", re.IGNORECASE)


class LostError(Exception):
    """Another process of the group has ended; that one says why."""


def visible_names(count: int) -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls the GPUs that this process may use: their numbers below ``count`` if not set."""
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    return [str(number) for number in range(count)] if names is None else names.split(",")


def see_one_gpu() -> None:
    """Leave this process one GPU, its own among those of the group (LOCAL_RANK); before anything asks for GPUs.

    InputError where there are GPUs, and fewer than processes: the others would compute on the CPU.
    """
    if "LOCAL_RANK" not in os.environ:
        return
    own, found = int(os.environ["LOCAL_RANK"]), gpus.count()
    if found == 0:
        return
    if own >= found:
        raise InputError(
            f"process {own + 1} of a training has no GPU: it may open {found} of this machine (CUDA_VISIBLE_DEVICES); "
            "start fewer processes"
        )
    os.environ["CUDA_VISIBLE_DEVICES"] = visible_names(found)[own]


def join(device: torch.device) -> Group:
    """Join the other processes where the environment names any (RANK, WORLD_SIZE and MASTER_*, as torchrun sets)."""
    if world_size() == 1:
        return ALONE
    _end_with_parent()
    with together():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Group(dist.get_rank(), dist.get_world_size())


@contextmanager
def together() -> Iterator[None]:
    """Raise LostError for what goes wrong within the block between processes, whatever carried their messages.

    That is not only what is sent here: torch's own batch normalisation over several GPUs sends too.
    """
    try:
        yield
    except RuntimeError as error:
        between = isinstance(error, dist.DistError) or _CARRIERS.search(str(error))
        if world_size() == 1 or not between or is_out_of_memory(error):
            raise
        raise LostError(" ".join(str(error).split())) from None


def leave(group: Group) -> None:
    """Part from the others, at the end."""
    if group.size > 1:
        dist.destroy_process_group()


def share(batch: Tensor, group: Group) -> Tensor:
    """Return this process's part of a batch [n, ...]; parts differ by at most one image and keep the order."""
    return batch if group.size == 1 else batch.tensor_split(group.size)[group.rank]


def add_up(tensors: list[Tensor], group: Group) -> None:
    """Replace each tensor by its sum over the processes, in one message."""
    if group.size == 1:
        return
    message = torch.cat([tensor.reshape(-1) for tensor in tensors])
    _all_reduce(message)
    for tensor, total in zip(tensors, message.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(total.view(tensor.shape))


def share_batch_statistics(network: nn.Module, group: Group, device: torch.device) -> nn.Module:
    """Return ``network`` with batch normalisation over the batches of all processes; names of tensors stay.

    Raises InputError for a kind of batch normalisation whose statistics cannot be shared, and for layers that are
    dropped at random.
    """
    if group.size == 1:
        return network
    for name, module in network.named_modules():
        if type(module).__name__.startswith(_RANDOM) and any(getattr(module, key, 0) for key in ("p", "drop_prob")):
            raise InputError(
                f"--processes: {name} is a {type(module).__name__}, which draws at random in each process by itself; "
                "train this architecture in one process"
            )
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if type(module) is not nn.BatchNorm2d or not module.track_running_stats or module.momentum is None:
                raise InputError(
                    f"--processes: {name} is a {type(module).__name__} whose statistics processes cannot share; "
                    "train this architecture in one process"
                )
            if device.type != "cuda":
                module.__class__ = GlobalBatchNorm  # same tensors, another forward pass
    # torch's own, a fused kernel, exists on GPUs only.
    return nn.SyncBatchNorm.convert_sync_batchnorm(network) if device.type == "cuda" else network


class GlobalBatchNorm(nn.BatchNorm2d):
    """Batch normalisation whose mean and variance in training are those of all processes' images together."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [n, channels, h, w]; n may be 0 here, though not everywhere. In single precision or better."""
        if not self.training:
            return super().forward(x)
        given, x = x.dtype, x.to(torch.promote_types(x.dtype, torch.float32))
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        # Sums about the running mean, which is near the mean: sums of squares about 0 would lose digits.
        shifted = x - self.running_mean.clone()[:, None, None]
        count = x.new_full((1,), x.numel() / x.shape[1])
        sums = torch.cat([shifted.sum((0, 2, 3)), shifted.square().sum((0, 2, 3)), count])
        total, squares, counted = _Sum.apply(sums).split([x.shape[1], x.shape[1], 1])
        mean = total / counted
        variance = (squares / counted - mean.square()).clamp(min=0)
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean += self.momentum * mean
            self.running_var += self.momentum * (variance * counted / (counted - 1) - self.running_var)
        scale = self.weight / torch.sqrt(variance + self.eps)
        normalised: Tensor = (shifted - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(given)


class _Sum(Function):
    """Sum over processes; so is its gradient, since every process's loss depends on every process's input."""

    @staticmethod
    def forward(ctx: object, values: Tensor) -> Tensor:
        total = values.clone()
        _all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        _all_reduce(total)
        return total


def _all_reduce(values: Tensor) -> None:
    with together():
        dist.all_reduce(values)


def _end_with_parent() -> None:
    """End this process when its parent dies, however that happens: the others would wait for each other for ever."""
    # Told by our own launcher, which may have been killed before this one got here; torchrun's tells nothing.
    parent = int(os.environ.get(LAUNCHER, os.getppid()))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
