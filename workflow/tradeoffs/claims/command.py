"""The claims table: what the paper says, what was measured, and the verdict.

A row is a claim with its statistic, interval, p-value and the verdict of :mod:`tradeoffs.claims.verdicts`; the rows
of the theory step are taken over unchanged. ``differences`` lists what the rows on background reliance are means of:
each adversarially trained model against the standard ones, oriented so that positive is more reliance, with an
interval over images and trainings, or over images alone where nothing says how a value varies between trainings.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from tradeoffs.claims import catalogue
from tradeoffs.claims.contrasts import contrast, effect, of_images
from tradeoffs.claims.measures import measures
from tradeoffs.claims.regime import Check, checks
from tradeoffs.claims.reliance_effects import noise_of
from tradeoffs.claims.row import VERDICTS, Claim
from tradeoffs.results.evaluations import read
from tradeoffs.results.measurements import Measurements, measure
from tradeoffs.results.study import Settings, Study, study_of
from tradeoffs.results.table import DIFFERENCE_COLUMNS, summary_row, write_csv
from tradeoffs.step.cards import check
from tradeoffs.step.command import Written
from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import read_csv, shown

EQUAL_ACCURACY = "standard models at equal accuracy"  # what differences beyond accuracy are from
CODE = catalogue.modules()  # imported by name, so that its code id must be told of them


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


def claims_of(measured: Measurements, study: Study) -> list[Claim]:
    """Return the rows of every claim of the catalogue."""
    return [row for name in CODE for row in importlib.import_module(name).claims(measured, study)]


def difference_rows(measured: Measurements, study: Study) -> Iterator[tuple[Any, ...]]:
    """Rows of every model and measure of reliance: oriented difference from its standard models, with its interval.

    Over images and trainings. Where nothing says how a value varies from one training to another it is over images
    alone, of these very networks, and ``interval_over`` says so.
    """
    for compared_by in measures(measured, study):
        compared = compared_by.compared
        for found in [each for members in compared.grid.values() for each in members] + compared.own:
            single = contrast([found], noise_of(compared, found.model))
            over, one = "images and trainings", effect([single], study.unseen_variance)
            if one is None:
                over, one = "images", of_images(single)
            reference = EQUAL_ACCURACY if compared_by.beyond else " ".join(found.standard)
            metric = (compared_by.raw.benchmark, compared_by.metric.name)
            row = summary_row(study.name, found.model, *metric, found.value, *one.interval(), found.n)
            yield (*row, reference, over)


def run(
    settings: Settings,
    *,
    evaluations: Annotated[Path, "folder with <benchmark>/<model>.json and .npz"],
    theory: Annotated[Path, "CSV with the theory's claims"],
    out: Annotated[Path, "CSV to write: the claims"],
    differences: Annotated[Path, "CSV to write: differences from standard models"],
    regime: Annotated[Path, "CSV to write: criteria of the regime"],
) -> Written:
    """Write the tables. InputError for a card that is missing, broken or not comparable with the others."""
    study = study_of(settings)
    proved = theory_rows(theory)
    measured = measure(read(evaluations, study.models), study.models, study.reliance)
    found = claims_of(measured, study)
    write_csv(differences, DIFFERENCE_COLUMNS, difference_rows(measured, study))
    checked = checks(measured, study)
    write_csv(regime, Check._fields, checked)
    write_csv(out, Claim._fields, [*proved, *found])
    counts = {verdict: sum(claim.verdict == verdict for claim in found) for verdict in VERDICTS}
    print(f"{len(proved)} claims of the theory, {len(found)} of the study: {counts}")
    failed = sum(not check.passed for check in checked)
    print(f"{failed} of {len(checked)} criteria of the regime fail")
    return Written("claims", [out, differences, regime], {"verdicts": counts, "criteria_that_fail": failed})
