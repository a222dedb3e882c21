"""The schema of the config: what is written in one file, completed from the declarations, every ``$ref`` replaced.

A benchmark's settings are its declaration's (``benchmarks/<name>.yaml``), a data set's addresses its own
(``data/<name>.yaml``); so neither stands in the schema, and a new one needs no change of it.
"""

import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import UnknownType

from tradeoffs.models import sources
from tradeoffs.step import addresses
from tradeoffs.step.declared_benchmarks import STUDIES, benchmarks
from tradeoffs.step.declared_data import DataSet, data
from tradeoffs.step.errors import InputError
from tradeoffs.step.yaml_files import read

Schema = dict[str, Any]


@cache
def schema(path: Path) -> Schema:
    """Return the whole schema; not to be changed. InputError for a declaration with a mistake."""
    written: Schema = read(path)
    parts = written["properties"]
    for study in STUDIES:
        _add_benchmarks(parts[study]["properties"]["benchmarks"], study, written["$defs"])
    images = parts["miniature"]["properties"]["data"]["properties"]["images"]["properties"]
    places = parts["imagenet"]["properties"]["data"].setdefault("properties", {})
    for name, declared in data().items():
        places[name] = _place(name, declared)
        if declared.miniature:
            found = {"minimum": 20, "maximum": 100000, "default": declared.miniature["images"]}
            images[name] = {"$ref": "#/$defs/images", "description": declared.miniature["description"]} | found
    written["$defs"]["address"] |= {"pattern": addresses.PATTERN, "expected": f"an address, {addresses.EXPECTED}"}
    released = parts["imagenet"]["properties"]["checkpoints"]["properties"]["address"]
    released["pattern"] = rf"(?=.*{released['pattern']}){addresses.PATTERN}"
    released["expected"] = f"an address, {addresses.EXPECTED}, with {{file}} in it"
    own = parts["imagenet"]["properties"]["extra"]["items"]["properties"]
    own["source"]["enum"] = [*sources.own(), None]
    controls = parts["imagenet"]["properties"]["controls"]["items"]["properties"]
    controls["source"]["enum"] = [name for name, source in sources.listed().items() if source.pretrained]
    own["benchmarks"]["items"]["enum"] = list(benchmarks())
    definitions = written.pop("$defs")
    full: Schema = _with_defaults_inside(_resolved(written, definitions))
    for study in STUDIES:
        for name, part in full["properties"][study]["properties"]["benchmarks"]["properties"].items():
            _check_settings(f"benchmarks/{name}.yaml", part["properties"], benchmarks()[name].settings, study)
    return full


def _check_settings(where: str, parts: Schema, declared: Schema, study: str) -> None:
    """Raise InputError where a setting is no JSON Schema, or its default is not what it allows."""
    for key, part in parts.items():
        value = declared[key][study]
        try:
            errors = list(Draft202012Validator(part).iter_errors(value))
        except (UnknownType, TypeError, AttributeError, re.error) as mistake:
            said = str(mistake).splitlines()[0]
            raise InputError(f"{where}: settings.{key}: not valid JSON Schema ({said[:200]}); correct it") from None
        for error in errors:
            inner = "".join(f".{step}" for step in error.absolute_path)
            found = f"settings.{key}.{study}{inner} = {str(error.instance)[:80]!r}"
            raise InputError(f"{where}: {found}: {error.message[:200]}")


