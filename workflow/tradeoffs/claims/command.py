"""The claims table: what the paper says, what was measured, and the verdict.

    python -m tradeoffs.claims.command --spec '{"study": "miniature", "models": [...]}' \
        --evaluations results/miniature/evaluations --theory results/theory/claims.csv \
        --out claims.csv --differences differences.csv --card claims.json

A row is a claim with its statistic, interval, p-value and the verdict of :mod:`tradeoffs.claims.verdicts`; the rows
of the theory step are taken over unchanged. ``--differences`` lists what the rows on background reliance are means of:
each adversarially trained model against the standard one, oriented so that positive is more reliance, paired intervals.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tradeoffs.claims import correlation_sweep, reliance, scale_sweep
from tradeoffs.claims.row import CONTRADICTED, SUPPORTED, UNDECIDED, Claim
from tradeoffs.results.evaluations import read
from tradeoffs.results.measurements import Measurements, measure
from tradeoffs.results.metrics import METRICS
from tradeoffs.results.table import SUMMARY_COLUMNS, Model, parse, write_csv
from tradeoffs.step.cards import check, digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError, exit_code
from tradeoffs.step.inputs import read_csv, shown

VERDICTS = (SUPPORTED, CONTRADICTED, UNDECIDED)


def theory_rows(path: Path) -> list[list[str]]:
    """Read the rows of the theory's claims; InputError for other columns or an unknown verdict."""
    check(path)
    header, rows = read_csv(path, "make it with the theory step")
    if tuple(header) != Claim._fields:
        raise InputError(f"{path}: columns are {shown(header)}; expected {', '.join(Claim._fields)}; make it again")
    for number, row in rows:
        if len(row) != len(header) or row[header.index("verdict")] not in VERDICTS:
            raise InputError(
                f"{path}: line {number}: expected {len(header)} cells and a verdict among {', '.join(VERDICTS)}; "
                f"make it again"
            )
    return [row for _, row in rows]


def difference_rows(study: str, measured: Measurements, models: Sequence[Model]) -> Iterator[tuple[Any, ...]]:
    """Rows of every model and metric of reliance: oriented difference from the standard model."""
    for metric in METRICS:
        for found in reliance.differences(measured, models, metric):
            low, high = (float(q) for q in np.quantile(found.draws, [0.025, 0.975]))
            model = found.model
            identity = (study, model.id, model.architecture, model.norm, float(model.epsilon), model.seed)
            yield (*identity, metric.benchmark, metric.name, found.value, low, high, found.n)


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.claims.command", description="Claims and their verdicts")
    parser.add_argument("--spec", required=True, help='JSON: {"study": name, "models": [...]}')
    parser.add_argument("--evaluations", type=Path, required=True, help="folder with <benchmark>/<model>.json and .npz")
    parser.add_argument("--theory", type=Path, required=True, help="CSV with the theory's claims")
    parser.add_argument("--out", type=Path, required=True, help="CSV to write: the claims")
    parser.add_argument(
        "--differences", type=Path, required=True, help="CSV to write: differences from standard models"
    )
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    study, models, spec = parse(arguments.spec)
    theory = theory_rows(arguments.theory)
    measured = measure(read(arguments.evaluations, models), models)
    found = [
        *reliance.claims(measured, models),
        *correlation_sweep.claims(measured, models),
        *scale_sweep.claims(measured, models),
    ]
    write_csv(arguments.differences, SUMMARY_COLUMNS, difference_rows(study, measured, models))
    write_csv(arguments.out, Claim._fields, [*theory, *found])
    counts = {verdict: sum(claim.verdict == verdict for claim in found) for verdict in VERDICTS}
    print(f"{len(theory)} claims of the theory, {len(found)} of the study: {counts}")
    write_card(
        arguments.card,
        kind="claims",
        spec=spec,
        code=code_id("tradeoffs.claims.command"),
        data={},
        started=started,
        files=digests(arguments.out, arguments.differences),
        verdicts=counts,
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
