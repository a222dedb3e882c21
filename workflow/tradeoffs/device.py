"""Where a step computes: one GPU if there is one, else the CPU, with as many threads as the scheduler granted."""

import os
from functools import cache

import torch

from tradeoffs import lease


def choose_device() -> torch.device:
    """Return a GPU that this process then has a lease of, or the CPU; set torch's threads to OMP_NUM_THREADS.

    Snakemake exports OMP_NUM_THREADS from a rule's ``threads``; it is applied here too because a warm process has
    imported torch before it knew (:mod:`tradeoffs.warm`). Waits while all GPUs are in use (:mod:`tradeoffs.lease`).
    """
    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return _gpu() if torch.cuda.is_available() else torch.device("cpu")


@cache
def _gpu() -> torch.device:
    """Lease a GPU, once per process; one of several processes of a training (torchrun) uses the one it was given."""
    index = 0
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        (index,) = lease.take(visible_gpus())
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


def visible_gpus() -> list[str]:
    """UUIDs of the GPUs that this process may use, in torch's order, which CUDA_VISIBLE_DEVICES may have changed."""
    found = range(torch.cuda.device_count())
    return [str(getattr(torch.cuda.get_device_properties(index), "uuid", f"index-{index}")) for index in found]
