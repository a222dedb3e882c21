"""How many images go through a network at once, and how many threads read them: from what the machine grants.

No result depends on what is granted beyond the rounding of floating-point sums, so it is no setting.
"""

import os
import sys

import torch

from tradeoffs.step.errors import InputError
from tradeoffs.step.ranges import is_number

_MOST_THREADS = 10_000
_LARGEST = 250  # images; larger batches are no faster
_CPU_PIXELS = 32 * 224**2  # what fits the caches, and a fraction of a GB in any network
_GPU_BYTES_PER_PIXEL = 1000  # twice what a ResNet-50 was seen to hold without gradients
# Of the images attacked together, 15 of 224 x 224 on a CPU: a ResNet-50 then holds 2 GB. On a GPU 250, and 11 GB: an
# attack's last images leave it idle, and 250 of an H100 were done in two thirds of the time of as many in blocks of 15.
_ATTACKED_PIXELS = {"cpu": 15 * 224**2, "cuda": 250 * 224**2}
_MOST_ATTACKED = 500  # images
_HELD_BYTES = 256_000_000  # of the decoded arrays of a batch; four batches are in memory at once


def threads() -> int | None:
    """Return the threads that OMP_NUM_THREADS grants, of nested levels (8,4) the outermost; None where it is not set.

    InputError for what is no such number.
    """
    text = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if not text:
        return None
    if not is_number(text) or not 1 <= int(text) <= _MOST_THREADS:
        raise InputError(f"OMP_NUM_THREADS = {text!r}; expected a number of threads, 1 to {_MOST_THREADS:,}")
    return int(text)


def workers() -> int:
    """Return the number of cores granted: OMP_NUM_THREADS where it is set, else the process's own."""
    if (granted := threads()) is not None:
        return granted
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


def attacked_together(pixels: int, device: torch.device) -> int:
    """Return how many images of ``pixels`` are attacked at once, of which fewer may go through a network at once.

    Random starts are drawn for all of them together, so that it depends on nothing but the kind of device, whose
    generators differ anyway.
    """
    return max(1, min(_MOST_ATTACKED, _ATTACKED_PIXELS[device.type] // pixels))


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
