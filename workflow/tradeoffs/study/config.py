"""The config is checked before anything runs: one line for the first mistake, defaults filled in."""

import math
import os
import re
import unicodedata
from copy import deepcopy
from pathlib import Path
from typing import Any

from jsonschema.exceptions import ValidationError

from tradeoffs.step.declared_benchmarks import STUDIES
from tradeoffs.step.declared_benchmarks import benchmarks as declared_benchmarks
from tradeoffs.step.errors import InputError
from tradeoffs.step.json_schema import Validator
from tradeoffs.step.similar import did_you_mean
from tradeoffs.study.model import Config
from tradeoffs.study.schema import schema as whole_schema

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_RENAMED = {
    ("miniature", "seeds"): "replicates, their number (every model has a seed of its own), or auto",
    ("imagenet", "seeds"): "replicates, their number (every model has a seed of its own), or auto",
    ("miniature", "sweeps", "reference"): "miniature.controls, of the same form: {images: [...], epochs: [...]}",
}
_LARGEST = 2**63  # of whole numbers that anything here could hold


def checked(config: Config, schema_path: Path) -> Config:
    """Return the config with the schema's defaults; InputError names the key, the value and what was expected.

    Values are first brought to the schema's types: a whole float where a whole number is wanted becomes one, and text
    where no text is allowed is read as what it says, because Snakemake hands the numbers inside
    ``--config 'miniature={"seeds": [0, 1]}'`` over as text, and YAML reads ``5e-4`` as text. A path's ``~`` becomes the
    user's folder.
    """
    schema = whole_schema(schema_path)
    try:
        _check_values(config, ())
        _refuse_renamed(config)
        full: Config = _with_defaults(_typed(_without_left_out(_without_budgets(config)), schema), schema)
        errors = sorted(Validator(schema).iter_errors(full), key=lambda error: len(error.absolute_path))
    except RecursionError:
        raise InputError("config: is nested too deeply, or holds itself; write it without YAML anchors") from None
    if errors:
        raise InputError(f"config: {_one_line(errors[0])}")
    return full


def _check_values(value: Any, path: tuple[Any, ...]) -> None:
    """Raise InputError for what no key can mean: NaN, infinities, endless numbers, control characters."""
    where = _key(path)
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InputError(f"config: {where}: key {key!r} is not text; write it in quotes")
            _check_values(key, path)
            _check_values(item, (*path, key))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            _check_values(item, (*path, position))
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"config: {where} = {value}; expected a finite number")
    elif isinstance(value, int) and abs(value) >= _LARGEST:
        raise InputError(f"config: {where} is a number of {value.bit_length()} bits; expected one of at most 63")
    elif isinstance(value, str) and any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise InputError(f"config: {where}: {value[:80]!r} holds a control character; remove it")


def _refuse_renamed(config: Config) -> None:
    """Raise InputError for a key of an older version, with the one that has taken its place."""
    for path, now in _RENAMED.items():
        part: Any = config
        for key in path[:-1]:
            part = part.get(key) if isinstance(part, dict) else None
        if isinstance(part, dict) and path[-1] in part:
            raise InputError(f"config: {_key(path)}: is no key any more; write {now}")


def _without_budgets(config: Config) -> Config:
    """Return the config with ``budgets: {}`` of a study, sweep or benchmark written out: none, and no defaults."""
    found = deepcopy(config)
    for section in (found.get(study) for study in STUDIES):
        if not isinstance(section, dict):
            continue
        parts = [("", section)]
        for key in ("sweeps", "benchmarks"):
            listed = section.get(key)
            parts += [(f"{key}.{name}", part) for name, part in listed.items()] if isinstance(listed, dict) else []
        for place, part in parts:
            if isinstance(part, dict) and part.get("budgets") == {}:
                norms = ("linf", "l2", "l1") if place == "sweeps.objectives" else ("linf", "l2")
                part["budgets"] = {norm: [] for norm in norms}
    return found


