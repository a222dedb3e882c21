"""The same bits again, on a GPU too, where some of the fastest kernels add in whatever order their threads end."""

import os

import torch


def make_deterministic(device: torch.device) -> None:
    """Have a GPU use kernels that repeat themselves; those that cannot warn. On a CPU all that is used do.

    To be called before the first matrix product, at which cuBLAS reads its setting.
    """
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False  # it picks kernels by how long they took
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
