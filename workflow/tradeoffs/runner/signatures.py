"""What a command takes, read from its source for ``--help``: its modules import torch, which takes seconds.

Of a module are read the docstring, the keyword-only parameters of ``run`` and the fields of ``Settings``, wherever that
is imported from. A test holds what is read so to what the imported modules say.
"""

import ast
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, MappingProxyType
from typing import Any, cast

from tradeoffs.step.command import Step, options_of
from tradeoffs.step.declared_benchmarks import Benchmark, meaning
from tradeoffs.step.yaml_files import ROOT

_NAMES: dict[str, Any] = {name: getattr(typing, name) for name in ("Annotated", "Any", "Literal", "NamedTuple")}
_NAMES |= {
    "Path": Path,
    "Mapping": Mapping,
    "Sequence": Sequence,
    "MappingProxyType": MappingProxyType,
    "dataclass": dataclass,
}


def step(module: str) -> Step:
    """Return the step that a module is (:func:`tradeoffs.step.command.step_of`), to be described and not to be run."""
    tree = _tree(module)
    return Step(_title(tree).removesuffix(":"), _settings(module), *_called(tree, module))


def of_part(module: str, part: str, declared: Benchmark | None = None) -> Step:
    """Return the step of a part: ``run`` of ``module``, title and ``Settings`` of the module ``part``.

    ``declared``: of a benchmark, whose declaration says what its settings mean.
    """
    meanings = {name: meaning(schema) for name, schema in declared.settings.items()} if declared else {}
    return Step(_title(_tree(part)), _settings(part), *_called(_tree(module), module), meanings=meanings)


def _called(tree: ast.Module, module: str) -> tuple[Any, Any, tuple[str, ...], bool]:
    """Return options, what would be run, code, and whether a card is written."""
    (run,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run")
    carded = run.returns is not None and ast.unparse(run.returns) == "Written"
    run.args.args, run.body, run.returns = [], [ast.Pass()], None
    function = cast(FunctionType, _made(run, module))
    return options_of(function), function, (), carded


def _settings(module: str) -> type[Any] | None:
    """Return the class ``Settings`` of a module; None where it has none."""
    return _class(module, "Settings")


def _class(module: str, name: str) -> type[Any] | None:
    """Return a class that a module of the package defines or imports, with its fields alone."""
    tree = _tree(module)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and name in (alias.asname or alias.name for alias in node.names):
            return _class(str(node.module), name)
        if isinstance(node, ast.ClassDef) and node.name == name:
            bases = {each: _class(module, each) for base in node.bases if (each := ast.unparse(base)) not in _NAMES}
            node.body = [part for part in node.body if isinstance(part, ast.AnnAssign)] or [ast.Pass()]
            return cast(type[Any], _made(node, module, bases))
    return None


def _made(node: ast.FunctionDef | ast.ClassDef, module: str, beside: Mapping[str, Any] | None = None) -> Any:
    """Return the function or class that a part of a module's tree defines."""
    names = _NAMES | dict(beside or {}) | {"__name__": f"tradeoffs.{module}"}
    tree = ast.fix_missing_locations(ast.Module([node], type_ignores=[]))
    exec(compile(tree, f"<{module}>", "exec"), names)  # our own code, a signature or fields
    return names[node.name]


def _tree(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.removeprefix("tradeoffs.").split(".")).with_suffix(".py")
    return ast.parse(path.read_bytes(), filename=str(path))


def _title(tree: ast.Module) -> str:
    return (ast.get_docstring(tree) or "").split("\n")[0]
