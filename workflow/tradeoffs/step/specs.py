"""A step's settings: one JSON object, given on the command line or in a file, checked key by key."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tradeoffs.step.errors import InputError, RefusedError
from tradeoffs.step.inputs import read_text

Kinds = Mapping[str, type | tuple[type, ...]]


def read_spec(text: str) -> Any:
    """Return what ``--spec`` holds: JSON, or the path of a file of JSON. InputError for anything else."""
    source = "--spec"
    if not text.lstrip().startswith(("{", "[")):  # so starts no path of ours
        source = f"--spec {text[:200]}"
        try:
            text = read_text(Path(text))
        except RefusedError as error:
            raise InputError(f"{source}: not valid JSON, and no file of it that can be read ({error})") from None
        except (InputError, ValueError):
            raise InputError(
                f"{source}: not valid JSON, and no file of it that can be read; give one of the two (Snakemake writes "
                "its own files of settings at every start)"
            ) from None
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{source}: not valid JSON ({error}): {text[:80]}") from None


def parse_spec(text: str, keys: Kinds, optional: Collection[str] = ()) -> dict[str, Any]:
    """Parse ``--spec``, JSON or a JSON file; ``keys`` names every key and its type. InputError for anything else.

    An int is accepted for a float. The ``optional`` keys may be left out.
    """
    spec = read_spec(text)
    if not isinstance(spec, dict):
        raise InputError(f"--spec: expected a JSON object, got {text[:80]}")
    for key in spec.keys() - keys.keys():
        raise InputError(f"--spec: unknown key {key!r}; expected {', '.join(sorted(keys))}")
    for key, kind in keys.items():
        if key not in spec:
            if key in optional:
                continue
            raise InputError(f"--spec: key {key!r} is missing; expected {', '.join(sorted(keys))}")
        kinds = kind if isinstance(kind, tuple) else (kind,)
        accepted = (*kinds, int) if float in kinds else kinds
        if not isinstance(spec[key], accepted) or (isinstance(spec[key], bool) and bool not in kinds):
            names = " or ".join(k.__name__ for k in kinds)
            raise InputError(f"--spec: {key} = {spec[key]!r}; expected {names}")
    return spec
