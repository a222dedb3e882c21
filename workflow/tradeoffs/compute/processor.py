"""What the processor can do as far as it can be known without torch."""

from pathlib import Path

# By which an environment has Intel's library compute float32 with less, whatever torch is told: it reads them as it is
# loaded. Steps are started without them.
NARROWING = ("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE")
_DESCRIPTION = Path("/proc/cpuinfo")
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16", "svebf16"}  # as Linux writes them, of x86 and of ARM


def slow_bfloat16(precision: str) -> str | None:
    """Return one line where trainings in ``precision`` are slow on this processor; None where not, or not known.

    Without instructions for it every product in bfloat16 is put together from others: on an AMD EPYC with AVX2 alone a
    training step of the miniature's networks took 5 to 8 times as long as in float32.
    """
    if precision != "bfloat16":
        return None
    try:
        words = set(_DESCRIPTION.read_text().split())
    except OSError:
        return None
    if words & _BFLOAT16:
        return None
    return (
        "training.precision is bfloat16, for which this processor has no instructions: a training takes several times "
        "as long as in float32; set it to auto, or train on another machine"
    )
