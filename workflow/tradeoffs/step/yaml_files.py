"""The YAML that lies beside the code: declarations, lists, the schema."""

from pathlib import Path
from typing import Any

import yaml

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import read_text

ROOT = Path(__file__).resolve().parents[1]  # the package, in whose rooms they lie
# Every start of the workflow reads all of them: by libyaml, where PyYAML was built with it, in a third of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> dict[str, Any]:
    """Return what a declaration says; InputError, with the line, for what is no YAML or no mapping of keys."""
    try:
        content = yaml.load(read_text(path), _LOADER)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{path}{line}: not valid YAML ({' '.join(str(error.problem).split())}); correct it") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())[:200]}); correct it") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected keys and their values, as title: Waterbirds")
    return content
