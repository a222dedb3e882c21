"""In what precision numbers are computed, and that the same ones come again: decided here, for every step.

float32 is float32: without a word, PyTorch's default has convolutions on a GPU round their operands to TF32's 10 bits,
which moves predictions, and an environment can have processors round them to bfloat16's 7. Only where bfloat16 is asked
for (:func:`autocast`, in trainings) is less computed with.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from tradeoffs.compute.processor import NARROWING
from tradeoffs.step.errors import InputError


def decide(device: torch.device) -> None:
    """Compute in full float32; have a GPU use kernels that repeat themselves, of which those that cannot warn.

    To be called before the first matrix product, at which NVIDIA's libraries read their settings. On a CPU all kernels
    in use repeat themselves. InputError where Intel's library was told to compute with less as it was loaded.
    """
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # 1, in somebody's environment, would win over what follows
    # First the older switches, then the newer: torch refuses to read the former where the two disagree.
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn.fp32_precision = "ieee"  # type: ignore[attr-defined]
    for part in ("conv", "matmul", "rnn"):
        getattr(torch.backends.mkldnn, part).fp32_precision = "ieee"
    if (told := [name for name in NARROWING if name in os.environ]) and _rounds():
        raise InputError(
            f"{told[0]}={os.environ[told[0]]}: this process computes float32 with less; take it out of the "
            "environment, and start Python again"
        )
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False  # it picks kernels by how long they took
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _rounds() -> bool:
    """Whether convolutions round what they are given: 1 + 2^-12 takes more than TF32's 10 bits, or bfloat16's 7."""
    images = torch.full((8, 64, 16, 16), 1 + 2**-12)
    found = torch.nn.functional.conv2d(images, torch.full((64, 64, 3, 3), 1 / (64 * 9)))
    return bool((found - (1 + 2**-12)).abs().max() > 2**-14)


@contextmanager
def decided(device: torch.device) -> Iterator[None]:
    """As :func:`decide` within the block; afterwards the process is as it was: it is somebody's notebook, say."""
    backends: Any = torch.backends
    intel = backends.mkldnn
    newer = [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn, intel.conv, intel.matmul, intel.rnn]
    kept = [part.fp32_precision for part in newer]
    try:
        older: Any = torch.get_float32_matmul_precision(), backends.cudnn.allow_tf32
    except RuntimeError:  # torch does not say where only the newer switches were used, and these say it all
        older = None
    variables = {name: os.environ.get(name) for name in ("NVIDIA_TF32_OVERRIDE", "CUBLAS_WORKSPACE_CONFIG")}
    benchmark, fill = backends.cudnn.benchmark, torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    strict, warn = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        decide(device)
        yield
    finally:
        if older is not None:
            torch.set_float32_matmul_precision(older[0])
            backends.cudnn.allow_tf32 = older[1]
        for part, value in zip(newer, kept, strict=True):
            part.fp32_precision = value
        backends.cudnn.benchmark = benchmark
        torch.use_deterministic_algorithms(strict, warn_only=warn)
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
        for name, value in variables.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


PRECISIONS = ("auto", "float32", "bfloat16")


def of_training(precision: str, on_gpu: bool) -> str:
    """Return float32 or bfloat16, for one of PRECISIONS.

    auto is bfloat16 on a GPU and float32 on a processor, where it gains little or, without instructions for it, costs
    much.
    """
    if precision == "auto":
        return "bfloat16" if on_gpu else "float32"
    return precision


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context of a training's forward pass, in which matrix products and convolutions may take bfloat16.

    ``precision``: one of PRECISIONS (:func:`of_training`). Weights, their updates, losses and attacked images stay
    float32; bfloat16 has float32's range, so that no loss needs scaling. Evaluations do not use it: there an error of
    rounding would count as robustness, or as its lack.
    """
    narrow = of_training(precision, device.type == "cuda") == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=narrow)
