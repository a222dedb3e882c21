"""A TorchScript file kept as tensors: its bytes unchanged, and the normalisation that it needs beside them.

So the weights of every model are a plain state_dict that loads with ``weights_only=True``; the network inside has
logits and no features. It is code, which runs when it is unpacked and used: see :mod:`tradeoffs.models.confinement`.
"""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tradeoffs.models.normalised import Wrapped
from tradeoffs.step.errors import InputError

KEYS = {"script", "mean", "std", "input_size"}


def pack(script: bytes, mean: list[float], std: list[float], input_size: int) -> dict[str, Tensor]:
    """Return the state_dict of a TorchScript file with this content; see :class:`Wrapped` for the other arguments."""
    return {
        "script": torch.from_numpy(np.frombuffer(script, np.uint8).copy()),
        "mean": torch.tensor(mean, dtype=torch.float32),
        "std": torch.tensor(std, dtype=torch.float32),
        "input_size": torch.tensor(input_size),
    }


def unpack(tensors: Any, path: Path) -> Wrapped:
    """Return the network that :func:`pack` stored; InputError, naming ``path``, for anything else."""
    if not isinstance(tensors, dict) or tensors.keys() != KEYS:
        raise InputError(f"{path}: holds no packed TorchScript network; make it again from the TorchScript file")
    backbone = read_script(tensors["script"].numpy().tobytes(), path)
    mean, std = tensors["mean"].tolist(), tensors["std"].tolist()
    return Wrapped(backbone, None, mean, std, int(tensors["input_size"]), plain=True)


def read_script(content: bytes, path: Path) -> torch.jit.ScriptModule:
    """Return the module of a TorchScript file with this content, on the CPU; InputError if it is none."""
    try:
        with warnings.catch_warnings():
            # Deprecated in favour of torch.export, but files of published models are TorchScript.
            warnings.simplefilter("ignore", FutureWarning)
            module: torch.jit.ScriptModule = torch.jit.load(io.BytesIO(content), map_location="cpu")
            return module
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: not a TorchScript file, or damaged ({reason})") from None
