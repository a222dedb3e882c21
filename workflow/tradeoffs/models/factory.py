"""The network that a Python function of the user's makes, and its weights as tensors with the function's name beside.

So an architecture that no library has goes through the workflow: its weights are a plain state_dict, and the function
makes the network again wherever it is evaluated. Its code must then be what it was, by its digest. It is code, which
runs with all rights of the process.
"""

import copy
import importlib
import inspect
import json
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from tradeoffs.compute.transfer import laid_out
from tradeoffs.models import state_dict, user_code
from tradeoffs.models.normalised import Wrapped, wrap
from tradeoffs.step.errors import InputError

_NEVER_FORGOTTEN = {"tradeoffs", *sys.stdlib_module_names}
KEY = "factory"  # under which the function's name, arguments and digest lie among the tensors


class Factory(NamedTuple):
    """A function (``file.py:function``, ``package.module:function``) and the arguments that it is called with."""

    function: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        """Return the call, as it is written in Python."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.function}({given})"


def make(factory: Factory) -> nn.Module:
    """Return a new network, on the CPU; InputError, in one line, for a function that does not make one.

    It is not there, wants other arguments, raises, or returns something else.
    """
    place = user_code.place(factory.function)
    _forget_imported(factory.function)
    with _imports_from(place.root), _default_type_kept():
        function = _function(place, factory.function)
        try:
            inspect.signature(function).bind(**factory.arguments)
        except TypeError as error:
            raise InputError(
                f"factory: {factory} wants other arguments ({error}): it is {place.function}"
                f"{inspect.signature(function)}; correct the arguments"
            ) from None
        except ValueError:  # not written in Python, so it says when it is called
            pass
        try:
            made = function(**copy.deepcopy(dict(factory.arguments)))  # whatever it does to them, they are named after
        except (Exception, SystemExit) as error:
            raise InputError(f"factory: {factory} raised {_said(error, place)}; correct it") from None
    if not isinstance(made, nn.Module):
        raise InputError(f"factory: {factory} returned {type(made).__name__}; expected a torch.nn.Module")
    return made.cpu().eval()


def pack(factory: Factory, network: Wrapped) -> dict[str, Tensor]:
    """Return the state_dict of a network that :func:`make` made and :func:`dressed` wrapped, and how to make it."""
    said = {
        "function": factory.function,
        "arguments": dict(factory.arguments),
        "sha256": user_code.digest(factory.function),
        "features": network.classifier is not None,
        "plain": network.plain,
    }
    text = json.dumps(said, sort_keys=True).encode()
    return {KEY: torch.from_numpy(np.frombuffer(text, np.uint8).copy())} | dict(network.state_dict())


def unpack(tensors: Any, num_classes: int, path: Path) -> Wrapped:
    """Return the network that :func:`pack` stored; InputError, naming ``path``, for anything else, and other code."""
    if not isinstance(tensors, dict) or KEY not in tensors:
        raise InputError(f"{path}: does not say which factory makes its network; convert the model again")
    said = json.loads(tensors[KEY].numpy().tobytes())
    factory = Factory(said["function"], said["arguments"])
    if user_code.digest(factory.function) != said["sha256"]:
        raise InputError(
            f"{path}: the code of {factory.function} is not what it was when these weights were made from it; run the "
            "workflow again, which converts the model again"
        )
    network = dressed(make(factory), num_classes, said["features"], said["plain"])
    own = {name: tensor for name, tensor in tensors.items() if name != KEY}
    state_dict.fit(network, own, path, f"{factory} with {num_classes} classes")
    return network


def dressed(network: nn.Module, num_classes: int, features: bool, plain: bool, *preprocessing: Any) -> Wrapped:
    """Return a network wrapped, with its last linear layer set apart where it shows its ``features`` by that.

    ``plain``: as :class:`Wrapped`, for code that relies on how images lie in memory. ``preprocessing``: mean, std and
    input size, as there.
    """
    whole = wrap(network, num_classes, *preprocessing) if features else Wrapped(network, None, *preprocessing)
    whole.plain = plain
    return whole if plain else laid_out(whole, torch.channels_last)


def _function(place: user_code.Place, factory: str) -> Callable[..., Any]:
    """Return the function itself; InputError where its module fails or has none of that name."""
    try:
        module = importlib.import_module(place.module) if place.module else _executed(place.file)
    except (Exception, SystemExit) as error:
        raise InputError(f"factory: {factory}: its module raised {_said(error, place)}; correct it") from None
    found = getattr(module, place.function, None)
    if not callable(found):
        there = ", ".join(name for name, item in vars(module).items() if inspect.isfunction(item)) or "none"
        raise InputError(f"factory: {factory}: {place.file} has no function {place.function!r}; it has {there}")
    return found  # type: ignore[no-any-return]


def _forget_imported(factory: str) -> None:
    """Have a factory's own code imported as it is now, and from its own folder, as its digest is taken.

    Another model's may have modules of the same names, and files are edited while a notebook lives. What is Python's,
    installed or this program's own stays: others hold parts of it.
    """
    installed = [Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")]
    for name, file in user_code.modules(factory).items():
        there = Path(getattr(sys.modules.get(name), "__file__", None) or "").absolute()
        others = name.partition(".")[0] in _NEVER_FORGOTTEN or any(map(there.is_relative_to, installed))
        if there == file.absolute() or not others:
            sys.modules.pop(name, None)
    importlib.invalidate_caches()


def _executed(file: Path) -> types.ModuleType:
    """Return the module that a file is, as it is now: no older version of it from a cache."""
    name = f"factory_{file.stem}"
    module = types.ModuleType(name)
    module.__file__ = str(file.absolute())
    sys.modules[name] = module  # where dataclasses look for it
    exec(compile(file.read_bytes(), module.__file__, "exec"), vars(module))
    return module


@contextmanager
def _imports_from(root: Path) -> Iterator[None]:
    """Let imports find the modules of a folder first; afterwards last, for those within functions.

    None is compiled into a cache: one that is edited within a second, to the same length, would be read from there.
    """
    folder, kept = str(root.absolute()), sys.dont_write_bytecode
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = kept
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)


@contextmanager
def _default_type_kept() -> Iterator[None]:
    kind = torch.get_default_dtype()
    try:
        yield
    finally:
        torch.set_default_dtype(kind)


def _said(error: BaseException, place: user_code.Place) -> str:
    """Return an error's kind, message and the last line of the user's own files that it came from."""
    line, trace = "", error.__traceback__
    root = place.root.absolute()
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.absolute().is_relative_to(root):
            line = f" at {file.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{line} ({' '.join(str(error).split())[:200]})"
