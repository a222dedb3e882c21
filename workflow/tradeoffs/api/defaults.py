"""The settings of a benchmark for one model: a study's defaults, and what is changed of them."""

import importlib
from collections.abc import Mapping
from typing import Any

from tradeoffs.benchmarks.evaluate import find
from tradeoffs.benchmarks.evaluation import EvaluationSettings
from tradeoffs.benchmarks.ranges import checked
from tradeoffs.step.declared_benchmarks import STUDIES
from tradeoffs.step.errors import InputError
from tradeoffs.step.similar import did_you_mean

# Those that every benchmark has, as in the shipped config: the same draws for every model, so that they are paired.
COMMON = {"seed": 0, "bootstrap": 1000, "unreadable": "fail"}


def chosen(benchmark: str, study: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a benchmark but those of the model; InputError for what is unknown or out of range."""
    declared = find(benchmark).settings
    if study not in STUDIES:
        raise InputError(f"study: {study!r}; expected one of {', '.join(STUDIES)}, whose settings are taken")
    if lacking := [name for name, schema in declared.items() if study not in schema]:
        raise InputError(f"study: {study} has no default of {lacking[0]} for {benchmark}; take the other study")
    found = {name: schema[study] for name, schema in declared.items()} | COMMON
    for name in changes:
        if name not in found:
            hint = did_you_mean(str(name), found) or f"; expected any of {', '.join(found)}"
            raise InputError(f"settings: {name!r} is unknown to {benchmark}{hint}")
    return found | checked(benchmark, "settings", changes, declared)


def of_model(benchmark: str, chosen: Mapping[str, Any], **model: Any) -> EvaluationSettings:
    """Return the settings as the benchmark takes them; ``model``: its name, architecture and classes."""
    settings: EvaluationSettings = importlib.import_module(f"tradeoffs.benchmarks.{benchmark}").Settings(
        **model, **chosen
    )
    return settings


def pixels(study: str, chosen: Mapping[str, Any]) -> int:
    """Return the side of the images that a network is shown; of sets that are not resized that of the study's."""
    return int(chosen.get("crop") or chosen.get("size") or {"miniature": 32, "imagenet": 224}[study])
