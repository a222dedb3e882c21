"""A pretended GPU: tensors that say ``cuda:0``, compute on the CPU, and refuse what a GPU's refuse.

They hold numbers, so that code that looks at values runs on, and its results can be compared with the CPU's. Refused:
operands on two devices, ``numpy()``, a CPU generator for the GPU's numbers and the reverse, a random state of the other
device. Counted: waits of the CPU for the GPU, and copies from the CPU to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

GPU = torch.device("cuda", 0)
STATE_BYTES = 16  # of a GPU's random state; a CPU's has 5056

# Operators that wait for a number, or a shape, that only the GPU knows.
_WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2"}
_COPIES = {"copy_", "_to_copy"}
_INDEXED = {"index", "index_put_", "index_put", "_index_put_impl_"}  # whose indices may be on the CPU
_MAKERS = {
    getattr(torch, name)
    for name in ("zeros", "ones", "empty", "full", "arange", "rand", "randn", "randint", "randperm", "tensor", "eye")
} | {getattr(torch, f"{name}_like") for name in ("zeros", "ones", "empty", "full", "rand", "randn")}


class Counts:
    """What the pretended GPU was asked for since it was switched on."""

    def __init__(self) -> None:
        self.waits = 0
        self.copies_to_gpu = 0


class OnGpu(torch.Tensor):
    """A tensor of the pretended GPU; ``held`` has its numbers."""

    counts: ClassVar[Counts] = Counts()
    held: torch.Tensor
    device = property(lambda self: GPU)  # type: ignore[assignment]
    is_cuda = property(lambda self: True)  # type: ignore[assignment]
    is_cpu = property(lambda self: False)  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "OnGpu":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=held.device,
        )
        made.held = held
        return made

    def __repr__(self, **_: Any) -> str:
        return f"OnGpu({self.held})"

    # By these two torch knows a tensor that wraps another, whose place in a module it must take as a whole.
    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["held"], None

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, torch.Tensor], meta: Any, size: Any, stride: Any) -> "OnGpu":
        return OnGpu(inner["held"])

    def numpy(self, **_: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def __array__(self, *_: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    @property
    def data(self) -> "OnGpu":
        return OnGpu(self.held.detach())

    @data.setter
    def data(self, new: torch.Tensor) -> None:
        assert isinstance(new, OnGpu)
        self.held = new.held
        torch.Tensor.data.__set__(self, new)  # type: ignore[attr-defined]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = func._schema.name.removeprefix("aten::")
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        elsewhere = [tensor for tensor in tensors if not isinstance(tensor, OnGpu) and tensor.dim() > 0]
        if name in _INDEXED:
            elsewhere = [] if isinstance(args[0], OnGpu) else [args[0]]
        if elsewhere and name not in _COPIES:
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, found cuda:0 and cpu")
        mask = name in _INDEXED and any(index is not None and index.dtype == torch.bool for index in args[1])
        OnGpu.counts.waits += name in _WAITS or mask
        if "device" in kwargs:
            kwargs["device"] = torch.device("cpu")
        kwargs.pop("pin_memory", None)
        out = func(*tree_map(_held, args), **tree_map(_held, kwargs))
        return return_and_correct_aliasing(func, args, kwargs, tree_map(_on_gpu, out))


def _held(value: Any) -> Any:
    return value.held if isinstance(value, OnGpu) else value


def _on_gpu(value: Any) -> Any:
    return OnGpu(value) if isinstance(value, torch.Tensor) and not isinstance(value, OnGpu) else value


def is_gpu(device: Any) -> bool:
    return device is not None and torch.device(device).type == "cuda"


class _Machine(TorchFunctionMode):
    """What is asked of a device by name: moving tensors, making them, drawing numbers."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.cpu:
            return self._move(args[0], torch.device("cpu"), None, {})
        if func is torch.Tensor.cuda:
            return self._move(args[0], GPU, None, {})
        if func is torch.Tensor.to:
            options = {key: value for key, value in kwargs.items() if key != "copy"}
            device, dtype, _, layout = torch._C._nn._parse_to(*args[1:], **options)
            if device is not None:
                return self._move(args[0], device, dtype, {"memory_format": layout} if layout is not None else {})
        if func is torch.Tensor.tolist and isinstance(args[0], OnGpu):
            OnGpu.counts.waits += 1
            return args[0].held.tolist()
        if func is torch.Tensor.new_tensor and isinstance(args[0], OnGpu):
            return OnGpu(args[0].held.new_tensor(*args[1:], **kwargs))
        makes = func in _MAKERS and is_gpu(kwargs.get("device"))
        generator = kwargs.get("generator")
        there = makes or any(isinstance(arg, OnGpu) for arg in args)
        if generator is not None and is_gpu(generator.device) is not there:
            raise RuntimeError(f"expected a {'cuda' if there else 'cpu'} generator, found {generator.device}")
        if makes:
            del kwargs["device"]
            return _on_gpu(func(*tree_map(_held, args), **kwargs))
        return func(*args, **kwargs)

    @staticmethod
    def _move(x: torch.Tensor, device: torch.device, dtype: Any, options: Any) -> torch.Tensor:
        if is_gpu(device):
            OnGpu.counts.copies_to_gpu += not isinstance(x, OnGpu)
            moved = x if dtype is None and not options else torch.Tensor.to(x, dtype or x.dtype, **options)
            return moved if isinstance(moved, OnGpu) else OnGpu(moved.detach().clone())
        if isinstance(x, OnGpu):
            OnGpu.counts.waits += 1
            x = x.held.detach().clone()
        return torch.Tensor.to(x, dtype or x.dtype, **options)


