"""What a docstring or a comment refers to by a role (``:func:``, ``:mod:``, ...) is there."""

import ast
import re
from functools import cache

import pytest

import tradeoffs
from project_root import ROOT

PACKAGE = ROOT / "workflow/tradeoffs"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROLE = re.compile(r":(?:func|mod|class|meth|data|attr):`~?([\w.]+)`")


@cache
def names(path):
    """Return what a module defines or imports, in its classes too, those also as ``Class.name``."""
    return defined(ast.parse(path.read_bytes()).body)


def defined(body):
    found = set()
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                found |= {alias.asname or alias.name for alias in node.names}
            case ast.FunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name):
                inner = defined(node.body)
                found |= {name, *inner, *(f"{name}.{each}" for each in inner)}
            case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
                found |= {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
    return found


def module(dotted):
    """Return the file of a dotted name, None where it is no module of the package."""
    place = PACKAGE.parent.joinpath(*dotted.split("."))
    return next((each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()), None)


def is_there(reference, path):
    first, *rest = (f"tradeoffs{reference}" if reference.startswith(".") else reference).split(".")
    if first != "tradeoffs":
        return reference in names(path) or (bool(rest) and first in names(path) and first.islower())  # a library's
    if module(".".join([first, *rest])) or (len(rest) == 1 and rest[0] in tradeoffs.__all__):
        return True
    inner = ((module(".".join([first, *rest[:-depth]])), ".".join(rest[-depth:])) for depth in (1, 2))
    return any(place is not None and name in names(place) for place, name in inner)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_is_referred_to_is_there(path):
    assert [found for found in ROLE.findall(path.read_text()) if not is_there(found, path)] == []


def test_what_is_not_there_is_seen():
    path = PACKAGE / "step/files.py"
    assert is_there("read_json", path)
    assert is_there("tradeoffs.step.inputs.opened", path)
    assert is_there("tradeoffs.evaluate", path)
    assert not is_there("tradeoffs.step.folders.stat_of", path)
    assert not is_there("stat_of", path)
