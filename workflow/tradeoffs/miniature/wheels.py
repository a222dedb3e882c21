"""Files that installed packages bring along, found without importing the packages."""

from importlib.util import find_spec
from pathlib import Path

from tradeoffs.step.errors import InputError


def installed_file(package: str, name: str) -> Path:
    """Return the path of file ``name`` inside an installed package; InputError where either is missing."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise InputError(f"{package}: package not installed; install the environment of this project")
    path = Path(spec.origin).parent / name
    if not path.is_file():
        raise InputError(f"{path}: not in the installed {package}; install the pinned version of this project")
    return path
