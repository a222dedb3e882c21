"""The step that writes a study's verdicts beside those of the reference run (:mod:`tradeoffs.claims.reference_run`)."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from tradeoffs.claims.reference_run import Compared, compare, facts, other_settings, published
from tradeoffs.claims.row import Claim
from tradeoffs.results.rows import rows
from tradeoffs.results.table import write_csv
from tradeoffs.step.cards import check
from tradeoffs.step.command import Written


class Settings(NamedTuple):
    """The settings of the study, and a digest of the reference run's files: with another the comparison is stale."""

    settings: Annotated[dict[str, Any], "of the study, by their dotted names"]
    reference: Annotated[str, "digest of the reference run's files"]


def run(
    settings: Settings,
    *,
    claims: Annotated[Path, "claims.csv"],
    out: Annotated[Path, "CSV to write: verdicts beside those of the reference run"],
) -> Written:
    """Write the comparison. InputError for a missing or broken table."""
    check(claims)
    compared = compare(rows(claims, Claim._fields), published())
    write_csv(out, Compared._fields, compared)
    differing = other_settings(settings.settings, facts()["settings"])
    counts = dict(Counter(row.relation for row in compared))
    print(f"verdicts beside those of the reference run: {counts}")
    return Written("reference", [out], {"relations": counts, "other_settings": differing})
