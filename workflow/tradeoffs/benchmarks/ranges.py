"""What the settings of a benchmark may be: the ranges of its declaration, and of what every benchmark has."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from tradeoffs.step.declared_benchmarks import STUDIES
from tradeoffs.step.errors import InputError

COMMON: dict[str, dict[str, Any]] = {
    "seed": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "bootstrap": {"type": "integer", "minimum": 10, "maximum": 100000},
    "unreadable": {"enum": ["fail", "skip"]},
}
# What the config's schema defines and a declaration only names: budgets of a norm, the largest too.
_LARGEST = {"linf": 255, "l2": 1000, "l1": 1000000}


def _budgets(norm: str) -> dict[str, Any]:
    each = {"type": "number", "exclusiveMinimum": 0, "maximum": _LARGEST[norm]}
    return {"type": "array", "uniqueItems": True, "items": each}


def checked(
    benchmark: str, where: str, values: Mapping[str, Any], declared: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return settings as plain JSON; InputError, which begins with ``where``, for what is none or out of its range."""
    return {
        name: _checked(benchmark, where, name, value, COMMON.get(name) or declared[name])
        for name, value in values.items()
    }


def _checked(benchmark: str, where: str, name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    try:
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        raise InputError(f"{where}: {name} = {str(value)[:80]!r}; expected plain numbers, text and lists") from None
    own = {key: part for key, part in schema.items() if key not in STUDIES}
    if "properties" in own:
        own |= {"properties": {norm: _budgets(norm) for norm in own["properties"]}, "additionalProperties": False}
    for error in Draft202012Validator(own).iter_errors(plain):
        inner = "".join(f".{step}" for step in error.absolute_path)
        raise InputError(
            f"{where}: {name}{inner} = {str(error.instance)[:80]!r}: {error.message[:120]}; "
            f"`tradeoffs evaluate {benchmark} --help` says what it is"
        )
    return int(plain) if schema.get("type") == "integer" else plain  # 20.0 is one, for JSON