def _add_benchmarks(part: Schema, study: str, definitions: Schema) -> None:
    """Add the settings of every benchmark that the study can have: one whose settings have a default for it.

    A benchmark is in a study when the config lists it, so none is filled in. A config that lists none has all of them.
    """
    listed: Schema = {}
    for name, declared in benchmarks().items():
        without = [key for key, setting in declared.settings.items() if study not in setting]
        if without and len(without) < len(declared.settings):
            raise InputError(
                f"benchmarks/{name}.yaml: settings.{without[0]}: has no default for the study {study}, which others "
                f"have; give it one as {study}: ..."
            )
        if not without:
            for key, setting in declared.settings.items():
                _check_reference(f"benchmarks/{name}.yaml: settings.{key}", setting, definitions)
            properties = {key: _setting(setting, study) for key, setting in declared.settings.items()}
            listed[name] = {
                "type": ["object", "null"],
                "description": f"{declared.title}; null: with its defaults; false: left out.",
                "additionalProperties": False,
                "properties": properties,
            }
    part |= {"properties": listed, "default": {name: {} for name in listed}}


def _check_reference(where: str, part: Any, definitions: Schema) -> None:
    """Raise InputError for a ``$ref`` to what the schema does not define."""
    for value in part.values() if isinstance(part, dict) else ():
        _check_reference(where, value, definitions)
    named = str(part.get("$ref", "")) if isinstance(part, dict) else ""
    if named and named.removeprefix("#/$defs/") not in definitions:
        raise InputError(f"{where}: {named!r} is no definition of the schema; it has {', '.join(definitions)}")


def _setting(declared: Schema, study: str) -> Schema:
    """Return the schema of a setting with the study's default: of its parts, where it has any."""
    found = {key: value for key, value in declared.items() if key not in STUDIES}
    if "properties" in declared:
        return found | {"additionalProperties": False, "default": {}, "defaults": declared[study]}
    return found | {"default": declared[study]}


def _place(name: str, declared: DataSet) -> Schema:
    """Return what the config may say of a published data set: where it is, or that its licence is accepted."""
    what = "with train/<wnid>/ and val/<wnid>/" if declared.archive is None else f"that holds {declared.folder}/"
    absent = "what needs it is left out" if declared.archive is None else "download it"
    found: Schema = {
        "path": {
            "$ref": "#/$defs/path",
            "description": f"A copy that you already have, a folder {what}; null: {absent}.",
        }
    }
    if declared.archive is not None:
        accepted = "Whether you accept the licence; the data set is left out until you do."
        own = "of the archive, in place of the published one"
        urls = {"type": ["array", "null"], "minItems": 1, "uniqueItems": True, "items": {"$ref": "#/$defs/address"}}
        found |= {
            "accept_licence": {
                "$ref": "#/$defs/flag",
                "default": declared.conditions == "none",
                "description": accepted,
            },
            "urls": urls
            | {"default": None, "description": f"Addresses {own}, tried in this order; null: as published."},
            "sha256": {"$ref": "#/$defs/sha256", "description": f"SHA-256 {own}; null: as published."},
        }
    if declared.files:
        found["files"] = {
            "$ref": "#/$defs/section",
            "description": "Other addresses of what is published beside the archive.",
            "properties": {
                place: urls | {"default": None, "description": "Its addresses; null: as published."}
                for place in declared.files
            },
        }
    return {"$ref": "#/$defs/section", "description": f"{declared.title}.", "properties": found}


def _resolved(part: Any, definitions: Schema) -> Any:
    """Return a part with every ``$ref`` replaced by what it names, joined with what stands beside it."""
    if isinstance(part, list):
        return [_resolved(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    own = {key: _resolved(value, definitions) for key, value in part.items() if key != "$ref"}
    if "$ref" not in part:
        return own
    named = _resolved(definitions[part["$ref"].removeprefix("#/$defs/")], definitions)
    if "properties" in named and "properties" in own:
        own["properties"] = named["properties"] | own["properties"]
    return named | own


def _with_defaults_inside(part: Any) -> Any:
    """Return a part whose ``defaults`` have become the default of each property that they name."""
    if not isinstance(part, dict):
        return part
    found = {key: _with_defaults_inside(value) for key, value in part.items() if key != "defaults"}
    for key, value in part.get("defaults", {}).items():
        found["properties"][key] = found["properties"][key] | {"default": deepcopy(value)}
    return found
