"""What is said of a model beside the model itself, and what becomes of both: a network and what its card says of it."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from tradeoffs.models import conversion
from tradeoffs.models.networks import Network
from tradeoffs.step.errors import InputError

CLASSES = 1000  # of a network that does not say


class How(NamedTuple):
    """What is said of a model beside the model itself; :func:`tradeoffs.api.evaluate.evaluate` says what each means."""

    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    input_size: int | None = None
    classes: int | None = None
    architecture: str | None = None
    weights: str | None = None
    features: str | Callable[[nn.Module, Tensor], Tensor] | None = None
    trust: bool = False


def check_kinds_of(how: How) -> How:
    """Return what is said of a model; InputError for trust that is neither True nor False: any text would be true."""
    if not isinstance(how.trust, bool):
        raise InputError(f"trust: {how.trust!r}; expected True or False")
    return how


class Given(NamedTuple):
    """The network, on its device, and what the card says of it; ``content`` are keys of the card."""

    network: Network
    name: str
    architecture: str
    classes: int
    content: dict[str, Any]


def settings(how: How, classes: int) -> conversion.Settings:
    """Return what was said as a conversion takes it; InputError for what is no number."""
    for key in ("architecture", "weights"):
        value = getattr(how, key)
        if value is not None and not isinstance(value, str):
            raise InputError(f"{key}: {value!r}; expected text")
    for key in ("input_size", "classes"):
        value = getattr(how, key)
        if value is not None and (type(value) is not int or value < 1):
            raise InputError(f"{key}: {value!r}; expected a whole number from 1")
    mean, std = _channels("mean", how.mean), _channels("std", how.std)
    return conversion.Settings(classes, mean=mean, std=std, input_size=how.input_size)


def _channels(key: str, values: Any) -> list[float] | None:
    """Return values as plain numbers, whether they came as a list, an array or a tensor (of [3, 1, 1], say)."""
    if values is None:
        return None
    try:
        listed = values.reshape(-1).tolist() if isinstance(values, np.ndarray | Tensor) else values
        # A bool or text would become a number.
        if isinstance(listed, list | tuple) and not any(
            isinstance(value, bool | np.bool_ | str | bytes) for value in listed
        ):
            return [float(value) for value in listed]
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last of a tensor without values
        pass
    said = " ".join(repr(values).split())[:80]
    raise InputError(f"{key}: {said}; expected a list of three numbers, one for each channel in their order")


def digest(tensors: Any) -> dict[str, str]:
    """Return what the card says of weights: a SHA-256 (hex) over the names, types, shapes and values of the tensors."""
    total = hashlib.sha256()
    for name, tensor in sorted(tensors.items(), key=lambda item: str(item[0])):
        if isinstance(tensor, Tensor) and tensor.layout == torch.strided and not tensor.is_quantized:
            plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
            total.update(f"{name} {plain.dtype} {list(plain.shape)}\n".encode())
            total.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return {"sha256": total.hexdigest(), "checked": "not: of the tensors in memory"}
