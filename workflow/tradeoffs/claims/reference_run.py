"""A study's verdicts beside those of the reference run: the default study, with the replicates that are published.

``reference_run.csv`` holds its claims and ``reference_run.yaml`` how it was made: when, of which commit, on which
machine, with which settings (:file:`performance/publish.py` writes both). A row is known by its claim and statement, so
a claim about other scales or correlations has no counterpart. Verdicts are in conflict where both runs come to one and
they differ; a run that cannot decide what the other does has fewer replicates, or other noise, and contradicts nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.claims.row import CONCLUSION, EXPLORATORY, HEADLINE, UNDECIDED
from tradeoffs.results.rows import Row, rows
from tradeoffs.step import yaml_files

TABLE = Path(__file__).with_name("reference_run.csv")
FACTS = Path(__file__).with_name("reference_run.yaml")
COLUMNS = (
    *("claim", "statement", "value", "ci_low", "ci_high", "p_adjusted", "rerun", "verdict"),
    *("scope", "subject", "norm", "background_scale", "benchmarks", "metric", "at_equal_accuracy", "warning"),
)
SAME, CONFLICT, HERE, THERE = "same", "conflict", "undecided here", "undecided in the reference run"
NOT_THERE, NOT_HERE = "not in the reference run", "not in this study"
REPLICATES = ("miniature.replicates", "miniature.most_replicates")
PARTS = ("miniature", "claims", "theory")  # of the config, that its verdicts depend on


class Compared(NamedTuple):
    """A row of reference.csv; its fields are the columns."""

    claim: str
    statement: str
    scope: str
    verdict: str | None
    reference_verdict: str | None
    relation: str


def digest() -> str:
    """Return what changes when the reference run does."""
    return hashlib.sha256(TABLE.read_bytes() + FACTS.read_bytes()).hexdigest()[:16]


def facts() -> dict[str, Any]:
    """Return how the reference run was made: date, commit, machine, hours, replicates, models and settings."""
    return yaml_files.read(FACTS)


def published() -> list[Row]:
    """Return the rows of the reference run, cells as text."""
    return rows(TABLE, COLUMNS)


def in_words(made: Mapping[str, Any]) -> str:
    """Return which run it is: its replicates, date and commit."""
    repeated = "1 replicate" if made["replicates"] == 1 else f"{made['replicates']} replicates"
    return f"{repeated}, {made['date']}, commit {made['commit']}"


def compare(ours: Sequence[Mapping[str, str]], theirs: Sequence[Mapping[str, str]]) -> list[Compared]:
    """Return a row for every claim of either: ours in their order, then those that are in the reference run alone."""
    published = {(row["claim"], row["statement"]): row for row in theirs}
    found = []
    for row in ours:
        other = published.pop((row["claim"], row["statement"]), None)
        verdict = None if other is None else other["verdict"]
        found.append(Compared(*_who(row), row["verdict"], verdict, relation(row["verdict"], verdict)))
    return found + [Compared(*_who(row), None, row["verdict"], NOT_HERE) for row in published.values()]


def _who(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["claim"], row["statement"], row["scope"]


def relation(ours: str, theirs: str | None) -> str:
    """Return how a verdict stands to that of the reference run."""
    if theirs is None:
        return NOT_THERE
    if ours == theirs:
        return SAME
    return HERE if ours == UNDECIDED else THERE if theirs == UNDECIDED else CONFLICT


def flat(config: Mapping[str, Any], parts: Sequence[str] = PARTS) -> dict[str, Any]:
    """Return the settings that verdicts depend on, by their dotted names; a list, or an empty mapping, is one value."""

    def leaves(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not value:
            return {name: value}
        return {key: leaf for inner in value for key, leaf in leaves(f"{name}.{inner}", value[inner]).items()}

    return {key: leaf for part in parts if part in config for key, leaf in leaves(part, config[part]).items()}


def other_settings(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that differ, each with both values in words; with more replicates the same is asked."""
    return {
        name: f"{_value(ours, name)}, there {_value(theirs, name)}"
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name) and name not in REPLICATES
    }


def _value(settings: Mapping[str, Any], name: str) -> str:
    return str(settings[name]) if name in settings else "not set"


def said(compared: Sequence[Mapping[str, str]], differing: Mapping[str, str], made: Mapping[str, Any]) -> list[str]:
    """Return in lines which verdicts differ from the reference run's: conclusions by name, exploratory rows counted."""
    rows = [f"{row['claim']}: {row['verdict']} here, {row['reference_verdict']} there" for row in concluded(compared)]
    return [counted(compared, made), *(f"  {line}" for line in [*rows, *beside(compared, differing)])]


def counted(compared: Sequence[Mapping[str, str]], made: Mapping[str, Any]) -> str:
    """Return how many verdicts are those of the reference run, and how many contradict it."""
    known = _known(compared)
    same = sum(row["relation"] == SAME for row in known)
    conflicts = sum(row["relation"] == CONFLICT for row in known)
    return (
        f"{same} of {len(known)} verdicts are those of the reference run ({in_words(made)}); {conflicts} "
        f"{'contradicts' if conflicts == 1 else 'contradict'} it"
    )


def concluded(compared: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return the headlines and conclusions of both runs whose verdicts differ, those in conflict first."""
    found = [row for row in _known(compared) if row["scope"] in (HEADLINE, CONCLUSION) and row["relation"] != SAME]
    return sorted(found, key=lambda row: row["relation"] != CONFLICT)


def beside(compared: Sequence[Mapping[str, str]], differing: Mapping[str, str]) -> list[str]:
    """Return in lines what else differs: exploratory rows, rows of one run alone, settings."""
    lines = []
    differ = [row for row in _known(compared) if row["scope"] == EXPLORATORY and row["relation"] != SAME]
    if exploratory := Counter(row["relation"] for row in differ):
        lines.append(f"exploratory: {', '.join(f'{count} {relation}' for relation, count in exploratory.items())}")
    if unknown := len(compared) - len(_known(compared)):
        lines.append(f"{unknown} are in one of the two alone")
    if differing:
        listed = [f"{name} {value}" for name, value in differing.items()]
        more = f", and {len(listed) - 4} more" if len(listed) > 4 else ""
        lines.append(f"settings that differ: {'; '.join(listed[:4])}{more}")
    return lines


def _known(compared: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return the rows that both runs have."""
    return [row for row in compared if row["relation"] not in (NOT_THERE, NOT_HERE)]
