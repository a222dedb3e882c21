"""Code tracking: what a step's result depends on, as one short hash.

Snakemake does not look into imported modules. A rule with ``params: code=code_id("tradeoffs.training.train")`` reruns
exactly when the meaning of that module, or of any module of this package that it imports, changes. Comments,
docstrings, formatting and file times do not count.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

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
    tree = ast.parse(path.read_text(), filename=str(path))
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}:{node.lineno}: relative import; code tracking follows absolute ones only")
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                    node.body = rest
    return tuple(names), ast.dump(tree)
