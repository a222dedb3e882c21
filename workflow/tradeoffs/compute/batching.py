"""How many images go through a network at once, and how many threads read them: from what the machine grants.

No result depends on it beyond the rounding of floating-point sums, so it is no setting.
"""

import os
import sys

import torch

from tradeoffs.step.errors import InputError

_LARGEST = 250  # images; larger batches are no faster
_CPU_PIXELS = 1_600_000  # 32 images of 224 x 224: what fits the caches, and a fraction of a GB in any network
_GPU_BYTES_PER_PIXEL = 1000  # twice what a ResNet-50 was seen to hold without gradients
_HELD_BYTES = 256_000_000  # of the decoded arrays of a batch; four batches are in memory at once


def workers() -> int:
    """Return the number of cores granted: OMP_NUM_THREADS where it is set, else the process's own."""
    if os.environ.get("OMP_NUM_THREADS", "").isdecimal():
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def batch_size(pixels: int, held: int, device: torch.device) -> int:
    """Return the images per forward pass: ``pixels`` of one image, ``held`` bytes of all that is read for one image."""
    if device.type == "cuda":
        fitting = torch.cuda.mem_get_info(device)[0] // (_GPU_BYTES_PER_PIXEL * pixels)
    else:
        fitting = _CPU_PIXELS // pixels
    return max(1, min(_LARGEST, fitting, _HELD_BYTES // held))


def halved(size: int) -> int:
    """Return half of a batch that did not fit into the GPU's memory, which is emptied; InputError where it was 1.

    Call it outside the ``except`` block: the exception holds the tensors of the failed pass.
    """
    if size == 1:
        raise InputError("GPU out of memory with a single image; free the GPU of other processes, or use a larger one")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    print(f"GPU out of memory with {size} images at once; going on with {size // 2}", file=sys.stderr)
    return size // 2
