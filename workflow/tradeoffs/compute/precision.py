"""In what precision numbers are computed, and that the same ones come again: decided here, for every step.

float32 is float32: without a word, PyTorch's default has convolutions on a GPU round their operands to TF32's 10 bits,
which moves predictions. Only where bfloat16 is asked for (:func:`autocast`, in trainings) is less computed with.
"""

import os

import torch


def decide(device: torch.device) -> None:
    """Compute in full float32; have a GPU use kernels that repeat themselves, of which those that cannot warn.

    To be called before the first matrix product, at which NVIDIA's libraries read their settings. On a CPU all kernels
    in use repeat themselves.
    """
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # 1, in somebody's environment, would win over what follows
    # First the older switches, then the newer: torch refuses to read the former where the two disagree.
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn.fp32_precision = "ieee"  # type: ignore[attr-defined]
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False  # it picks kernels by how long they took
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def autocast(device: torch.device) -> torch.autocast:
    """Return the context of a training's forward pass: on a GPU matrix products and convolutions take bfloat16.

    Weights, their updates, losses and attacked images stay float32; bfloat16 has float32's range, so that no loss needs
    scaling. Evaluations do not use it: there an error of rounding would count as robustness, or as its lack.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
