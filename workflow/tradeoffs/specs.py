"""A step's settings: one JSON object, given on the command line, checked key by key."""

import json
from typing import Any

from tradeoffs.errors import InputError


def parse_spec(text: str, keys: dict[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """Parse ``--spec``; ``keys`` names every key and its type. InputError for anything else.

    An int is accepted for a float.
    """
    try:
        spec = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"--spec: not valid JSON ({error}): {text[:80]}") from None
    if not isinstance(spec, dict):
        raise InputError(f"--spec: expected a JSON object, got {text[:80]}")
    for key in spec.keys() - keys.keys():
        raise InputError(f"--spec: unknown key {key!r}; expected {', '.join(sorted(keys))}")
    for key, kind in keys.items():
        if key not in spec:
            raise InputError(f"--spec: key {key!r} is missing; expected {', '.join(sorted(keys))}")
        kinds = kind if isinstance(kind, tuple) else (kind,)
        accepted = (*kinds, int) if float in kinds else kinds
        if not isinstance(spec[key], accepted) or (isinstance(spec[key], bool) and bool not in kinds):
            names = " or ".join(k.__name__ for k in kinds)
            raise InputError(f"--spec: {key} = {spec[key]!r}; expected {names}")
    return spec
