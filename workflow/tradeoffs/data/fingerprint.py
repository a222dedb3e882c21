"""What a data folder holds, as one hash; ``python -m tradeoffs.data.fingerprint DIR`` verifies a folder.

``fingerprint.json`` says by ``of`` what was hashed: the files' contents (no ``of``: data made here), an unpacked
archive and the listing of its members, or the parts that a published data set is assembled from.
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tradeoffs.errors import InputError, exit_code
from tradeoffs.files import read_json

FINGERPRINT = "fingerprint.json"
CARD = "card.json"
SOURCE = "source.json"
OF_ARCHIVE = "archive and listing"
OF_PARTS = "parts"


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
        total.update(f"{_content(path)} {name}\n".encode())
    return total.hexdigest(), len(files)


def listing(folder: Path) -> dict[str, int]:
    """Return the size of every file below ``folder`` by relative path, links followed; what a step wrote is left out.

    Hashing hundreds of gigabytes that somebody else keeps would take longer than most evaluations.
    """
    own = {folder / name for name in (FINGERPRINT, CARD, SOURCE)}
    found: dict[str, int] = {}
    for base, _, names in tqdm(os.walk(folder, followlinks=True), desc=f"listing {folder}", unit="folder"):
        for name in names:
            path = Path(base, name)
            if path not in own:
                found[path.relative_to(folder).as_posix()] = path.stat().st_size
    return found


def listing_fingerprint(source: str, sizes: dict[str, int]) -> str:
    """Return the SHA-256 (hex) over where files come from and their sorted paths and sizes."""
    total = hashlib.sha256(f"{source}\n".encode())
    for name in sorted(sizes):
        total.update(f"{sizes[name]} {name}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def of_parts(parts: dict[str, Path]) -> tuple[str, int]:
    """Return the SHA-256 (hex) over the parts, by their places, of an assembled data set, and the number of files.

    A file counts by its content, a folder in an unpacked archive by what was unpacked, any other folder by its
    listing. Raises InputError for a part that is missing.
    """
    total, files = hashlib.sha256(), 0
    for place, path in sorted(parts.items()):
        if path.is_file():
            digest, count = _content(path), 1
        elif (path.parent / SOURCE).is_file():
            unpacked = recorded(path.parent)
            digest, count = unpacked["fingerprint"], unpacked["files"]
        elif path.is_dir():
            sizes = listing(path)
            digest, count = listing_fingerprint("", sizes), len(sizes)
        else:
            raise InputError(f"{path}: not found, but {place} of a data set comes from there; correct its path")
        total.update(f"{digest} {place}\n".encode())
        files += count
    return total.hexdigest(), files


def verify(folder: Path) -> str:
    """Return the fingerprint of ``folder``; InputError where it is not the one in its ``fingerprint.json``."""
    expected = recorded(folder)
    if expected.get("of") == OF_ARCHIVE:
        sizes = listing(folder)
        found, files = listing_fingerprint(read_json(folder / SOURCE)["sha256"], sizes), len(sizes)
    elif expected.get("of") == OF_PARTS:
        places = {place: (folder / place).resolve() for place in expected["parts"]}
        for path in places.values():
            if (path.parent / SOURCE).is_file():
                verify(path.parent)
        found, files = of_parts(places)
    else:
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


def _content(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def main() -> None:
    """Verify one folder and print its fingerprint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    print(verify(parser.parse_args().folder))


if __name__ == "__main__":
    sys.exit(exit_code(main))
