"""Which weights a training checkpoint holds, and which of them are meant where there is more than one set.

Training scripts keep a moving average of the weights beside the weights themselves (``state_dict`` and
``state_dict_ema`` in timm, ``model`` and ``model_ema`` in torchvision, ``params_ema``, ``teacher`` and ``student``, or
names with a prefix in one state_dict). The two give other numbers, and the file does not say which were published.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tradeoffs.step.errors import InputError

CHOICES = ("ema", "raw")
Sets = dict[str, "Found"]  # by the key under which it lies in the file
Shapes = dict[str, torch.Size]  # of a network's parameters by name

# What averaged weights are called, in lower case: ema, model_ema, modelema, teacher, swa_model, averaged, ...
_AVERAGED = re.compile(
    r"(?<![a-z])ema|ema(?![a-z])|teacher|averag|smooth|(?<![a-z])(?:avg|swa|polyak|target|shadow)(?![a-z])"
)
# An optimiser may keep its moments under the weights' names.
_OPTIMISER = re.compile(r"optimi[sz]er|(?<![a-z])optim(?![a-z])")
# What wraps a network puts a name before those of its tensors: torch's data parallelism and averaging (module.),
# torch.compile (_orig_mod.), Lightning and robustness (model.), and whatever a user's class calls it (net., backbone.).
# One under which a whole network lies is taken off, whatever it is; these two say nothing and are not shown in errors.
_SILENT = ("module.", "_orig_mod.")
_DEPTH = 8


class Found(NamedTuple):
    """A set of weights, without what stood before all of its names; ``beside``: what else lies in its state_dict.

    ``tensors`` is a list where they have no names. Counters (whole numbers) beside it play no part in evaluation.
    """

    tensors: Any
    beside: dict[str, Tensor] = {}  # noqa: RUF012 (never written)


class Taken(NamedTuple):
    """A state_dict, the key under which it lay (empty: the file itself), those of the sets that were left.

    ``beside``: the tensors that lie in the same state_dict and belong to no set, under their names in the file.
    """

    tensors: Any
    key: str
    others: tuple[str, ...]
    beside: dict[str, Tensor] = {}  # noqa: RUF012 (never written)


def shapes(network: nn.Module) -> Shapes:
    """Return the shapes of a network's parameters by name: what its weights are known by."""
    return {name: parameter.shape for name, parameter in network.named_parameters()}


def take(content: Any, networks: Sequence[Shapes], wanted: str | None, path: Path) -> Taken:
    """Return the weights in a file's ``content`` for a network, whose tensors may be named in any of several ways.

    ``wanted`` is ``ema`` or ``raw`` where the file holds averaged weights beside others, else None. Without weights of
    such a network the state_dict is looked for where it usually lies, for the error to name what does not fit.
    InputError where there is more than one set and ``wanted`` does not say which, or nothing to choose from.
    """
    if wanted not in (None, *CHOICES):
        raise InputError(f"weights: {wanted!r}; expected one of {', '.join(CHOICES)}, or null")
    found = sets(content, networks)
    if wanted is not None and len(found) < 2:
        raise InputError(
            f"weights: {wanted}, but {path} holds no more than one set of weights of this network; use null"
        )
    if not found:
        return Taken(_usual(content), "", ())
    if wanted is None and not equal(found):
        raise InputError(
            f"{path}: holds more than one set of weights of this network, with other values ({listed(found)}); say "
            "which are meant by weights: ema (the averaged ones) or weights: raw"
        )
    meant = list(found)
    if wanted is not None:
        meant = [key for key in found if bool(_AVERAGED.search(key.lower())) == (wanted == "ema")]
        if len(meant) != 1:
            raise InputError(
                f"weights: {wanted} does not say which weights of {path} are meant ({listed(found)}); save those "
                "alone, and use that file"
            )
    tensors, beside = found[meant[0]]
    return Taken(tensors, meant[0], tuple(key for key in found if key != meant[0]), beside)


