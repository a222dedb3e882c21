"""JSON Schema as this project reads it, for the config and for settings that are given by hand.

``uniqueItems`` here: the *names* of a list's values differ, for they become ids, metrics and rows of tables. An
exponent is no part of a name: 1e-05 would be read as a range by whatever takes the name apart.
"""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend


def name_of(value: Any) -> str:
    """Return what a value of a list is called in ids, metrics and tables: six significant digits."""
    if isinstance(value, int):
        return str(value)
    try:
        return f"{float(value):g}"
    except (TypeError, ValueError):
        return str(value)


def _unique(validator: Any, wanted: bool, instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
    if not wanted or not isinstance(instance, list):
        return
    seen: dict[str, Any] = {}
    for value in instance:
        name = name_of(value)
        if isinstance(value, float) and "e" in name:
            yield ValidationError(
                f"0, or numbers from 0.0001 to 999999: {value:g} becomes a name, which has no exponent"
            )
        elif name in seen:
            twice = f"each value once; {value} is listed twice"
            near = f"values that differ in their first six digits, as they are names; {seen[name]} and {value} are both"
            yield ValidationError(twice if seen[name] == value else f"{near} {name}")
        seen.setdefault(name, value)


Validator = extend(Draft202012Validator, {"uniqueItems": _unique})  # type: ignore[no-untyped-call]
