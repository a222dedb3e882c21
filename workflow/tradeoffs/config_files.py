"""Config files are read once more, only to find keys that are given twice: YAML lets the last one win in silence."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tradeoffs.errors import InputError


def refuse_duplicate_keys(files: Iterable[Path]) -> None:
    """Raise InputError, with file and line, for a key that a mapping of a YAML or JSON config file has twice.

    A file that cannot be read or parsed is passed over: whoever loads it says so.
    """
    for path in files:
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
            continue
        _check(root, path)


def _check(root: Any, path: Path) -> None:
    queue, done = [root], set()
    while queue:
        node = queue.pop()
        if id(node) in done:  # an anchor, which several places share
            continue
        done.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            queue += node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[tuple[str, str], int] = {}
            for key, value in node.value:
                queue += [key, value]
                if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                    continue
                line = key.start_mark.line + 1
                if (key.tag, key.value) in lines:
                    raise InputError(
                        f"config: {path}, line {line}: key {key.value} is given twice, first in line "
                        f"{lines[key.tag, key.value]}; remove one of the two"
                    )
                lines[key.tag, key.value] = line
