"""Every result is a JSON card that says where it came from, and vouches for itself and for the files beside it.

A card holds the digest of its own content (``card_sha256``) and those of the files that its step wrote (``files``).
What a step reads is compared with them. What does not match is moved aside to ``<name>.damaged``, with its card, so
that the workflow makes it again when the same command is run again.
"""

import hashlib
import json
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from tradeoffs.step.errors import InputError, RefusedError
from tradeoffs.step.files import read_json, set_aside, sha256, write_json
from tradeoffs.step.inputs import opened


class DamagedError(InputError):
    """Something is not as it was written; it has been moved aside, if it was ours to move."""


DIGEST, FILES = "card_sha256", "files"
_BEGINNING = b'{\n "'  # of JSON as this program writes it
# Tables that share the card of another table of their step.
_STEPS = {"sweeps": "summary", "differences": "claims", "regime": "claims", "risks": "curves", "onsets": "claims"}
_LIBRARIES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "scikit-learn",
    "scikit-image",
    "mlxtend",
    "pillow",
)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries a number can depend on, read from metadata (nothing is imported)."""
    from importlib.metadata import version  # half of what this module would take to import, for commands without a card

    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


def made(
    *,
    spec: dict[str, Any],
    code: str,
    data: dict[str, str],
    started: float,
    device: str = "cpu",
    files: dict[str, str] | None = None,
    **content: Any,
) -> dict[str, Any]:
    """Return a card: ``content`` plus the provenance every card carries, and the digest of it all.

    ``spec`` is the resolved setting of the step; ``code`` the code id of its module (:mod:`tradeoffs.step.code_id`);
    ``data`` maps data-set names to fingerprints; ``started`` is ``time.perf_counter()`` at the start of the step's
    own work, from which ``seconds`` is computed; ``files`` are the files it wrote (:func:`digests`).
    """
    card = {
        "spec": spec,
        "seed": spec.get("seed"),
        "code": code,
        "data": data,
        "versions": versions(),
        "device": device,
        "seconds": round(time.perf_counter() - started, 3),
        FILES: files or {},
    }
    return sealed(card | content)


def write_card(path: Path, **card: Any) -> None:
    """Write a card; the arguments are those of :func:`made`."""
    write_json(path, made(**card))


def digests(*paths: Path) -> dict[str, str]:
    """Return the SHA-256 (hex) of each file's content by its name."""
    return {path.name: sha256(path) for path in paths}


def sealed(card: dict[str, Any]) -> dict[str, Any]:
    """Return the card as JSON reads it back, with the digest of its content; ValueError for NaN, which JSON lacks."""
    plain: dict[str, Any] = json.loads(json.dumps(card, allow_nan=False))
    return plain | {DIGEST: _digest(plain)}


def _digest(card: dict[str, Any]) -> str:
    kept = {key: value for key, value in card.items() if key != DIGEST}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def read_card(path: Path, *, ours: bool = True) -> dict[str, Any]:
    """Read a card; InputError where it is missing, DamagedError where it is damaged.

    Card and files are then moved aside, so that the workflow makes them again, unless they are not ``ours`` to move: a
    file that is not called .json never is.
    """
    try:
        content = read_json(path)
    except RefusedError:  # nothing is known of it, so it is no damage
        raise
    except InputError:
        if not path.is_file():
            raise
        _damaged(path, [path] if ours and path.suffix == ".json" else [], f"{path}: damaged (not valid JSON)")
    card = _sound(path)
    if card is None:
        listed = content.get(FILES) if isinstance(content, dict) else None
        names = [name for name in listed if Path(name).name == name] if isinstance(listed, dict) else []
        why = f"{path}: damaged, or made by an older version (its {DIGEST} is not that of its content)"
        _damaged(path, [path, *(path.parent / name for name in names)] if ours else [], why)
    return card


def check(path: Path, *, ours: bool = True) -> tuple[str, Path | None]:
    """Compare a file with the card that came with it; return its SHA-256 (hex) and the card.

    The card is None where none lies at one of its places and names the file: a file that somebody brought is taken as
    it is. InputError for a missing file, DamagedError for one that is damaged or whose card is: both are moved aside,
    unless they are not ``ours`` to move.
    """
    found = sha256(path)
    for place in _places(path):
        if _vouches(place, path.name):
            moved = [path, place] if ours else []
            card = _sound(place)
            if card is None:
                _damaged(place, moved, f"{place}: the card of {path.name} is damaged")
            if card[FILES][path.name] != found:
                _damaged(path, moved, f"{path}: damaged (its content is not what {place} recorded)")
            return found, place
    return found, None


def _places(path: Path) -> Iterator[Path]:
    """Where the card of a file may lie: of weights and data, downloads, outcomes and the theory's tables, tables."""
    step = f"{_STEPS.get(path.stem, path.stem)}.json"
    yield from (path.with_name("card.json"), path.with_name(f"{path.name}.json"))
    yield from (path.with_name(step), path.parent / "cards" / step)


def _sound(path: Path) -> dict[str, Any] | None:
    """Return a card whose content is as it was written, else None."""
    try:
        card = read_json(path)
    except RefusedError:
        raise
    except InputError:
        return None
    return card if isinstance(card, dict) and card.get(DIGEST) == _digest(card) else None


def _vouches(place: Path, name: str) -> bool:
    """Whether a card names the file; one that is no longer JSON, or whose digest is wrong, may have.

    A file that is no JSON was a card if it begins as they do, or holds their digest; else it is somebody's own, a log
    of a training say.
    """
    if not place.is_file():
        return False
    try:
        card = read_json(place)
    except RefusedError:
        raise
    except InputError:
        with opened(place) as stream:
            content = stream.read()
        return (
            content.startswith(_BEGINNING) or DIGEST.encode() in content or (not content and place.name == "card.json")
        )
    if not isinstance(card, dict):
        return False  # somebody else's: no damage makes one of these of a card
    named = isinstance(card.get(FILES), dict) and name in card[FILES]
    return named or (DIGEST in card and card[DIGEST] != _digest(card))


def _damaged(path: Path, moved: list[Path], why: str) -> NoReturn:
    """Raise the error for a damaged product, after moving it aside; ``moved`` is empty where it is not ours."""
    if not moved:
        raise DamagedError(f"{why}; make or get {path.name} again, with its card")
    try:
        aside = [target.name for target in map(set_aside, moved) if target is not None]
    except OSError as error:
        raise DamagedError(f"{why}; it could not be moved aside ({error.strerror}); delete it and run again") from None
    raise DamagedError(f"{why}; moved to {' and '.join(aside)}: run the same command again, and it is made again")
