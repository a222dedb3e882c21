"""The study beside the reference run: how many verdicts are the same, and which conclusions differ."""

from collections.abc import Mapping
from typing import NamedTuple

from tradeoffs.claims import reference_run
from tradeoffs.page.facts import Facts


class Beside(NamedTuple):
    """``said``: sentences. ``rows``: of reference.csv, the headlines and conclusions whose verdicts differ.

    ``open``: whether one of them is in conflict, which is more than that one of the two runs cannot decide.
    """

    said: list[str]
    rows: list[Mapping[str, str]]
    open: bool


def beside(facts: Facts) -> Beside | None:
    """Return the comparison; None where the study has none."""
    if not facts.reference:
        return None
    compared = facts.reference
    lines = [
        reference_run.counted(compared, reference_run.facts()),
        *reference_run.beside(compared, facts.other_settings),
    ]
    rows = reference_run.concluded(compared)
    conflict = any(row["relation"] == reference_run.CONFLICT for row in rows)
    return Beside([f"{line[:1].upper()}{line[1:]}." for line in lines], rows, conflict)
