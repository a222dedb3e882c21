"""What Snakemake does not say of a config file, or says in twenty lines: it is read here first, and once more.

First what keeps it from being loaded, then keys that are given twice: YAML lets the last one win in silence.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tradeoffs.step.errors import InputError, ending
from tradeoffs.step.inputs import read_text


def readable(path: Path) -> str:
    """Return a config file's path once Snakemake can load it, for its statement ``configfile``.

    Else the program ends with one line that names the file and, of what is no YAML, the line.
    """
    with ending():
        text = read_text(path, "correct the path, or run in a folder with a config.yaml")
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
            _refuse_recursion(root, path)
            yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            where = f", line {at.line + 1}, column {at.column + 1}" if at else ""
            said = " ".join(f"{error.problem or error.context}".split())
            raise InputError(f"config: {path}{where}: not valid YAML ({said}); correct it") from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise InputError(
                f"config: {path}, line {line}: character {text[error.position]!a} is not allowed in YAML; remove it"
            ) from None
        except RecursionError:
            raise InputError(f"config: {path}: is nested too deeply; write it with fewer levels") from None
        except (yaml.YAMLError, ValueError, OverflowError) as error:  # a date that is none, a number of 5000 digits
            said = " ".join(str(error).split())[:200]
            raise InputError(f"config: {path}: not valid YAML ({said}); correct it") from None
        if not isinstance(root, yaml.MappingNode):
            raise InputError(
                f"config: {path}: expected keys and their values, as study: miniature; write at least that"
            )
    return str(path)


def _refuse_recursion(root: Any, path: Path) -> None:
    """Raise InputError for an anchor that stands inside what it names: the config would have no end."""
    queue: list[tuple[Any, bool]] = [(root, False)]
    above: set[int] = set()
    done: set[int] = set()
    while queue:
        node, leaving = queue.pop()
        if leaving:
            above.remove(id(node))
            done.add(id(node))
        elif id(node) in above:
            raise InputError(f"config: {path}, line {node.start_mark.line + 1}: an anchor that holds itself; remove it")
        elif isinstance(node, yaml.CollectionNode) and id(node) not in done:
            above.add(id(node))
            queue.append((node, True))
            for item in node.value:
                queue += [(part, False) for part in (item if isinstance(item, tuple) else (item,))]


def emptied(config: dict[str, Any], files: Iterable[Path], studies: Iterable[str]) -> dict[str, Any]:
    """Return the config with ``budgets: {}`` for each study, and sweep, whose last config file with budgets says so.

    Snakemake merges files key by key, so an empty mapping in one would leave what those before it say. What the command
    line says (``--config``) counts as it is.
    """
    written = [content for path in files if isinstance(content := _content(path), dict)]
    found = dict(config)
    for study in studies:
        parts = [content.get(study) for content in written]
        section = _budgets_emptied(config.get(study), parts)
        if isinstance(section, dict) and isinstance(section.get("sweeps"), dict):
            of_all = [part.get("sweeps") for part in parts if isinstance(part, dict)]
            sweeps = {
                name: _budgets_emptied(sweep, [each.get(name) for each in of_all if isinstance(each, dict)])
                for name, sweep in section["sweeps"].items()
            }
            section = section | {"sweeps": sweeps}
        if section is not None:
            found[study] = section
    return found


def _budgets_emptied(section: Any, parts: list[Any]) -> Any:
    """Return what files merged with ``budgets: {}`` where the last of its ``parts`` that has budgets says so."""
    given = [part["budgets"] for part in parts if isinstance(part, dict) and isinstance(part.get("budgets"), dict)]
    merged: dict[str, Any] = {}
    for each in given:
        merged |= each
    if given and given[-1] == {} and isinstance(section, dict) and section.get("budgets") == merged:
        return section | {"budgets": {}}
    return section


def _content(path: Path) -> Any:
    """Return what a config file says; None for one that cannot be read: whoever loads it says so."""
    try:
        return yaml.safe_load(read_text(path))
    except (InputError, yaml.YAMLError, RecursionError, ValueError, OverflowError):
        return None


def refuse_traps(files: Iterable[Path]) -> None:
    """Raise InputError, with file and line, for what YAML reads in silence as something else than a person does.

    A key that a mapping has twice, and numbers that are none of base ten: 010 is eight, 1:30 ninety (YAML 1.1).
    A file that cannot be read or parsed is passed over: whoever loads it says so.
    """
    for path in files:
        try:
            root = yaml.compose(read_text(path), Loader=yaml.SafeLoader)
        except (InputError, yaml.YAMLError, RecursionError):
            continue
        _check(root, path)


def refuse_trap(text: str, where: str) -> None:
    """As :func:`refuse_traps`, of a text that stands in no file; ``where``, an option say, begins the message."""
    for node in _nodes(yaml.compose(text, Loader=yaml.SafeLoader)):
        if isinstance(node, yaml.ScalarNode) and _is_odd(node):
            raise InputError(f"{where}: {_misread(node)}")


def _nodes(root: Any) -> Iterator[Any]:
    """Yield all nodes of a document, each once: an anchor is shared by several places."""
    queue, done = [root], set()
    while queue:
        node = queue.pop()
        if node is None or id(node) in done:
            continue
        done.add(id(node))
        yield node
        if isinstance(node, yaml.SequenceNode):
            queue += node.value
        elif isinstance(node, yaml.MappingNode):
            queue += [part for pair in node.value for part in pair]


def _misread(node: yaml.ScalarNode) -> str:
    return f"{node.value} is read as {yaml.safe_load(node.value)} by YAML; write that, or in quotes what is text"


def _check(root: Any, path: Path) -> None:
    for node in _nodes(root):
        if isinstance(node, yaml.ScalarNode) and _is_odd(node):
            raise InputError(f"config: {path}, line {node.start_mark.line + 1}: {_misread(node)}")
        if isinstance(node, yaml.MappingNode):
            _check_keys(node, path)


def _check_keys(mapping: yaml.MappingNode, path: Path) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        line = key.start_mark.line + 1
        if (key.tag, key.value) in lines:
            raise InputError(
                f"config: {path}, line {line}: key {key.value} is given twice, first in line "
                f"{lines[key.tag, key.value]}; remove one of the two"
            )
        lines[key.tag, key.value] = line


def _is_odd(node: yaml.ScalarNode) -> bool:
    """Whether a number is written in another base than ten."""
    number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
    return number and (":" in node.value or re.match(r"[+-]?0[0-9_bxo]", node.value) is not None)
