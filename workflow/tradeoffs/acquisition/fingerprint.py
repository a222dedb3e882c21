"""What a data folder holds, as one hash; ``tradeoffs fingerprint --folder DIR`` verifies a folder.

``fingerprint.json`` says by ``of`` what was hashed: the files' contents (no ``of``: data made here), an unpacked
archive and the listing of its members, or the parts that a published data set is assembled from.
"""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tradeoffs.acquisition import observed
from tradeoffs.acquisition.contents import FINGERPRINT, SOURCE, fingerprint, listing, listing_as, listing_fingerprint
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json, sha256
from tradeoffs.step.folders import is_file

OF_ARCHIVE = "archive and listing"
OF_PARTS = "parts"


class Assembled(NamedTuple):
    """SHA-256 (hex) over the parts of a data set, the number of files, and the content of each place that is own."""

    fingerprint: str
    files: int
    own: dict[str, str]


def of_parts(parts: dict[str, Path], own: Collection[str] = (), records: Path | None = None) -> Assembled:
    """Return what an assembled data set holds, by the places of its parts.

    A file counts by its content, a folder in an unpacked archive by what was unpacked, any other folder, and the places
    ``own``, which somebody else keeps, by all contents, of which ``records`` may know most
    (:mod:`tradeoffs.acquisition.observed`). Raises InputError for a part that is missing, or cannot be read.
    """
    total, files, contents = hashlib.sha256(), 0, {}
    for place, path in sorted(parts.items()):
        if place in own and path.exists():
            contents[place] = observed.content(path, records)
        if is_file(path):
            digest, count = sha256(path), 1
        elif not path.is_dir():
            raise InputError(f"{path}: not found, but {place} of a data set comes from there; correct its path")
        elif place not in own and (path.parent / SOURCE).is_file():
            unpacked = recorded(path.parent)
            digest, count = unpacked["fingerprint"], unpacked["files"]
        else:
            digest, count = contents.get(place) or observed.content(path, records)
        total.update(f"{digest} {place}\n".encode())
        files += count
    return Assembled(total.hexdigest(), files, {place: found.id for place, found in contents.items()})


def verify(folder: Path) -> str:
    """Return the fingerprint of ``folder``; InputError where it is not the one in its ``fingerprint.json``."""
    expected = recorded(folder)
    if expected.get("of") == OF_ARCHIVE:
        source = read_json(folder / SOURCE)["sha256"]
        if (sizes := listing_as(folder, source, expected["fingerprint"])) is None:
            sizes = listing(folder)
        found, files = listing_fingerprint(source, sizes), len(sizes)
    elif expected.get("of") == OF_PARTS:
        places = {place: (folder / place).resolve() for place in expected["parts"]}
        for path in places.values():
            if (path.parent / SOURCE).is_file():
                verify(path.parent)
        found, files, _ = of_parts(places, expected.get("own", ()))
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


def run(*, folder: Annotated[Path, "data folder"]) -> None:
    """Verify one folder and print its fingerprint."""
    print(verify(folder))
