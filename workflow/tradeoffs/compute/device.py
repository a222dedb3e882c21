"""Where a step computes: one GPU if there is one, else the CPU, with as many threads as the scheduler granted."""

from functools import cache

import torch

from tradeoffs.compute import gpus, lease, memory, precision
from tradeoffs.compute.batching import threads
from tradeoffs.compute.members import world_size
from tradeoffs.step.errors import InputError


def choose_device() -> torch.device:
    """Return a GPU that this process then has a lease of, or the CPU; set torch's threads to OMP_NUM_THREADS.

    Precision and determinism are decided with it (:mod:`tradeoffs.compute.precision`). Waits while all GPUs are in use
    (:mod:`tradeoffs.compute.lease`).

    Raises InputError where there is a GPU that torch cannot use, or that has no memory left.
    """
    take_threads()
    device = torch.device("cuda" if gpu_usable() else "cpu")
    precision.decide(device)
    return _gpu() if device.type == "cuda" else device


def take_threads() -> None:
    """Set the threads of torch and of the BLAS to OMP_NUM_THREADS, which Snakemake exports from a rule's ``threads``.

    A warm process has imported torch and numpy before it knew, with one thread (:mod:`tradeoffs.runner.fork_server`); a
    linear head would then keep a GPU waiting for a minute or two. Elsewhere a variable of the BLAS's own may say
    another number (OPENBLAS_NUM_THREADS).
    """
    if (count := threads()) is None:
        return
    import threadpoolctl

    torch.set_num_threads(count)
    threadpoolctl.threadpool_limits(count, user_api="blas")


def gpu_usable() -> bool:
    """Whether torch finds a GPU. InputError where it finds none though there is one: a CPU would take weeks, silently.

    None is wanted where CUDA_VISIBLE_DEVICES is empty or -1.
    """
    if torch.cuda.is_available():
        return True
    found = gpus.seen()
    if found is None:
        return False
    without = "compute without it: CUDA_VISIBLE_DEVICES= (empty), or --resources gpu=0 for snakemake"
    if torch.version.cuda is None:
        raise InputError(
            f"{found}, but torch {torch.__version__} is built without CUDA; install a build with CUDA, or {without}"
        )
    version = gpus.driver()
    raise InputError(
        f"{found}, but torch {torch.__version__}, built for CUDA {torch.version.cuda}, cannot use it; NVIDIA's driver "
        f"is {version or 'not to be found'}: install one for CUDA {torch.version.cuda} or later, or a torch built for "
        f"an older CUDA, or {without}"
    )


@cache
def _gpu() -> torch.device:
    """Lease a GPU, once per process; one of several processes of a training (torchrun) uses the one it was given."""
    index = 0
    if world_size() == 1:
        (index,) = lease.take(visible_gpus())
    device = torch.device("cuda", index)
    _open(device)
    return device


def _open(device: torch.device) -> None:
    """Have CUDA open a GPU now, where what it refuses is one line: memory, another's exclusive use, an old chip."""
    try:
        with memory.or_say("before anything was computed; free the GPU of other processes, or use another one"):
            torch.cuda.set_device(device)
            torch.ones(1, device=device).item()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"GPU {device.index} cannot be used by torch {torch.__version__}, built for CUDA {torch.version.cuda} "
            f"({reason}); use another GPU or another build of torch, or none: CUDA_VISIBLE_DEVICES= (empty)"
        ) from None


def visible_gpus() -> list[str]:
    """UUIDs of the GPUs that this process may use, in torch's order, which CUDA_VISIBLE_DEVICES may have changed."""
    found = range(torch.cuda.device_count())
    return [str(getattr(torch.cuda.get_device_properties(index), "uuid", f"index-{index}")) for index in found]
