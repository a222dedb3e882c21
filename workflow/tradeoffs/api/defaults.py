"""The settings of a benchmark for one model: a study's defaults, and what is changed of them."""

import importlib
import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from tradeoffs.benchmarks.evaluate import find
from tradeoffs.benchmarks.evaluation import EvaluationSettings
from tradeoffs.step.declared_benchmarks import STUDIES
from tradeoffs.step.errors import InputError
from tradeoffs.step.similar import did_you_mean

# Those that every benchmark has, as in the shipped config: the same draws for every model, so that they are paired.
COMMON = {"seed": 0, "bootstrap": 1000, "unreadable": "fail"}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "seed": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "bootstrap": {"type": "integer", "minimum": 10, "maximum": 100000},
    "unreadable": {"enum": ["fail", "skip"]},
}
# What the config's schema defines and a declaration only names.
_BUDGETS = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "number", "exclusiveMinimum": 0}}


def chosen(benchmark: str, study: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a benchmark but those of the model; InputError for what is unknown or out of range."""
    declared = find(benchmark).settings
    if study not in STUDIES:
        raise InputError(f"study: {study!r}; expected one of {', '.join(STUDIES)}, whose settings are taken")
    if lacking := [name for name, schema in declared.items() if study not in schema]:
        raise InputError(f"study: {study} has no default of {lacking[0]} for {benchmark}; take the other study")
    found = {name: schema[study] for name, schema in declared.items()} | COMMON
    for name, value in changes.items():
        if name not in found:
            hint = did_you_mean(str(name), found) or f"; expected any of {', '.join(found)}"
            raise InputError(f"settings: {name!r} is unknown to {benchmark}{hint}")
        found[name] = _checked(benchmark, name, value, _SCHEMAS.get(name) or declared[name])
    return found


def of_model(benchmark: str, chosen: Mapping[str, Any], **model: Any) -> EvaluationSettings:
    """Return the settings as the benchmark takes them; ``model``: its name, architecture and classes."""
    settings: EvaluationSettings = importlib.import_module(f"tradeoffs.benchmarks.{benchmark}").Settings(
        **model, **chosen
    )
    return settings


def pixels(study: str, chosen: Mapping[str, Any]) -> int:
    """Return the side of the images that a network is shown; of sets that are not resized that of the study's."""
    return int(chosen.get("crop") or chosen.get("size") or {"miniature": 32, "imagenet": 224}[study])


def _checked(benchmark: str, name: str, value: Any, schema: dict[str, Any]) -> Any:
    try:
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        raise InputError(f"settings: {name} = {str(value)[:80]!r}; expected plain numbers, text and lists") from None
    own = {key: part for key, part in schema.items() if key not in STUDIES}
    if "properties" in own:
        own |= {"properties": dict.fromkeys(own["properties"], _BUDGETS), "additionalProperties": False}
    for error in Draft202012Validator(own).iter_errors(plain):
        inner = "".join(f".{step}" for step in error.absolute_path)
        raise InputError(
            f"settings: {name}{inner} = {str(error.instance)[:80]!r}: {error.message[:120]}; "
            f"`tradeoffs evaluate {benchmark} --help` says what it is"
        )
    return plain
