"""What a data folder holds, as one hash; ``python -m tradeoffs.data.fingerprint DIR`` verifies a folder."""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

from tradeoffs.errors import InputError, exit_code
from tradeoffs.files import read_json

FINGERPRINT = "fingerprint.json"
CARD = "card.json"


def fingerprint(folder: Path) -> tuple[str, int]:
    """Return the SHA-256 (hex) over the sorted relative paths and contents of ``folder``, and the number of files.

    The folder's own ``fingerprint.json`` and ``card.json`` do not count. Raises InputError for a missing folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: folder not found; make the data first, or correct the path")
    own = {folder / FINGERPRINT, folder / CARD}
    files = sorted(
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path not in own and not path.is_dir()
    )
    total = hashlib.sha256()
    for name, path in files:
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{content} {name}\n".encode())
    return total.hexdigest(), len(files)


def verify(folder: Path) -> str:
    """Return the fingerprint of ``folder``; InputError where it is not the one in its ``fingerprint.json``."""
    expected = recorded(folder)
    found, files = fingerprint(folder)
    if found != expected["fingerprint"]:
        raise InputError(
            f"{folder}: content does not match its {FINGERPRINT} ({files} files with {found[:16]}..., expected "
            f"{expected['files']} with {expected['fingerprint'][:16]}...); delete the folder and make it again"
        )
    return found


def recorded(folder: Path) -> dict[str, Any]:
    """Return what ``fingerprint.json`` of ``folder`` says; InputError where it is missing or not one."""
    path = folder / FINGERPRINT
    content = read_json(path)
    if not isinstance(content, dict) or not {"dataset", "fingerprint", "files"} <= content.keys():
        raise InputError(f"{path}: not a fingerprint (keys dataset, fingerprint, files); make the data again")
    return content


def main() -> None:
    """Verify one folder and print its fingerprint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(verify(parser.parse_args().folder))


if __name__ == "__main__":
    sys.exit(exit_code(main))
