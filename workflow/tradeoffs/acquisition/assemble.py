"""Assemble a published data set as benchmarks read it: ``tradeoffs assemble --spec JSON --out FOLDER``.

``FOLDER`` holds a symbolic link for each part (a folder of an unpacked archive or of a copy that the user has, a small
file published beside it), ``fingerprint.json`` and ``card.json``. Nothing is copied, and nothing is written to a part.
"""

import json
import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, NamedTuple

from tradeoffs.acquisition.contents import CARD, FINGERPRINT
from tradeoffs.acquisition.fingerprint import OF_PARTS, of_parts
from tradeoffs.step.cards import digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import write_atomically, write_json
from tradeoffs.step.folders import scan


class Settings(NamedTuple):
    """``parts``: what the data set is assembled from, place in it -> path on disk."""

    dataset: str
    parts: dict[str, str]


def run(
    settings: Settings,
    *,
    own: Annotated[str, "JSON object whose keys are places that others keep"] = "{}",
    records: Annotated[Path | None, "folder where the contents of these places are noted"] = None,
    out: Annotated[Path, "folder to make"],
) -> None:
    """Assemble one data set; its card lies in the folder."""
    started = time.perf_counter()
    try:
        places = json.loads(own)
    except json.JSONDecodeError as error:
        raise InputError(f"--own: not valid JSON ({error}): {own[:80]}") from None
    if not isinstance(places, dict):
        raise InputError(f"--own: {own[:80]}; expected a JSON object whose keys are places")
    parts = {place: Path(path) for place, path in settings.parts.items()}
    found = assemble(out, settings.dataset, parts, places, records)
    write_card(
        out / CARD,
        kind="data",
        spec=settings._asdict(),
        code=code_id("tradeoffs.acquisition.assemble"),
        data={settings.dataset: found},
        started=started,
        files=digests(out / FINGERPRINT),
    )


def assemble(
    out: Path, dataset: str, parts: dict[str, Path], own: Collection[str] = (), records: Path | None = None
) -> str:
    """Make the folder ``out`` of links to ``parts`` (place in the folder -> path) and return its fingerprint.

    ``own`` are the places that somebody else keeps, which count by all their contents; ``records`` is where these are
    noted, so that they are read once (:mod:`tradeoffs.acquisition.observed`).
    What an earlier run linked at another place is removed. InputError for a part that does not exist, and for a file
    in ``out`` that is not a link: it is not ours.
    """
    (out / FINGERPRINT).unlink(missing_ok=True)
    found, files, contents = of_parts(parts, own, records)
    out.mkdir(parents=True, exist_ok=True)
    for place in _links(out):
        if place not in parts:
            (out / place).unlink()
    for place, path in parts.items():
        link(out / place, path)
    content = {"dataset": dataset, "fingerprint": found, "files": files, "of": OF_PARTS, "own": contents}
    write_json(out / FINGERPRINT, content | {"parts": {place: str(path) for place, path in parts.items()}})
    return found


def _links(out: Path) -> list[str]:
    """Return the places below ``out`` that are links; what they lead to is not entered."""
    found, pending = [], [""]
    while pending:
        base = pending.pop()
        for entry in scan(out / base):
            place = f"{base}/{entry.name}" if base else entry.name
            if entry.is_symlink():
                found.append(place)
            elif entry.is_dir():
                pending.append(place)
    return found


def link(place: Path, target: Path) -> None:
    """Make ``place`` a link to ``target``, relative where ``target`` is, so that a project folder can be moved.

    Not where the folder is elsewhere, as ``resources`` often is that is a link to a larger disk: ``..`` would lead from
    there.
    """
    if place.exists() and not place.is_symlink():
        raise InputError(f"{place}: is in the way and was not made here; move it away")
    place.parent.mkdir(parents=True, exist_ok=True)
    here = place.parent.resolve() == Path.cwd() / place.parent
    text = Path(os.path.relpath(target, place.parent)) if here and not target.is_absolute() else target.absolute()
    write_atomically(place, lambda temporary: temporary.symlink_to(text))
