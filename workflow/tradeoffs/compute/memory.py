"""When a GPU's memory runs out: which errors say so, and one line in place of a traceback."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tradeoffs.step.errors import InputError

# The allocator of torch raises a type of its own. CUDA and its libraries allocate for themselves too (a context, a
# cuBLAS handle, a workspace), and what they report arrives as a RuntimeError.
_SIGNS = re.compile(r"out of memory|_ALLOC(ATION)?_FAILED|cudaErrorMemoryAllocation", re.IGNORECASE)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a GPU's memory is full, whoever wanted it."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and _SIGNS.search(str(error)) is not None
    )


@contextmanager
def or_say(cure: str) -> Iterator[None]:
    """Turn running out of memory within the block into InputError: "GPU out of memory" and ``cure``."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise InputError(f"GPU out of memory {cure}") from None
