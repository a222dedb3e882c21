"""How the settings of a step reach it: as one argument, or, where they are long, as a file that the argument names.

A system takes no argument of more than 131,072 bytes (Linux), which the list of a study's models outgrows with eleven
seeds. A file's name is a hash of its content: Snakemake compares arguments, so a step is stale exactly when the meaning
of its settings has changed, whichever way they travel.
"""

import errno
import hashlib
import json
from pathlib import Path
from typing import Any

from tradeoffs.step.errors import ending
from tradeoffs.step.files import write_atomically

FOLDER = Path(".snakemake/tradeoffs/settings")  # in the working folder, which the nodes of a cluster share
LONGEST = 4000  # characters of an argument: what a person can still read and repeat


def settings(value: Any) -> str:
    """Return what a rule passes as ``--spec``: canonical JSON, or the path of a file that holds it.

    Any process may write the file, also a dry run and the jobs of a cluster: all write the same; one that a crash
    damaged is written again. Where the folder
    cannot be written the path is returned all the same, and the step says that the file is not there; any other refusal
    (a full disk) ends the program with one line.
    """
    text = value if isinstance(value, str) else canonical(value)
    if len(text.encode()) <= LONGEST:
        return text
    path = FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
    if not _holds(path, text):

        def write(temporary: Path) -> None:
            temporary.write_text(text)

        with ending():
            try:
                write_atomically(path, write)
            except PermissionError:
                pass
            except OSError as error:
                if error.errno != errno.EROFS:
                    raise
    return str(path)


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text() == text
    except (OSError, UnicodeDecodeError):
        return False


def canonical(value: Any) -> str:
    """One string for one meaning: JSON with sorted keys, and whole floats as integers (0.0 and 0 are one setting)."""

    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {str(key): plain(inner) for key, inner in item.items()}
        if isinstance(item, list | tuple):
            return [plain(inner) for inner in item]
        if isinstance(item, float) and item.is_integer():
            return int(item)
        return item

    return json.dumps(plain(value), sort_keys=True)
