"""What the page of results shows of the published run is read here from its tables, when the site is built.

A line ``<!-- run -->``, ``<!-- findings -->``, ``<!-- claims -->`` or ``<!-- replicates -->`` becomes what it names.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reference_pages import filled  # which lets the package be imported too

DOCS = Path(__file__).resolve().parent
REPLICATES = DOCS / "replicates.csv"
VERDICTS = ("supported", "contradicted", "equivalent", "undecided")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put each part in the place of its marker."""
    return filled(markdown, PARTS)


def run() -> str:
    """Return how the run was made, in a sentence."""
    from tradeoffs.claims.reference_run import facts, in_words

    made = facts()
    return (
        f"The published run: {in_words(made)}, {made['models']} models, {made['hours']:g} hours on {made['machine']}."
    )


def findings() -> str:
    """Return what the claims come to."""
    from tradeoffs.claims import findings, reference_run

    return "\n".join(f"* {sentence}" for sentence in findings.findings(reference_run.published()))


def claims() -> str:
    """Return the table of headlines and conclusions; of exact statements that hold, their number."""
    from tradeoffs.claims import reference_run

    rows = [row for row in reference_run.published() if row["scope"] != "exploratory"]
    exact = [row for row in rows if row["subject"] == "linear model" and row["verdict"] == "supported"]
    lines = ["| claim | effect [95 % interval] | p | rerun | verdict |", "|---|---|---|---|---|"]
    lines += [_row(row) for row in rows if row not in exact]
    return "\n".join(lines) + f"\n\nBeside them {len(exact)} exact statements about the linear model are supported."


def _row(row: dict[str, str]) -> str:
    statement = row["statement"].rstrip(".").replace("|", r"\|")
    interval = f" [{_number(row['ci_low'])}, {_number(row['ci_high'])}]" if row["ci_low"] else ""
    p = f"{float(row['p_adjusted']):.2g}" if row["p_adjusted"] else "exact" if row["subject"] == "linear model" else ""
    rerun = f"{float(row['rerun']):.2f}" if row["rerun"] else ""
    return f"| {statement} | {_number(row['value'])}{interval} | {p} | {rerun} | **{row['verdict']}** |"


def replicates() -> str:
    """Return the verdicts of every replicate taken alone, beside that of all together."""
    with REPLICATES.open() as file:
        rows = list(csv.DictReader(file))
    lines = [
        "| claim | supported | contradicted | equivalent | undecided | rerun, stated | two agree | together |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        counts = " | ".join(row[verdict] for verdict in VERDICTS)
        rates = " | ".join(_rate(row[name]) for name in ("rerun_stated", "two_agree"))
        lines.append(f"| `{row['claim']}` | {counts} | {rates} | **{row['verdict']}** |")
    return "\n".join(lines)


def _number(text: str) -> str:
    return f"{float(text):.3g}" if text else ""


def _rate(text: str) -> str:
    return f"{float(text):.2f}" if text else ""


PARTS: dict[str, Callable[[], str]] = {
    "run": run,
    "findings": findings,
    "claims": claims,
    "replicates": replicates,
}
