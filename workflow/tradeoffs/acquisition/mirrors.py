"""The addresses of one file, one after the other: the first that delivers is enough."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from tradeoffs.acquisition.addresses import shown
from tradeoffs.acquisition.server import NotDeliveredError
from tradeoffs.step.errors import InputError

T = TypeVar("T")


def say(out: Path, url: str, text: object) -> str:
    """Print what happened at an address while ``out`` was made, and return it without the file's name."""
    said = f"{shown(url)}: {text}"
    print(f"{out.name}: {said}", file=sys.stderr, flush=True)
    return said


def first(urls: Iterable[str], out: Path, fetch: Callable[[str], T], rest: Callable[[], str], what: str = "it") -> T:
    """Return what ``fetch`` makes of the first address that delivers ``what``, the file ``out`` or something of it.

    Why an address does not (NotDeliveredError) is printed at once. InputError with all reasons where none does;
    ``rest`` says then what became of the work, or what to do.
    """
    reasons = []
    for url in urls:
        try:
            return fetch(url)
        except NotDeliveredError as reason:
            reasons.append(say(out, url, reason))
    raise InputError(f"{out}: no address delivered {what} ({'; '.join(reasons)}){rest()}")
