"""What was measured beside what others published.

A row per published number (:mod:`tradeoffs.results.published_numbers`) of a model that the study has. Where there is
nothing to compare, the value is empty and ``remark`` says why. ``within_tolerance`` is yes or no where the protocols
are comparable and as many images were measured as published, else empty.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd

from tradeoffs.results.published_numbers import PUBLISHED, Published
from tradeoffs.results.reading import read_table
from tradeoffs.results.table import SUMMARY_COLUMNS, write_csv
from tradeoffs.step.command import Written

VALUES = ("value", "ci_low", "ci_high", "n")
COLUMNS = (
    *("model", "benchmark", "metric", *VALUES),
    *("published", "difference", "tolerance", "within_tolerance", "remark", "protocol", "why_tolerance", "source"),
)
# Share of the published images that must have been measured: what is missing moves an accuracy by 0.001 at most.
COMPLETE = 0.999


def comparison_rows(summary: pd.DataFrame, published: Sequence[Published]) -> Iterator[tuple[Any, ...]]:
    """Rows of :data:`COLUMNS`, in the order of the published numbers."""
    keys = list(zip(summary["model"], summary["benchmark"], summary["metric"], strict=True))
    measured = dict(zip(keys, summary[list(VALUES)].itertuples(index=False, name=None), strict=True))
    models = set(summary["model"])
    run = set(zip(summary["model"], summary["benchmark"], strict=True))
    for entry in published:
        if entry.model not in models:
            continue
        identity = (entry.model, entry.benchmark, entry.metric)
        value, low, high, n = measured.get(identity, (None,) * len(VALUES))
        difference = None if value is None else value - entry.value
        if value is None:
            ran = (entry.model, entry.benchmark) in run
            within = ""
            remark = "not measured: " + ("no such metric" if ran else "benchmark not run (see missing.csv)")
        else:
            within, remark = judged(entry, value, n)
        ours, theirs = (value, low, high, n), (entry.value, difference, entry.tolerance, within, remark)
        yield (*identity, *ours, *theirs, entry.protocol, entry.why, entry.source)


def judged(entry: Published, value: float, n: int) -> tuple[str, str]:
    """Say of a value over n images whether it is within tolerance, yes or no, else empty, and then why not compared."""
    if entry.tolerance is None:
        return "", "not comparable: not the same protocol"
    if entry.images is not None and n < COMPLETE * entry.images:
        return "", f"not comparable: measured on {n} images, published on {entry.images}"
    # Published numbers are decimals: a difference equal to the tolerance but for rounding is within it.
    return "yes" if abs(value - entry.value) <= entry.tolerance + 1e-9 else "no", ""


def run(
    *, summary: Annotated[Path, "summary.csv"], out: Annotated[Path, "CSV to write: published numbers and ours"]
) -> Written:
    """Write the comparison. InputError for a broken summary."""
    table = read_table(summary, SUMMARY_COLUMNS)
    rows = list(comparison_rows(table, PUBLISHED))
    write_csv(out, COLUMNS, rows)
    verdicts = [row[COLUMNS.index("within_tolerance")] for row in rows]
    counts = {
        "within tolerance": verdicts.count("yes"),
        "outside tolerance": verdicts.count("no"),
        "not compared": verdicts.count(""),
    }
    others = sorted({entry.model for entry in PUBLISHED} - set(table["model"]))
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return Written("published", [out], {"counts": counts, "not_in_this_study": others})
