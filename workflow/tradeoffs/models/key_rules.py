"""Published files whose tensors have other names than the same network has today: ``key_rules.yaml`` says which."""

import re
from functools import cache
from typing import Any, NamedTuple

from torch import Tensor

from tradeoffs.models.tables import KEY_RULES
from tradeoffs.step.errors import InputError
from tradeoffs.step.yaml_files import read

_START = r"(?:^|(?<=\.))"  # of a part of a name


class Rule(NamedTuple):
    """The fields are those of the table."""

    where: str | None
    drop: list[str]
    rename: list[list[str]]


@cache
def listed() -> dict[str, Rule]:
    """Return the rules by name."""
    return {name: Rule(**facts) for name, facts in read(KEY_RULES).items()}


def find(name: str) -> Rule:
    """Return a rule; InputError, with those there are, for an unknown one."""
    if name not in listed():
        raise InputError(f"keys: {name!r} is no rule; expected one of {', '.join(listed())}")
    return listed()[name]


def renamed(content: Any, rule: Rule) -> Any:
    """Return a file's content with the names of its tensors as today, in whatever mappings they lie."""
    if not isinstance(content, dict) or not (rule.drop or rule.rename):
        return content
    names = [str(name) for name, item in content.items() if isinstance(item, Tensor)]
    old = rule.where is None or any(re.search(f"{_START}{re.escape(rule.where)}$", name) for name in names)
    found = {}
    for name, item in content.items():
        if not isinstance(item, Tensor):
            found[name] = renamed(item, rule)
        elif not any(re.search(_START + pattern, str(name)) for pattern in rule.drop):
            found[_today(str(name), rule.rename) if old else name] = item
    return found


def _today(name: str, rename: list[list[str]]) -> str:
    """Return the name that the first pattern which matches gives."""
    for pattern, now in rename:
        changed, count = re.subn(_START + pattern, now, name, count=1)
        if count:
            return changed
    return name
