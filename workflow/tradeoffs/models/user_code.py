"""Where the Python function is that makes a network of the user's, and a digest of the code that it is.

``nets.py:build`` names a function of a file, ``package.module:build`` one of a module that is installed, or lies in the
folder where the workflow runs. The digest is over the file and what it imports of its own: of the file's folder, of the
module's package. Nothing is imported for it, since the Snakefile asks at every start.
"""

import ast
import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import opened

_FORM = re.compile(r"(?P<file>.+\.py):(?P<of_file>\w+)|(?P<module>\w+(\.\w+)*):(?P<of_module>\w+)")


class Place(NamedTuple):
    """A ``function`` of a ``file``; ``module`` is the dotted name of the file, None where the file itself was named.

    ``root`` is the folder in which its imports are looked for first.
    """

    file: Path
    function: str
    module: str | None
    root: Path


def place(factory: str) -> Place:
    """Return where ``file.py:function`` or ``package.module:function`` is; InputError where there is no such file."""
    found = _FORM.fullmatch(factory)
    if found is None:
        raise InputError(f"factory: {factory!r}; expected file.py:function or package.module:function")
    if found["file"]:
        file = Path(found["file"]).expanduser()
        if not file.is_file():
            raise InputError(f"factory: {factory!r}: no file {file}; correct the path")
        return Place(file, found["of_file"], None, file.parent)
    top, *rest = found["module"].split(".")
    for root in _roots(top):
        if (module := _file(root, [top, *rest])) is not None:
            return Place(module, found["of_module"], found["module"], root)
    raise InputError(
        f"factory: {factory!r}: no module {found['module']} is installed, or lies in this folder; install it where the "
        "workflow runs, or name its file (nets.py:build)"
    )


def files(factory: str) -> list[Path]:
    """Return the file of a factory and those of its own that it imports, directly or not; errors as :func:`modules`."""
    return sorted(modules(factory).values())


def modules(factory: str) -> dict[str, Path]:
    """Return those files by the dotted names of their modules; InputError as :func:`place`.

    And for one that cannot be read, or is no Python.
    """
    start = place(factory)
    own = start.module.split(".")[0] if start.module else None
    found_by_name: dict[str, Path] = {}
    queue = [(start.file, start.module or start.file.stem)]
    while queue:
        file, name = queue.pop()
        if file in found_by_name.values():
            continue
        found_by_name[name] = file
        for dotted in _imported(file, name):
            parts = dotted.split(".")
            # A package runs its __init__ before the module that is meant.
            for end in range(1, len(parts) + 1):
                found = _file(start.root, parts[:end])
                if found is not None and own in (None, parts[0]):
                    queue.append((found, ".".join(parts[:end])))
    return found_by_name


def digest(factory: str) -> str:
    """Return the SHA-256 (hex) over a factory's code: its file and those of its own that it imports, byte by byte."""
    start, total = place(factory), hashlib.sha256()
    for file in files(factory):
        content = hashlib.sha256(_read(file)).hexdigest()
        total.update(f"{content} {file.relative_to(start.root).as_posix()}\n".encode())
    return total.hexdigest()


def _roots(top: str) -> Iterator[Path]:
    """Yield the folders in which a top-level module may be: where it is installed, and this one."""
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        found = None
    if found is not None:
        yield from (Path(folder).parent for folder in found.submodule_search_locations or [found.origin or ""])
    yield Path.cwd()


def _file(root: Path, parts: list[str]) -> Path | None:
    base = root.joinpath(*parts)
    return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)


def _imported(file: Path, name: str) -> list[str]:
    """Return the dotted names that a module imports, wherever in it; names of what it imports from one among them."""
    try:
        tree = ast.parse(_read(file), filename=str(file))
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InputError(
            f"factory: {file}{line}: not Python {sys.version_info[0]} ({error.args[0]}); correct it"
        ) from None
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            found += [start, *(f"{start}.{alias.name}" for alias in node.names if alias.name != "*")]
    return [dotted for dotted in found if dotted and not dotted.startswith(".")]


def _read(file: Path) -> bytes:
    with opened(file) as source:
        return source.read()