class _Generator(torch._C.Generator):
    """A generator that says where it is; its numbers are the CPU's."""

    def __new__(cls, device: Any = "cpu") -> "_Generator":
        return super().__new__(cls)

    def __init__(self, device: Any = "cpu") -> None:
        self._device = torch.device(device)

    @property
    def device(self) -> torch.device:
        return self._device

    def set_state(self, state: torch.Tensor) -> Any:
        if isinstance(state, OnGpu):
            raise TypeError("RNG state must be a torch.ByteTensor")
        return super().set_state(state)


def _set_state(state: torch.Tensor, device: Any = None) -> None:
    if isinstance(state, OnGpu) or state.numel() != STATE_BYTES:
        raise RuntimeError("RNG state is wrong size")


@contextmanager
def pretended_gpu(free: int = 80_000_000_000) -> Iterator[Counts]:
    """Within, torch has one GPU with ``free`` bytes. It computes in float32, so that results are the CPU's."""
    about = SimpleNamespace(uuid="GPU-pretended", total_memory=free, name="Pretended GPU")
    load, save, autocast = torch.load, torch.save, torch.autocast

    def load_here(file: Any, map_location: Any = None, **options: Any) -> Any:
        found = load(file, map_location="cpu", **options)
        return tree_map(_on_gpu, found) if is_gpu(map_location) else found

    cuda = {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "set_device": lambda device: None,
        "empty_cache": lambda: None,
        "get_device_properties": lambda device: about,
        "mem_get_info": lambda device=None: (free, free),
        "get_device_name": lambda device=None: about.name,
        "get_rng_state": lambda device=None: torch.zeros(STATE_BYTES, dtype=torch.uint8),
        "set_rng_state": _set_state,
    }
    replaced = {
        "Generator": _Generator,
        "load": load_here,
        "save": lambda content, file, **options: save(tree_map(_held, content), file, **options),
        "autocast": lambda kind, dtype=None, enabled=True, **options: autocast("cpu", dtype, enabled=False),
    }
    OnGpu.counts = Counts()
    pinned = patch.object(torch.Tensor, "pin_memory", torch.Tensor.clone)  # in every thread
    with patch.multiple(torch, **replaced), patch.multiple(torch.cuda, **cuda), pinned, _Machine():
        yield OnGpu.counts
