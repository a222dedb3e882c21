"""Code tracking: what a step's result depends on, as one short hash.

Snakemake does not look into imported modules. A rule with ``params: code=code_id("tradeoffs.training.train")`` reruns
exactly when the meaning of that module, or of any module of this package that it imports, changes. Comments,
docstrings, formatting and file times do not count.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]


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


def _path(module: str, root: Path) -> Path | None:
    """Return the file of a module of the package, or None where it is not one."""
    package, *rest = module.split(".")
    if package != root.name:
        return None
    base = root.joinpath(*rest)
    candidates = (base / "__init__.py", base.with_suffix(".py") if rest else base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def _read(path: Path) -> tuple[tuple[str, ...], str]:
    """Return the dotted names that a file imports (``from a import b`` as ``a`` and ``a.b``) and its meaning.

    The meaning is its syntax tree without docstrings. The Snakefile waits for this, so a file is parsed once.
    """
    tree = ast.parse(path.read_bytes(), filename=str(path))  # bytes: UTF-8 whatever the locale
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
    return tuple(names), "".join(written)


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
