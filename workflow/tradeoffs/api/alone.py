"""Compute as the workflow does in the process of somebody else, whatever is switched on there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

from tradeoffs.compute import precision

_ONE = threading.RLock()


@contextmanager
def alone(device: torch.device) -> Iterator[None]:
    """Compute as the workflow does, whatever the caller has switched, and leave torch's switches as they were.

    The switches are the process's: a call from another thread waits.
    """
    with _ONE, _switched(device):
        yield


@contextmanager
def _switched(device: torch.device) -> Iterator[None]:
    default, usual = torch.get_default_dtype(), torch.get_default_device().type == "cpu"
    with (
        nullcontext() if usual else torch.device("cpu"),
        precision.decided(device),
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        torch.inference_mode(mode=False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
        torch.autocast(device.type, enabled=False),
    ):
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(default)