def sets(content: Any, networks: Sequence[Shapes]) -> Sets:
    """Return every set of weights in a file: what has a tensor of name and shape for half a network's parameters."""
    found: Sets = {}
    for key, one in _sets(content, networks, "", 0):
        found.setdefault(key, one)
    return found


def equal(found: Sets) -> bool:
    """Whether all sets are the same, tensor for tensor."""
    first, *rest = [one.tensors for one in found.values()] or [None]
    return all(
        isinstance(first, dict)
        and isinstance(other, dict)
        and first.keys() == other.keys()
        and all(_same(tensor, other[name]) for name, tensor in first.items())
        for other in rest
    )


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal; those that are not stored plainly are refused later, by name."""
    plain = [item.layout == torch.strided and not (item.is_meta or item.is_quantized) for item in (one, other)]
    if not all(plain):
        return plain == [False, False]
    if one.shape != other.shape or one.dtype != other.dtype:
        return torch.equal(one, other)
    return torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)  # NaN is refused later, by name


def listed(found: Sets) -> str:
    """Name the sets by their keys."""
    return ", ".join(key or "the file's own names" for key in found)


def _sets(content: Any, networks: Sequence[Shapes], key: str, depth: int) -> Iterator[tuple[str, Found]]:
    if depth > _DEPTH or _OPTIMISER.search(key.lower()):
        return
    if isinstance(content, list | tuple):
        # Averages kept without names, in the order of the parameters.
        given = [item.shape for item in content if isinstance(item, Tensor)]
        if given and any(given == list(network.values()) for network in networks):
            yield key, Found(list(content))
        for number, item in enumerate(content):
            if isinstance(item, dict):
                yield from _sets(item, networks, f"{key}[{number}]", depth + 1)
        return
    if not isinstance(content, dict):
        return
    own = {str(name): item for name, item in content.items() if isinstance(item, Tensor)}
    prefixes = _prefixes(own, networks)
    beside = {
        name: item for name, item in own.items() if item.is_floating_point() and not name.startswith(tuple(prefixes))
    }
    for prefix in prefixes:
        inner = [other for other in prefixes if other != prefix and other.startswith(prefix)]
        tensors = {
            name.removeprefix(prefix): tensor
            for name, tensor in own.items()
            if name.startswith(prefix) and not name.startswith(tuple(inner))
        }
        yield (f"{key}[{prefix}*]" if prefix else key), Found(tensors, beside)
    for name, item in content.items():
        if not isinstance(item, Tensor):
            yield from _sets(item, networks, f"{key}.{name}" if key else str(name), depth + 1)


def _prefixes(tensors: dict[str, Tensor], networks: Sequence[Shapes]) -> list[str]:
    """Return the prefixes (ending in a dot, or empty) under which at least half of a network's parameters lie.

    The networks are names of one: those count of which the largest part is found.
    """
    best: tuple[float, list[str]] = (0.0, [])
    for network in networks:
        found: Counter[str] = Counter()
        for name, tensor in tensors.items():
            starts = [0, *(place.end() for place in re.finditer(r"\.", name))]
            found.update(name[:start] for start in starts if network.get(name[start:]) == tensor.shape)
        part = max(found.values(), default=0) / max(len(network), 1)
        if part > best[0]:
            best = part, [prefix for prefix, count in found.items() if 2 * count >= len(network)]
    return best[1]


def _usual(content: Any) -> Any:
    """Return what lies where a checkpoint's state_dict usually does: under ``state_dict`` or ``model``."""
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(item, Tensor) for item in content.values()):
        return content
    tensors = {str(name): item for name, item in content.items()}
    for wrapper in _SILENT * 2:
        if tensors and all(name.startswith(wrapper) for name in tensors):
            tensors = {name.removeprefix(wrapper): tensor for name, tensor in tensors.items()}
    return tensors
