"""What the reference pages say is written once, in schema, declarations and modules, and read here at build time.

MkDocs calls :func:`on_page_markdown` for each page; a line ``<!-- settings -->`` and the like becomes what it names.
"""

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "workflow" / "tradeoffs"
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"

Schema = dict[str, Any]


def on_config(config: Any) -> None:
    """Let the package be imported from its place: it need not be installed."""
    if str(PACKAGE.parent) not in sys.path:
        sys.path.insert(0, str(PACKAGE.parent))


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put each generated part in the place of its marker."""
    return filled(markdown, PARTS)


def filled(markdown: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return a page with what ``parts`` make in the places of their markers."""
    for name, part in parts.items():
        marker = f"<!-- {name} -->"
        if marker in markdown:
            markdown = markdown.replace(marker, part())
    return markdown


def schema() -> Schema:
    """Return the schema of the config as the workflow checks it, completed from the declarations."""
    if importlib.util.find_spec("tradeoffs.study.schema"):
        return dict(importlib.import_module("tradeoffs.study.schema").schema(SCHEMA))
    return dict(yaml.safe_load(SCHEMA.read_text()))


def settings() -> str:
    """Return the sections of the config page: one table for each mapping of settings."""
    return "\n".join(_section("", schema(), 2))


def _section(path: str, part: Schema, depth: int) -> Iterator[str]:
    """Yield heading, text and table of a mapping of settings, then those of the mappings inside it."""
    properties = part.get("properties", {})
    inner = {key: each for key, each in properties.items() if each.get("properties")}
    rows = [_row(path, key, each) for key, each in properties.items() if key not in inner]
    if path:
        yield f"{'#' * min(depth, 4)} `{path}` {{ #{path} }}\n"
        yield f"{_text(part.get('description', ''))}\n"
    if rows:
        yield "| key | default | may be | what it is |\n|---|---|---|---|"
        yield from rows
        yield ""
    for key, each in inner.items():
        yield from _section(_place(path, key), each, depth + bool(path))
    for key, each in properties.items():
        if _has_keys(each.get("items")):
            entry = each["items"] | {"description": "Keys of each entry of the list."}
            yield from _section(_place(path, key), entry, depth + bool(path))


def _place(path: str, key: str) -> str:
    """Return where a setting stands, which is also the id of its section."""
    return f"{path}.{key}".lstrip(".")


def _has_keys(part: object) -> bool:
    """Whether a part of the schema is a mapping of settings."""
    return isinstance(part, dict) and bool(part.get("properties"))


def _row(path: str, key: str, part: Schema) -> str:
    """Return the row of a setting; a list of mappings has its keys in a table of their own, its default in the file."""
    default = f"`{_shown(part['default'])}`" if "default" in part else ""
    text = _text(part.get("description", ""))
    if _has_keys(part.get("items")):
        text += f" [Keys of each](#{_place(path, key)})."
        default = f"{len(part['default'])}, in `config.yaml`" if part.get("default") else default
    return f"| `{key}` | {default} | {_kinds(part)} | {text} |"


def _shown(value: Any) -> str:
    """Return a value as a config file would say it, on one line."""
    if isinstance(value, str) and value:
        return value
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("...\n").strip()