def _without_left_out(config: Config) -> Config:
    """Return the config without the benchmarks that it says are false: a file laid over another leaves them out so."""
    found = dict(config)
    for study in STUDIES:
        section = config.get(study)
        listed = section.get("benchmarks") if isinstance(section, dict) else None
        if isinstance(section, dict) and isinstance(listed, dict):
            absent = [name for name, said in listed.items() if said is False or str(said).lower() == "false"]
            if unknown := [name for name in absent if name not in declared_benchmarks()]:
                raise InputError(
                    f"config: {study}.benchmarks: {unknown[0]} is left out, and there is no such benchmark"
                    f"{did_you_mean(unknown[0], declared_benchmarks())}; correct it"
                )
            kept = {name: said for name, said in listed.items() if name not in absent}
            found[study] = section | {"benchmarks": kept}
    return found


def _typed(value: Any, schema: Config) -> Any:
    """Return ``value`` with whole floats and text turned into what the schema wants, wherever that is unambiguous."""
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        rest = others if isinstance(others, dict) else {}
        return {key: _typed(item, properties.get(key, rest)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = schema.get("items")
        return [_typed(item, items if isinstance(items, dict) else {}) for item in value]
    listed = schema.get("type", [])
    types = listed if isinstance(listed, list) else [listed]
    if isinstance(value, float) and "integer" in types and value.is_integer():
        return int(value)
    if isinstance(value, str) and schema.get("format") == "path":
        return None if value == "null" and "null" in types else os.path.expanduser(value)  # noqa: PTH111
    if isinstance(value, str):
        return _read(value, types)
    return value


def _read(text: str, types: list[str]) -> Any:
    """Return what a text says where the schema allows ``types``; the text itself where it may stand or says nothing.

    A nullable text ``null`` is no text: nobody's folder or password is called so. Where a word may stand in the place
    of a number (``auto``), a number is one.
    """
    if text == "null" and "null" in types:
        return None
    if "string" in types and not {"integer", "number"} & set(types):
        return text
    if "boolean" in types and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _NUMBER.fullmatch(text) and {"integer", "number"} & set(types):
        number = float(text)
        if "number" in types:
            return int(text) if text.lstrip("+-").isdigit() and len(text) < 19 else _finite(number, text)
        return int(number) if number.is_integer() else _finite(number, text)
    return text


def _finite(number: float, text: str) -> float | str:
    return number if math.isfinite(number) else text


def _with_defaults(value: Any, schema: Config) -> Any:
    if value is None and schema.get("type") == ["object", "null"]:
        value = {}  # a benchmark without settings of its own
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


def _key(path: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in path)[:200] or "top level"


def _quoted(error: ValidationError) -> str:
    """Say how a number is written as text, where text was expected."""
    number = error.validator_value == "string" and type(error.instance) in (int, float)
    return f": '{error.instance}', in quotes" if number else ""


def _list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _one_line(error: ValidationError) -> str:
    key = _key(tuple(error.absolute_path))
    schema: Any = error.schema
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        unknown = ", ".join(str(name) for name in error.instance if name not in known)
        return f"{key}: unknown key {unknown[:80]}; expected {', '.join(known) or 'none'}"
    if error.validator == "required":
        missing = ", ".join(name for name in error.validator_value if name not in error.instance)
        return f"{key}: {missing} is missing"
    if "propertyNames" in error.absolute_schema_path:
        rule = "that matches" if error.validator == "pattern" else f"of {error.validator}"
        return f"{key}: key {str(error.instance)[:80]!r}; expected a key {rule} {error.validator_value}"
    hint = schema.get("description", "")
    expected = {
        "type": f"a value of type {' or '.join(_list(error.validator_value))}{_quoted(error)}",
        "enum": f"one of {', '.join(map(str, error.validator_value))}" if error.validator == "enum" else "",
        "minimum": f"at least {error.validator_value}",
        "maximum": f"at most {error.validator_value}",
        "exclusiveMinimum": f"more than {error.validator_value}",
        "exclusiveMaximum": f"less than {error.validator_value}",
        "uniqueItems": error.message,
        "minProperties": f"at least {error.validator_value} of {', '.join(schema.get('properties', {}))}",
        "minItems": f"at least {error.validator_value} values",
        "maxItems": f"at most {error.validator_value} values",
        "minLength": f"at least {error.validator_value} characters",
        "maxLength": f"at most {error.validator_value} characters",
        "multipleOf": f"a multiple of {error.validator_value}",
        "pattern": schema.get("expected", f"text that matches {error.validator_value}"),
        "oneOf": "one of these forms",
    }.get(str(error.validator), error.message[:200])
    return f"{key} = {str(error.instance)[:80]!r}; expected {expected}" + (f" ({hint})" if hint else "")
