"""What would a study of one replicate have concluded? Each replicate of a finished run, taken alone.

    python performance/replicates.py --results results/miniature [--out docs/replicates.csv]

Puts every replicate by itself through the code that decides on claims, as if it were the only one, and prints for each
headline and conclusion the verdicts, the chance of the same verdict that replicates state (mean), how often two of them
agree, and the verdict of all together; and whether any decided one is contradicted by another, or by all together. A
replicate that lacks models of the first (later ones leave out some attacks) has no verdict on what rests on them; a
control less (of each architecture) is a line through fewer standard models.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.claims.command import claims_of
from tradeoffs.claims.row import (
    CONTRADICTED,
    EQUIVALENT,
    EXPLORATORY,
    HEADLINE,
    SUPPORTED,
    UNDECIDED,
    VERDICTS,
    Claim,
)
from tradeoffs.results.evaluations import read
from tradeoffs.results.measurements import measure
from tradeoffs.results.study import Settings, Study, study_of
from tradeoffs.results.table import write_csv
from tradeoffs.step.cards import read_card


class Alone(NamedTuple):
    """A row of the table: verdicts of replicates taken alone, and of all together."""

    claim: str
    scope: str
    supported: int
    contradicted: int
    equivalent: int
    undecided: int
    rerun_stated: float | None
    two_agree: float | None
    like_all: float
    value: float | None
    ci_low: float | None
    ci_high: float | None
    p_adjusted: float | None
    rerun: float | None
    verdict: str


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description="Each replicate of a run, taken alone")
    parser.add_argument("--results", type=Path, required=True, help="results/<study> of a run with several replicates")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    study = study_of(Settings(**read_card(options.results / "cards/claims.json")["spec"]))
    replicates = sorted({model.replicate for model in study.models})
    together = claims(options.results / "evaluations", study)
    alone = [claims(options.results / "evaluations", only(study, replicate)) for replicate in replicates]
    table = list(compared(together, alone))
    print(" | ".join(["", *Alone._fields, ""]).strip())
    print("|---" * len(Alone._fields) + "|")
    for row in table:
        print("|", " | ".join(_cell(value) for value in row), "|")
    for scope in (HEADLINE, None):
        rates = [
            (row.rerun_stated, row.two_agree)
            for row in table
            if row.rerun_stated is not None and row.two_agree is not None and scope in (None, row.scope)
        ]
        said, seen = (sum(rate[k] for rate in rates) / max(1, len(rates)) for k in (0, 1))
        print(f"{scope or 'all'}: {len(rates)} rows, rerun stated {said:.2f}, two replicates agree {seen:.2f}")
    conflicts = [row.claim for row in table if _conflict(row)]
    print(f"decided verdicts that another replicate, or all together, contradict: {conflicts or 'none'}")
    if options.out:
        write_csv(options.out, Alone._fields, table)


def only(study: Study, replicate: int) -> Study:
    """Return the study as if one replicate were its first and only one."""
    models = [model._replace(replicate=1) for model in study.models if model.replicate == replicate]
    return study._replace(models=models)


def claims(evaluations: Path, study: Study) -> dict[str, Claim]:
    """Return the headlines and conclusions, by claim."""
    measured = measure(read(evaluations, study.models), study.models, study.reliance)
    return {row.claim: row for row in claims_of(measured, study) if row.scope != EXPLORATORY}


def compared(together: dict[str, Claim], alone: list[dict[str, Claim]]) -> Iterator[Alone]:
    """Yield a row for each claim. Replicates that lack what it is about are left out of it."""
    for name, row in together.items():
        found = [each[name] for each in alone if name in each and not each[name].missing]
        counts = Counter(each.verdict for each in found)
        stated = [each.rerun for each in found if each.rerun is not None]
        pairs = len(found) * (len(found) - 1)
        agree = sum(count * (count - 1) for count in counts.values()) / pairs if pairs else None
        yield Alone(
            name,
            row.scope,
            counts[SUPPORTED],
            counts[CONTRADICTED],
            counts[EQUIVALENT],
            counts[UNDECIDED],
            sum(stated) / len(stated) if stated else None,
            agree,
            counts[row.verdict] / max(1, len(found)),
            row.value,
            row.ci_low,
            row.ci_high,
            row.p_adjusted,
            row.rerun,
            row.verdict,
        )


def _conflict(row: Alone) -> bool:
    decided = {verdict for verdict, count in zip(VERDICTS, row[2:6], strict=True) if count} | {row.verdict}
    return len(decided - {UNDECIDED}) > 1


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
