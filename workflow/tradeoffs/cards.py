"""Every result is a JSON card that says where it came from."""

import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tradeoffs.files import write_json

_LIBRARIES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "scikit-learn",
    "scikit-image",
    "pillow",
)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries a number can depend on, read from metadata (nothing is imported)."""
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


def write_card(
    path: Path,
    *,
    spec: dict[str, Any],
    code: str,
    data: dict[str, str],
    started: float,
    device: str = "cpu",
    **content: Any,
) -> None:
    """Write a card: ``content`` plus the provenance every card carries.

    ``spec`` is the resolved setting of the step; ``code`` the code id of its module (:mod:`tradeoffs.code_id`);
    ``data`` maps data-set names to fingerprints; ``started`` is ``time.perf_counter()`` at the start of the step's
    own work, from which ``seconds`` is computed.
    """
    card = {
        "spec": spec,
        "seed": spec.get("seed"),
        "code": code,
        "data": data,
        "versions": versions(),
        "device": device,
        "seconds": round(time.perf_counter() - started, 3),
    }
    write_json(path, card | content)
