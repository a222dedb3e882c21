"""The pictures of a study and what models said of them: one JSON file per benchmark, made by their own step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json


def images(folder: Path | None, benchmarks: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the files of the benchmarks say, in their order; those that have none are left out.

    InputError for a file that is none of theirs.
    """
    if folder is None:
        return []
    found = []
    for name in benchmarks:
        path = folder / f"{name}.json"
        if not path.is_file():
            continue
        content = read_json(path)
        if not isinstance(content, dict) or content.get("benchmark") != name:
            raise InputError(f"{path}: not the pictures of {name}; delete it and make it again")
        found.append(content)
    return found
