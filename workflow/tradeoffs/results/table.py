"""The columns of the tables of models, and how CSV tables are written."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tradeoffs.results.study import Model
from tradeoffs.step.files import write_atomically

_METRIC = ("benchmark", "metric", "value", "ci_low", "ci_high", "n")
ROUNDING = 1e-12  # of metrics, which are of order one
_LAST = ("replicate", "objective")
SUMMARY_COLUMNS = ("study", "model", "role", "architecture", "norm", "epsilon", "seed", *_METRIC, *_LAST)
DIFFERENCE_COLUMNS = (*SUMMARY_COLUMNS, "reference", "interval_over")
_SWEPT = ("sweep", "correlation", "background_scale", "images", "objective")
SWEEP_COLUMNS = ("study", "model", "architecture", "norm", "epsilon", "seed", *_SWEPT, *_METRIC, "replicate")


def summary_row(study: str, model: Model, *metric: Any) -> tuple[Any, ...]:
    """Return a row of ``SUMMARY_COLUMNS``; ``metric``: benchmark, metric, value, ci_low, ci_high, n."""
    who = (study, model.id, model.role, model.architecture, model.norm, float(model.epsilon), model.seed)
    return (*who, *map(_settled, metric), model.replicate, model.objective)


def sweep_row(study: str, model: Model, *metric: Any) -> tuple[Any, ...]:
    """Return a row of ``SWEEP_COLUMNS``: who it is, what is swept, and ``metric`` as in :func:`summary_row`."""
    who = (study, model.id, model.architecture, model.norm, float(model.epsilon), model.seed)
    sweep = model.role.removesuffix("_sweep")
    swept = (sweep, model.correlation, model.background_scale, model.images, model.objective)
    return (*who, *swept, *map(_settled, metric), model.replicate)


def _settled(value: Any) -> Any:
    """Return 0 for what rounding left of a difference that is 0."""
    return 0.0 if isinstance(value, float) and abs(value) < ROUNDING else value


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table whole or not at all; floats with six significant digits, None and NaN as empty cells."""

    def cell(value: Any) -> Any:
        if value is None or value != value:
            return ""
        return f"{value:.6g}" if isinstance(value, float) else value

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)

    def write(temporary: Path) -> None:
        temporary.write_text(text.getvalue())

    write_atomically(path, write)
