"""The GPUs of this machine as they can be known without torch: what is named, listed, granted; and by which driver."""

import os
import re
import subprocess
from pathlib import Path

# What a name in CUDA_VISIBLE_DEVICES looks like; at the first entry that is none, CUDA stops reading.
_NAME = re.compile(r"[0-9]+|(GPU|MIG)-\S+")
# By which SLURM tells a job what it was granted: numbers of GPUs, or how many.
_GRANTS = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE", "SLURM_GPUS", "SLURM_GPUS_PER_NODE")
_COUNTS = _GRANTS[2:]
_DRIVER = Path("/proc/driver/nvidia/version")


def named() -> list[str] | None:
    """Return the GPUs that CUDA_VISIBLE_DEVICES names, as CUDA reads it; None where it is not set.

    An empty list is a wish to compute without (empty, -1, NoDevFiles).
    """
    text = os.environ.get("CUDA_VISIBLE_DEVICES")
    if text is None:
        return None
    names: list[str] = []
    for name in text.split(","):
        if not _NAME.fullmatch(name.strip()):
            break
        names.append(name.strip())
    return names


def listed() -> list[str]:
    """Return the lines of ``nvidia-smi -L``, one per GPU and, indented, one per MIG instance; none without it."""
    return [line for line in _ask("-L").splitlines() if re.match(r"GPU [0-9]+:|\s+MIG ", line)]


def count() -> int:
    """Return how many GPUs one process may open: those named, else those listed.

    CUDA opens one MIG instance per process, and beside it no whole GPU, so where there are instances it is 1.
    """
    names = named()
    found = listed() if names is None else names
    return min(1, len(found)) if _mig(found) else len(found)


def remark() -> str | None:
    """Return one line that says why fewer GPUs count than are there; None where all count."""
    names = named()
    found = listed() if names is None else names
    instances = len(_mig(found))
    if instances < 2:
        return None
    return (
        f"{instances} MIG instances, of which CUDA opens one per process: one job at a time; name another one in "
        "CUDA_VISIBLE_DEVICES for a second run"
    )


def seen() -> str | None:
    """Return what says that there is a GPU to compute on, as words of a message; None where nothing does.

    CUDA_VISIBLE_DEVICES decides where it is set, so that an empty one means the CPU whatever else is there.
    """
    names = named()
    if names is not None:
        return f"CUDA_VISIBLE_DEVICES names {','.join(names)}" if names else None
    lines = listed()
    if lines:
        return f"nvidia-smi lists {lines[0].partition(' (UUID')[0].strip()}"
    if "version mismatch" in _ask("-L"):
        return "nvidia-smi says that its version is not the driver's (restart the machine)"
    for variable in _GRANTS:
        text = os.environ.get(variable, "")
        # 0,1 or IDX:0-1 are numbers of GPUs; 2, a100:2 or gpu:a100:2 say how many.
        if re.search("[1-9]" if variable in _COUNTS else "[0-9]", text.rpartition(":")[2]):
            return f"SLURM granted a GPU ({variable}={text})"
    return None


def driver() -> str | None:
    """Return the version of NVIDIA's driver; None where it cannot be known."""
    asked = re.search(r"^\s*([0-9]+(\.[0-9]+)+)\s*$", _ask("--query-gpu=driver_version", "--format=csv,noheader"), re.M)
    if asked:
        return asked[1]
    try:
        kernel = re.search(r"Kernel Module\D*([0-9]+(\.[0-9]+)+)", _DRIVER.read_text())
    except OSError:
        return None
    return kernel[1] if kernel else None


def _mig(found: list[str]) -> list[str]:
    return [line for line in found if line.strip().startswith("MIG")]


def _ask(*arguments: str) -> str:
    """Return what nvidia-smi prints; nothing where it is not there or does not answer."""
    try:
        done = subprocess.run(["nvidia-smi", *arguments], capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")
