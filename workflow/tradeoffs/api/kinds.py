"""Arguments of a call in Python that are not what they are to be: one line, before anything is done."""

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tradeoffs.step.errors import InputError


def check_kinds(benchmark: object, changes: object, name: object, out: object) -> None:
    """Raise InputError for the first argument of an evaluation that is of another kind."""
    if not isinstance(benchmark, str):
        raise InputError(f"benchmark: {benchmark!r}; expected one name, as 'waterbirds'; compare takes several")
    if not isinstance(changes, Mapping):
        raise InputError(f"settings: {changes!r}; expected changes by name, as {{'bootstrap': 200}}")
    if name is not None and not isinstance(name, str):
        raise InputError(f"name: {name!r}; expected text")
    if out is not None and not isinstance(out, str | Path):
        raise InputError(f"out: {out!r}; expected a folder")


def writable(out: str | Path) -> Path:
    """Return the path of a folder that can be made and written to; InputError where it cannot. Nothing of it is left.

    Asked before a benchmark runs, which may take hours.
    """
    folder = Path(out).expanduser()
    absent = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"out: {folder}: {error.strerror}; expected a folder that can be written to") from None
    finally:
        with suppress(OSError):  # one that somebody else has begun to use stays
            for place in absent:
                place.rmdir()
    return folder