def _kinds(part: Schema) -> str:
    """Return what a setting may be, in words."""
    if "oneOf" in part:
        return ", or ".join(_kinds(each) for each in part["oneOf"])
    if "const" in part:
        return f"`{_shown(part['const'])}`"
    if "enum" in part:
        return " or ".join(f"`{_shown(each)}`" for each in part["enum"])
    kinds = part.get("type", [])
    found = [_kind(kind, part) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " or ".join(found)


def _kind(kind: str, part: Schema) -> str:
    if kind in ("integer", "number"):
        return f"{'whole number' if kind == 'integer' else 'number'}{_range(part)}"
    if kind == "array":
        each = part.get("items")
        if not isinstance(each, dict):
            return "list"
        return f"list, each {'keys and their values' if _has_keys(each) else _kinds(each)}"
    if kind == "object":
        inner = part.get("additionalProperties")
        each = f", for each {_kinds(inner)}" if isinstance(inner, dict) and not inner.get("properties") else ""
        return f"names{each}"
    return {"boolean": "true or false", "string": "text", "null": "null"}[kind]


def _range(part: Schema) -> str:
    low = f"from {_number(part['minimum'])}" if "minimum" in part else ""
    low = f"above {_number(part['exclusiveMinimum'])}" if "exclusiveMinimum" in part else low
    high = f"to {_number(part['maximum'])}" if "maximum" in part else ""
    high = f"below {_number(part['exclusiveMaximum'])}" if "exclusiveMaximum" in part else high
    return "".join(f" {words}" for words in (low, high) if words)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _text(text: str) -> str:
    """Return a sentence that may stand in a table: no bar ends its cell, no angle bracket is a tag."""
    return re.sub(r"<(\w+)>", r"&lt;\1&gt;", text).replace("|", r"\|").replace("\n", " ")


def benchmarks() -> str:
    """Return a section for each benchmark: what its module says it measures, and the metrics that are declared."""
    found = []
    for path in sorted((PACKAGE / "benchmarks").glob("*.py")):
        tree = ast.parse(path.read_text())
        if not any(isinstance(node, ast.FunctionDef) and node.name == "evaluate" for node in tree.body):
            continue
        title, _, rest = _markdown(ast.get_docstring(tree) or "").partition("\n")
        declared = path.with_suffix(".yaml")
        said = yaml.safe_load(declared.read_text()) if declared.is_file() else {}
        found.append(f"## {title.rstrip('.')} {{ #{path.stem} }}\n{rest}\n\n{_metrics(said.get('metrics', {}))}")
    return "\n\n".join(found)


def _markdown(docstring: str) -> str:
    """Return a docstring as Markdown: roles and double backticks become code."""
    text = re.sub(r":\w+:`([^`]+)`", r"`\1`", docstring).replace("``", "`")
    return re.sub(r"(?<!\n)\n(?=\* )", "\n\n", text)


def _metrics(metrics: dict[str, Any]) -> str:
    """Return the table of declared metrics, the headline first."""
    if not metrics:
        return ""
    directions = {"more": "high values", "less": "low values"}
    rows = [
        f"| `{name}` | {_text(said.get('meaning', ''))} | {directions.get(said.get('direction'), '')} |"
        for name, said in metrics.items()
    ]
    return "\n".join(["| metric | what it is | much reliance is |", "|---|---|---|", *rows])


def data() -> str:
    """Return the table of the published data sets: what they are called, on what conditions, from where."""
    rows = []
    for path in sorted((PACKAGE / "data").glob("*.yaml")):
        said = yaml.safe_load(path.read_text())
        archive = said.get("archive") or {}
        hosts = dict.fromkeys(urlsplit(address).hostname for address in archive.get("urls", []))
        source = ", ".join(f"`{host}`" for host in hosts) or "a copy of yours: it is never downloaded"
        shown = f"{'yes' if said.get('embed') else 'no'}: {said.get('embed_why', 'nothing is said')}"
        cells = (f"`{path.stem}`", said["title"], _text(said["licence"]), _text(said["forbids"]), source, _text(shown))
        rows.append(f"| {' | '.join(cells)} |")
    columns = ("name", "data set", "licence", "forbids", "from", "pictures in page and report")
    return "\n".join([f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}", *rows])


def zoo() -> str:
    """Return a table for each collection of published models: what they are, how accurate, from where."""
    module = importlib.import_module("tradeoffs.models.zoo")
    found = []
    for name, title in module.titles().items():
        models = module.collection(name)
        notes = {each.note for each in models}
        shared = _text(models[0].note or "") if len(notes) == 1 else ""
        rows = [_of_zoo(each, noted=not shared) for each in models]
        licences = ", ".join(dict.fromkeys(each.licence for each in models))
        columns = ("name", "network", "norm", "budget", "clean", "AutoAttack", "input", "from")
        head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
        said = f"`all {name}`; licence: {licences}." + (f" All of them: {shared}." if shared else "")
        found.append(f"## {title} {{ #{name} }}\n\n{said}\n\n{head}\n" + "\n".join(rows))
    return "\n\n".join(found)


def _of_zoo(each: Any, noted: bool) -> str:
    """Return the row of a published model, with what is ``noted`` of it or without."""
    names = "<br>".join(f"`{name}`" for name in (each.name, *each.also))
    remark = f"<br>{_text(each.note)}" if each.note and noted else ""
    attacked = f"{each.autoattack.accuracy:.2%}" if each.autoattack else ""
    host = urlsplit(each.url or each.page).hostname
    place = f"`{host}`" if each.url else f"`{host}`, by hand"
    trained = f"{each.norm} | {each.epsilon:g}" if each.norm != "none" else "none | "
    size = each.input_size or "any"
    clean = f"{each.clean.accuracy:.2%}"
    return f"| {names}{remark} | `{each.architecture}` | {trained} | {clean} | {attacked} | {size} | {place} |"


def figures() -> str:
    """Return the table of the figures, by the categories of the report."""
    rows = []
    for path in (PACKAGE / "figures").glob("catalogue.yaml"):
        for name, said in yaml.safe_load(path.read_text()).items():
            caption = " ".join(said["caption"].split()).replace("{caption}", "What the benchmark's declaration says.")
            rows.append(f"| `{name}` | {said['category']} | {_text(caption)} |")
    return "\n".join(["| figure | in the report under | what it shows |", "|---|---|---|", *rows])


def verbs() -> str:
    """Return the table of the commands."""
    known = importlib.import_module("tradeoffs.runner.commands").VERBS
    rows = [
        f"| `{' '.join(filter(None, (name, (verb.part or '').upper())))}` | {verb.text} | `tradeoffs.{verb.module}` |"
        for name, verb in known.items()
    ]
    return "\n".join(["| command | what it does | module |", "|---|---|---|", *rows])


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "benchmarks": benchmarks,
    "verbs": verbs,
    "data": data,
    "zoo": zoo,
    "figures": figures,
}
