"""The small JSON files that data sets say their names by."""

import json
from pathlib import Path
from typing import Any

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import read_text

UNPACK = "make or unpack the data set, or correct its path"


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a JSON object; InputError for a missing or broken file, a key given twice, or anything but an object."""
    try:
        content = json.loads(read_text(path, UNPACK), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); delete it and make or unpack it again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}, expected an object; unpack the data set again")
    return content


def read_texts(path: Path) -> dict[str, str]:
    """Read a JSON object whose values are strings; InputError as :func:`read_mapping`, naming the first other value."""
    content = read_mapping(path)
    for key, value in content.items():
        if not isinstance(value, str):
            raise InputError(f"{path}: {key!r} maps to {value!r}, expected a string; unpack the data set again")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands there twice")
        found[key] = value
    return found
