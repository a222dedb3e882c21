"""Where a step computes: one GPU if there is one, else the CPU, with as many threads as the scheduler granted."""

import os

import torch


def choose_device() -> torch.device:
    """Return the first visible GPU or the CPU; set torch's threads to OMP_NUM_THREADS where that is set.

    Snakemake exports OMP_NUM_THREADS from a rule's ``threads``; it is applied here too because a warm process has
    imported torch before it knew (:mod:`tradeoffs.warm`).
    """
    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
