"""The tidy summary: every metric of every model in one row, from the evaluation cards.

``out`` holds the models of the main grid and those of the user's own, ``sweeps`` those of the sweeps and the
controls. What needs several models at once, effective robustness and reliance beyond accuracy, is added here.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from tradeoffs.results import beyond_accuracy, effective_robustness
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.evaluations import FIELDS, Evaluations, read
from tradeoffs.results.measurements import Measurements, measure
from tradeoffs.results.study import Model, Settings, study_of
from tradeoffs.results.table import SUMMARY_COLUMNS, SWEEP_COLUMNS, summary_row, sweep_row, write_csv
from tradeoffs.step.command import Written

ROLES = ("main", "extra")  # whose models the summary lists; the others are in the table of the sweeps


def summary_rows(
    study: str, models: Sequence[Model], evaluations: Evaluations, measured: Measurements
) -> Iterator[tuple[Any, ...]]:
    """Rows of the main models and the user's own, in the order of models, their benchmarks and the metrics' names.

    ``measured`` holds what is in no card.
    """
    added = defaultdict(set)
    for owner, benchmark, name in measured:
        added[owner, benchmark].add(name)
    for model in models:
        if model.role not in ROLES:
            continue
        for benchmark in model.benchmarks:
            metrics = dict(evaluations[model.id, benchmark].metrics)
            for name in added[model.id, benchmark] - metrics.keys():
                metrics[name] = _fields(measured[model.id, benchmark, name])
            for name in sorted(metrics):
                yield summary_row(study, model, benchmark, name, *(metrics[name][field] for field in FIELDS))


def _fields(measured: Measured) -> dict[str, float]:
    """Return what a card says of a metric."""
    low, high = np.quantile(measured.draws, [0.025, 0.975])
    return dict(zip(FIELDS, (measured.value, float(low), float(high), measured.n), strict=True))


def sweep_rows(study: str, models: Sequence[Model], evaluations: Evaluations) -> Iterator[tuple[Any, ...]]:
    """Rows of all other models, with what is swept."""
    for model in models:
        if model.role in ROLES:
            continue
        for benchmark in model.benchmarks:
            if (model.id, benchmark) not in evaluations:
                continue  # a control that could not be had
            metrics = evaluations[model.id, benchmark].metrics
            for name in sorted(metrics):
                values = (metrics[name][field] for field in FIELDS)
                yield sweep_row(study, model, benchmark, name, *values)


def run(
    settings: Settings,
    *,
    evaluations: Annotated[Path, "folder with <benchmark>/<model>.json"],
    out: Annotated[Path, "CSV to write: models of the grid and your own"],
    sweeps: Annotated[Path, "CSV to write: models beside the main grid"],
) -> Written:
    """Write both tables. InputError for a card that is missing, broken or not comparable with the others."""
    study = study_of(settings)
    cards = read(evaluations, study.models)
    measured = measure(cards, study.models, study.reliance)
    rows = list(summary_rows(study.name, study.models, cards, measured))
    left_out = beyond_accuracy.left_out(measured, study.models, study.reliance)
    for reason in dict.fromkeys(left_out.values()):
        names = ", ".join(name for name in left_out if left_out[name] == reason)
        print(f"reliance beyond accuracy is left out ({names}): {reason}")
    missing = effective_robustness.reason_to_leave_out(cards, study.models)
    if missing is not None:
        print(f"effective robustness is left out: {missing}")
        left_out["effective_robustness"] = missing
    write_csv(sweeps, SWEEP_COLUMNS, sweep_rows(study.name, study.models, cards))
    write_csv(out, SUMMARY_COLUMNS, rows)
    outside = beyond_accuracy.outside(measured, study.models, study.reliance)
    return Written("summary", [out, sweeps], {"rows": len(rows), "left_out": left_out, "extrapolated": outside})
