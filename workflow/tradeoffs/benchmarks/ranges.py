"""What the settings of a benchmark may be: the ranges of its declaration, and of what every benchmark has."""

import json
from collections.abc import Mapping
from typing import Any

from tradeoffs.step.declared_benchmarks import STUDIES
from tradeoffs.step.errors import InputError
from tradeoffs.step.json_schema import Validator

COMMON: dict[str, dict[str, Any]] = {
    "seed": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "bootstrap": {"type": "integer", "minimum": 10, "maximum": 100000},
    "classes": {"type": "integer", "minimum": 1, "maximum": 1000000},
    "unreadable": {"enum": ["fail", "skip"]},
}
# What the config's schema defines and a declaration names by reference: budgets of a norm, and the largest of them.
_LARGEST = {"linf": 255, "l2": 1000, "l1": 1000000}
_DEFINED = {
    f"#/$defs/{norm}": {
        "type": "array",
        "uniqueItems": True,
        "items": {"type": "number", "exclusiveMinimum": 0, "maximum": largest},
    }
    for norm, largest in _LARGEST.items()
}


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
        own["additionalProperties"] = False
    for error in Validator(_resolved(own)).iter_errors(plain):
        inner = "".join(f".{step}" for step in error.absolute_path)
        raise InputError(
            f"{where}: {name}{inner} = {str(error.instance)[:80]!r}: {error.message[:120]}; "
            f"`tradeoffs evaluate {benchmark} --help` says what it is"
        )
    return int(plain) if schema.get("type") == "integer" else plain  # 20.0 is one, for JSON


def _resolved(schema: Any) -> Any:
    """Return a schema with what it refers to; a definition that only the config's schema has is left to that."""
    if isinstance(schema, list):
        return [_resolved(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _resolved(part) for key, part in schema.items() if key != "$ref"}
    return _DEFINED.get(schema.get("$ref", ""), {}) | plain
