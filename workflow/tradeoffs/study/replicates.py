"""How often a study is repeated: the same models, trained anew, in the miniature in a world drawn anew.

``replicates`` is their number, or ``auto``: after each of them a look at the headline claims
(:mod:`tradeoffs.claims.look`) says whether another is worth it, until ``most_replicates`` are there.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.results.standard import is_standard
from tradeoffs.step.declared_benchmarks import benchmarks
from tradeoffs.step.errors import InputError, ending
from tradeoffs.step.files import read_json
from tradeoffs.study.model import Config, Model

AUTO = "auto"


class Look(NamedTuple):
    """What a look has found: whether every headline is decided that replicates can decide, the level of its tests."""

    decided: bool
    level: float


def sequential(study: Config) -> bool:
    """Whether the headlines decide how many replicates there are."""
    return bool(study["replicates"] == AUTO)


def most(study: Config) -> int:
    """Return the largest number of replicates that a study may come to."""
    return int(study["most_replicates" if sequential(study) else "replicates"])


def until(models: Mapping[str, Model], replicate: int) -> dict[str, Model]:
    """Return the models of the first replicates; the user's own count to the first."""
    return {name: model for name, model in models.items() if model.replicate <= replicate}


def headlines(names: Iterable[str]) -> int:
    """Return the number of headline claims: one for each of the benchmarks that measures reliance."""
    known = benchmarks()
    return sum(any("direction" in said for said in known[name].metrics.values()) for name in names)


def check(study: Config, where: str, models: Mapping[str, Model], at_hand: Sequence[str]) -> None:
    """Raise InputError where ``replicates: auto`` would look at claims that nothing in the study can decide.

    ``at_hand``: the benchmarks whose data are.
    """
    if not sequential(study):
        return
    measured = [model for model in models.values() if model.role == "main" and model.benchmarks]
    if all(is_standard(model) for model in measured):
        lacking = "no adversarially trained model; list a budget"
    elif not headlines(at_hand):
        lacking = "no benchmark at hand that measures reliance on backgrounds; list one whose data are there"
    else:
        return
    raise InputError(
        f"config: {where}.replicates = {AUTO!r}: a look decides headline claims, and the study has {lacking}, or give "
        "a number of replicates"
    )


def look(path: Path) -> Look:
    """Read what the step wrote; the program ends with one line for a file that is no look."""
    with ending():
        content: Any = read_json(path)
        try:
            return Look(bool(content["decided"]), float(content["level"]))
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{path}: no look at the claims (decided, level); delete it and run again") from None
