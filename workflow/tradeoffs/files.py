"""Files appear whole or not at all: write beside the target, then rename."""

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tradeoffs.errors import InputError


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Call ``write(temporary)`` and rename ``temporary`` (same folder, same suffix) to ``path``.

    The temporary name is unique, so two processes writing one file never mix; the last rename wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}{path.suffix}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys; NaN is refused (ValueError), use null."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"

    def write(temporary: Path) -> None:
        temporary.write_text(text)

    write_atomically(path, write)


def read_json(path: Path) -> Any:
    """Read JSON; a missing or broken file is an :class:`InputError` that names it."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: file not found; make it first, or correct the path") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); delete it and make it again") from None


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hex; InputError names a file that is missing or cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: file not found; make it first, or correct the path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); correct the path or its rights") from None


def set_aside(path: Path) -> Path | None:
    """Rename ``path`` to ``<name>.damaged`` (or ``.damaged2`` and on); return the new path, None where it is gone."""
    number, target = 1, path.with_name(f"{path.name}.damaged")
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged{number}")
    try:
        return path.rename(target)
    except FileNotFoundError:  # another step found the same damage, or the rule is making the file again
        return None
