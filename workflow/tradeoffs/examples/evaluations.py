"""Read the evaluations of chosen models on one benchmark: cards, and the outcomes beside them."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tradeoffs.examples.collection import Evaluated
from tradeoffs.results.evaluations import arrays_of, check_of, difference
from tradeoffs.step.cards import check, read_card
from tradeoffs.step.errors import InputError


class Kept(dict[str, NDArray[Any]]):
    """Arrays of an evaluation by name; one that an older version did not write is an InputError."""

    def __init__(self, path: Path, arrays: dict[str, NDArray[Any]]) -> None:
        super().__init__(arrays)
        self.path = path

    def __missing__(self, name: str) -> NDArray[Any]:
        raise InputError(f"{self.path}: no array {name}; evaluate {self.path.stem} again with this version")


def read(folder: Path, benchmark: str, model: str) -> Evaluated:
    """Return the evaluation ``folder/<benchmark>/<model>.json``; of a model that could not be had it has no outcomes.

    InputError for one that is missing, and for a card of something else; DamagedError for a damaged one.
    """
    path = folder / benchmark / f"{model}.json"
    card = read_card(path)
    check_of(card, path, benchmark, model)
    outcomes = path.with_suffix(".npz")
    check(outcomes)
    with arrays_of(outcomes, model) as arrays:
        found = {name: arrays[name] for name in arrays.files if not name.startswith("draws/")}
    return Evaluated(path, card, Kept(outcomes, found))


def check_alike(first: Evaluated, other: Evaluated) -> None:
    """Raise InputError where two evaluations are not of the same images, or not with the same settings."""
    if (found := difference(other.card, first.card)) is not None:
        what, ours, theirs = found
        raise InputError(
            f"{other.path}: {what} is {str(ours)[:80]}, but {str(theirs)[:80]} in {first.path.name}; evaluate both on "
            "the same data with the same settings"
        )
