"""The config is checked before anything runs: one line for the first mistake, defaults filled in."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tradeoffs.errors import InputError

Config = dict[str, Any]


def checked(config: Config, schema_path: Path) -> Config:
    """Return the config with the schema's defaults; InputError names the key, the value and what was expected."""
    schema = yaml.safe_load(schema_path.read_text())
    full: Config = _with_defaults(config, schema)
    errors = sorted(Draft202012Validator(schema).iter_errors(full), key=lambda error: len(error.absolute_path))
    if errors:
        raise InputError(f"config: {_one_line(errors[0])}")
    return full


def _with_defaults(value: Any, schema: Config) -> Any:
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_with_defaults(item, schema["items"]) for item in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    filled = {key: _with_defaults(item, properties.get(key, {})) for key, item in value.items()}
    for key, part in properties.items():
        if key not in filled and "default" in part:
            filled[key] = _with_defaults(deepcopy(part["default"]), part)
    return filled


def _one_line(error: ValidationError) -> str:
    key = ".".join(str(part) for part in error.absolute_path) or "top level"
    schema: Any = error.schema
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        unknown = ", ".join(str(name) for name in error.instance if name not in known)
        return f"{key}: unknown key {unknown}; expected {', '.join(known) or 'none'}"
    if error.validator == "required":
        missing = ", ".join(name for name in error.validator_value if name not in error.instance)
        return f"{key}: {missing} is missing"
    hint = schema.get("description", "")
    expected = {
        "type": f"a value of type {error.validator_value}",
        "enum": f"one of {', '.join(map(str, error.validator_value))}" if error.validator == "enum" else "",
        "minimum": f"at least {error.validator_value}",
        "maximum": f"at most {error.validator_value}",
        "exclusiveMinimum": f"more than {error.validator_value}",
        "exclusiveMaximum": f"less than {error.validator_value}",
        "uniqueItems": "values that differ",
        "minItems": f"at least {error.validator_value} values",
        "pattern": f"text that matches {error.validator_value}",
    }.get(str(error.validator), error.message)
    return f"{key} = {str(error.instance)[:80]!r}; expected {expected}" + (f" ({hint})" if hint else "")
