"""Arguments of a call in Python that are not what they are to be: one line, before anything is done."""

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tradeoffs.step.errors import InputError
from tradeoffs.step.files import plain


def check_kinds(benchmark: object, changes: object, name: object, out: object) -> None:
    """Raise InputError for the first argument of an evaluation that is of another kind."""
    if not isinstance(benchmark, str):
        raise InputError(f"benchmark: {benchmark!r}; expected one name, as 'waterbirds'; compare takes several")
    if not isinstance(changes, Mapping):
        raise InputError(f"settings: {changes!r}; expected changes by name, as {{'bootstrap': 200}}")
    if name is not None and not isinstance(name, str):
        raise InputError(f"name: {name!r}; expected text")
    if out is not None:
        path_of("out", out, "a folder")


def path_of(key: str, given: object, expected: str = "a path") -> Path:
    """Return a path with its ``~`` written out; InputError for what is none, or none that a system can look at."""
    if not isinstance(given, str | Path) or not str(given):
        raise InputError(f"{key}: {given!r}; expected {expected}")
    try:
        path = Path(given).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError):
            path.stat()
    except (OSError, RuntimeError, ValueError) as error:  # too long, of a user that there is not, with a null character
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{key}: {str(given)[:80]!r}; {reason}: correct the path") from None
    return path


def writable(out: str | Path, key: str = "out") -> Path:
    """Return the path of a folder that can be made and written to; InputError where it cannot. Nothing of it is left.

    Asked before a benchmark runs, which may take hours.
    """
    folder = path_of(key, out, "a folder")
    absent = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{key}: {folder}: {error.strerror}; expected a folder that can be written to") from None
    finally:
        with suppress(OSError):  # one that somebody else has begun to use stays
            for place in absent:
                place.rmdir()
    return folder


def html_file(key: str, given: object) -> Path:
    """Return the path of a file of HTML to write; InputError, before anything is computed, where it cannot be."""
    expected = "a file of HTML to write"
    path = path_of(key, given, expected)
    if path.is_dir():
        raise InputError(f"{key}: {given}: is a folder; expected {expected}")
    plain(path)
    writable(path.parent, key)
    return path
