"""The models of a study as the steps that summarise them see them, and how the CSV tables are written."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradeoffs.models.ids import is_grid_name
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import write_atomically
from tradeoffs.step.specs import parse_spec


class Model(NamedTuple):
    """One model of the study. ``correlation``, ``background_scale``: of its training world; None where unknown."""

    id: str
    role: str  # main, correlation_sweep, background_scale_sweep, reference or extra (a model of the user's own)
    architecture: str
    norm: str  # none, l2 or linf
    epsilon: float  # as in the id: l2 in pixel units, linf in 1/255
    seed: int
    world: str
    benchmarks: tuple[str, ...]
    images: int | None  # training images
    correlation: float | None
    background_scale: float | None
    reference: str | None = None  # id of the standard model it is compared with; None: that of its architecture


_IDENTITY = ("study", "model", "architecture", "norm", "epsilon", "seed")
_METRIC = ("benchmark", "metric", "value", "ci_low", "ci_high", "n")
SUMMARY_COLUMNS = _IDENTITY + _METRIC
SWEEP_COLUMNS = (*_IDENTITY, "sweep", "correlation", "background_scale", "images", *_METRIC)

SPEC: dict[str, type | tuple[type, ...]] = {"study": str, "models": list}


def parse(text: str) -> tuple[str, list[Model], dict[str, Any]]:
    """Parse ``--spec``: the study's name, its models, the spec itself. InputError names a missing or unknown key."""
    spec = parse_spec(text, SPEC)
    found = []
    for position, row in enumerate(spec["models"]):
        optional = Model._field_defaults
        if not isinstance(row, dict) or (optional | row).keys() != set(Model._fields):
            keys = sorted((optional | row).keys() ^ set(Model._fields)) if isinstance(row, dict) else repr(row)
            raise InputError(
                f"--spec: models[{position}]: missing or unknown {keys}; expected {', '.join(Model._fields)}"
            )
        model = Model(**row | {"benchmarks": tuple(row["benchmarks"])})
        if model.role == "extra" and is_grid_name(model.id, model.architecture, model.norm, model.epsilon, model.seed):
            raise InputError(
                f"--spec: {model.id}, a model of your own, has a name that belongs to the study's grid, where it would "
                f"be taken for another seed; give it another id, e.g. my_{model.id}"
            )
        found.append(model)
    return spec["study"], found, spec


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
