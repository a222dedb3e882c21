"""Code tracking: what a step's result depends on, as one short hash.

Snakemake does not look into imported modules. A rule with ``params: code=code_id("tradeoffs.training.train")`` reruns
exactly when the meaning of that module, or of any module of this package that it imports, changes. Comments,
docstrings, formatting and file times do not count.

Reading what files mean takes longer than many a step. A run of the workflow therefore leaves what it read to its steps
and to the next run, in KEPT, each under a digest of the file's bytes and of this file's: what has changed is read anew.
"""

import ast
import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json, write_json

KEPT = Path(".snakemake/meanings.json")
_ROOT = Path(__file__).resolve().parents[1]
_found: dict[str, tuple[list[str], str]] = {}  # what this process has needed, by digest


@cache
def code_id(*modules: str, root: Path = _ROOT) -> str:
    """Return 16 hex digits over the syntax trees of ``modules`` and all they import, directly or not, from ``root``.

    ``modules`` are dotted names below the package that lives in the folder ``root``. Raises ModuleNotFoundError for a
    module that does not exist.
    """
    digest = hashlib.sha256()
    reached = {name: path for module in modules for name, path in _closure(module, root).items()}
    for name, path in sorted(reached.items()):
        digest.update(f"{name}\n{_read(path)[1]}\n".encode())
    return digest.hexdigest()[:16]


@cache
def _closure(module: str, root: Path) -> dict[str, Path]:
    """Return the modules, with their files, that ``module`` reaches by imports, wherever in a file they stand."""
    seen: dict[str, Path] = {}
    queue = [module]
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        path = _path(name, root)
        if path is None:
            raise ModuleNotFoundError(f"{name}: no such module under {root}")
        seen[name] = path
        parents = [name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)]
        imported = [found for found in _read(path)[0] if _path(found, root) is not None]
        queue += parents + imported
    return seen


@cache
def _path(module: str, root: Path) -> Path | None:
    """Return the file of a module of the package, or None where it is not one."""
    package, *rest = module.split(".")
    if package != root.name:
        return None
    base = root.joinpath(*rest)
    candidates = (base / "__init__.py", base.with_suffix(".py") if rest else base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def _read(path: Path) -> tuple[list[str], str]:
    """Return the dotted names that a file imports (``from a import b`` as ``a`` and ``a.b``) and its meaning.

    The meaning is a digest of its syntax tree without docstrings.
    """
    source = path.read_bytes()
    key = hashlib.sha256(_own_source() + source).hexdigest()
    found = _kept().get(key) or _parsed(path, source)
    return _found.setdefault(key, found)


def _parsed(path: Path, source: bytes) -> tuple[list[str], str]:
    tree = ast.parse(source, filename=str(path))  # bytes: UTF-8 whatever the locale
    written: list[str] = []
    imports: list[ast.Import | ast.ImportFrom] = []
    _write(tree, written, imports)
    names: list[str] = []
    for node in imports:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
            continue
        if node.level:
            raise ValueError(f"{path}:{node.lineno}: relative import; code tracking follows absolute ones only")
        names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names, hashlib.sha256("".join(written).encode()).hexdigest()


def keep() -> None:
    """Leave in KEPT what this process has read; where that cannot be written, others read for themselves."""
    if not _found.keys() <= _kept().keys():
        with suppress(OSError):
            write_json(KEPT, _found)


@cache
def _kept() -> dict[str, tuple[list[str], str]]:
    """Return what an earlier process has left; nothing where it is not what one leaves."""
    try:
        left = read_json(KEPT)
        return {str(key): ([str(name) for name in names], str(digest)) for key, (names, digest) in left.items()}
    except (InputError, OSError, ValueError, TypeError, AttributeError):
        return {}


@cache
def _own_source() -> bytes:
    return Path(__file__).read_bytes()


def _write(node: ast.AST, into: list[str], imports: list[ast.Import | ast.ImportFrom]) -> None:
    """Append to ``into`` what a syntax tree means, and to ``imports`` those in it. Every step waits for this.

    The form is the same under every version of Python. Versions know of different fields, and ``ast.dump`` and ``repr``
    show the same ones differently. A field that a version adds is None, empty or 0 in code that does not use what it is
    for: such fields are left out. So are docstrings, whether a name is read or written, which its place tells, and how
    text is cut into pieces within an f-string.
    """
    kind = type(node)
    if kind is ast.Constant or kind is ast.MatchSingleton:
        into.append(f"({kind.__name__} {node.value!a})")  # type: ignore[attr-defined]
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        imports.append(node)
    into.append(f"({kind.__name__}")
    for field in kind._fields:
        value: Any = getattr(node, field, None)
        if field == "body" and kind in _DOCUMENTED:
            value = _without_docstring(value)
        if not value or field == "ctx":
            continue
        if isinstance(value, ast.AST):
            into.append(f" {field}=")
            _write(value, into, imports)
        elif isinstance(value, list):
            into.append(f" {field}=[")
            for item in _joined(value) if kind is ast.JoinedStr else value:
                if isinstance(item, ast.AST):
                    _write(item, into, imports)
                else:
                    into.append(f" {item}")
            into.append("]")
        else:
            into.append(f" {field}={value}")
    into.append(")")


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return body


def _joined(parts: list[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string with the pieces of text that stand beside each other as one."""
    joined: list[ast.expr] = []
    for part in parts:
        match joined, part:
            case _, ast.Constant(value=""):
                pass
            case [*_, ast.Constant(value=str(before))], ast.Constant(value=str(text)):
                joined[-1] = ast.Constant(before + text)
            case _:
                joined.append(part)
    return joined
