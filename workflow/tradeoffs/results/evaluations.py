"""Read the evaluation cards of a study's models, and the bootstrap draws beside them."""

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.results.study import Model
from tradeoffs.step.cards import DamagedError, check, read_card
from tradeoffs.step.errors import InputError
from tradeoffs.step.inputs import opened

Array = NDArray[np.float64]
Drawn = tuple[Any, ...]
FIELDS = ("value", "ci_low", "ci_high", "n")
_ALIKE = {
    "data": "data fingerprint",
    "skipped": "list of images left out",
    "resampled": "number of units resampled",
}
# Settings in which two models may differ. What came of images that could not be read is in the list of those left out.
_OF_A_MODEL = ("model", "architecture", "classes", "unreadable")
PAIRED = ("data fingerprint", "seed", "number of bootstrap draws")


class Evaluation(NamedTuple):
    """One benchmark's card of one model."""

    model: Model
    benchmark: str
    metrics: dict[str, dict[str, float]]  # metric -> value, ci_low, ci_high, n
    paired: tuple[Any, ...]  # what two cards share if their bootstrap draws are paired: see PAIRED
    outcomes: Path  # npz with draws/<metric>
    df: float | None = None  # of a variance over the draws: units less strata; None where the card does not say
    convergence: float | None = None  # of the model's training; None where nobody knows, as of a released one
    drawn: Drawn | None = (
        None  # what cards of two worlds of one replicate share if their draws are paired; None: not known
    )


Evaluations = dict[tuple[str, str], Evaluation]  # (model id, benchmark)


def read(folder: Path, models: Sequence[Model]) -> Evaluations:
    """Read ``folder/<benchmark>/<model>.json`` for every benchmark of every model but controls that could not be had.

    InputError for a missing or broken card, a card of another model or benchmark, and for cards of one benchmark in
    one world that were made from different data or with different draws: they could not be compared pair by pair. Cards
    and outcomes that are not as they were written are moved aside (:mod:`tradeoffs.step.cards`), all of them at once.
    """
    paths = {(m.id, benchmark): folder / benchmark / f"{m.id}.json" for m in models for benchmark in m.benchmarks}
    cards = _cards(list(paths.values()))
    found: Evaluations = {}
    first: dict[tuple[str, str], Evaluation] = {}
    for model in models:
        for benchmark in model.benchmarks:
            path = paths[model.id, benchmark]
            if model.role == "control" and "unavailable" in cards[path]:
                continue
            evaluation = _checked(cards[path], path, model, benchmark)
            other = first.setdefault((benchmark, model.world), evaluation)
            for name, ours, theirs in zip(PAIRED, evaluation.paired, other.paired, strict=True):
                if ours != theirs:
                    raise InputError(
                        f"{path}: {name} is {ours}, but {theirs} in the card of {other.model.id}; evaluate both on the "
                        f"same data with the same settings"
                    )
            found[model.id, benchmark] = evaluation
    return found


def _cards(paths: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """Read cards and compare them, and the outcomes beside them, with what was written."""
    found, damaged = {}, []
    for path in paths:
        try:
            found[path] = read_card(path)
            if path.with_suffix(".npz").is_file():
                check(path.with_suffix(".npz"))
        except DamagedError as error:
            damaged.append(str(error))
    if damaged:
        more = f" ({len(damaged) - 1} more were damaged and moved likewise)" if len(damaged) > 1 else ""
        raise DamagedError(damaged[0] + more)
    return found


def check_of(card: dict[str, Any], path: Path, benchmark: str, model: str) -> None:
    """Raise InputError for a card that is no evaluation of this model on this benchmark."""
    for key, expected in {"kind": "evaluation", "benchmark": benchmark, "model": model}.items():
        value = card.get(key)
        if value != expected:
            raise InputError(f"{path}: {key} is {value!r}; expected {expected!r}; delete the card and make it again")


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """Return in what two evaluations of a benchmark were not measured alike, and both values; None where they were.

    Not on the same images, or not with the same settings: a difference between them is then not one of their models.
    """
    for key, what in _ALIKE.items():
        if one[key] != other[key]:
            return what, one[key], other[key]
    ours, theirs = one["spec"], other["spec"]
    for key in dict.fromkeys([*ours, *theirs]):
        if key not in _OF_A_MODEL and ours.get(key) != theirs.get(key):
            return f"setting {key}", ours.get(key), theirs.get(key)
    return None


def _checked(card: dict[str, Any], path: Path, model: Model, benchmark: str) -> Evaluation:
    check_of(card, path, benchmark, model.id)
    metrics, data, spec = (card.get(key) for key in ("metrics", "data", "spec"))
    if not (isinstance(metrics, dict) and metrics and isinstance(data, dict) and isinstance(spec, dict)):
        raise InputError(f"{path}: metrics, data fingerprints or spec are missing; delete the card and make it again")
    for name, metric in metrics.items():
        for field in FIELDS:
            value = metric.get(field) if isinstance(metric, dict) else None
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise InputError(f"{path}: {name}.{field} is {value!r}; expected a number; make the card again")
    paired = (data, spec.get("seed"), spec.get("bootstrap"))
    return Evaluation(
        model,
        benchmark,
        metrics,
        paired,
        path.with_suffix(".npz"),
        _df(card.get("resampled"), path),
        _convergence(card, path),
        _drawn(card),
    )


def _drawn(card: dict[str, Any]) -> Drawn | None:
    """Return seed and number of draws, and of how many units in how many strata they are.

    Worlds of one replicate show the same digits, photographs and objects in the same places of their lists, so what is
    drawn at a number is then the same in both. None where the card does not say, or images were left out, which may be
    others in another world.
    """
    resampled, spec = card.get("resampled"), card["spec"]
    if resampled is None or card.get("skipped"):
        return None
    return spec.get("seed"), spec.get("bootstrap"), resampled["units"], resampled["strata"]


def _df(resampled: Any, path: Path) -> float | None:
    """Return units less strata of what was resampled."""
    if resampled is None:
        return None
    counts = resampled if isinstance(resampled, dict) else {}
    units, strata = (counts.get(key) for key in ("units", "strata"))
    if not (isinstance(units, int) and isinstance(strata, int) and units > strata > 0):
        raise InputError(f"{path}: resampled is {resampled!r}; expected more units than strata; make the card again")
    return float(units - strata)


def _convergence(card: dict[str, Any], path: Path) -> float | None:
    """Return what the card of a training said of its end (:mod:`tradeoffs.training.train`)."""
    found = card.get("convergence")
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise InputError(f"{path}: convergence is {found!r}; expected a number, or none; make the card again")
    return float(found)


@contextmanager
def arrays_of(path: Path, model: str) -> Iterator[Any]:
    """Open what a model's evaluation wrote beside its card. InputError for a missing file and one that is no npz."""
    try:
        with opened(path, cure=f"evaluate {model} again") as file, np.load(file) as arrays:
            yield arrays
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise InputError(f"{path}: not a readable npz file ({error}); delete it and make it again") from None


def draws(evaluation: Evaluation, names: Sequence[str]) -> dict[str, Array]:
    """Bootstrap draws [draws] of the named metrics. InputError for a missing or broken file or metric."""
    path = evaluation.outcomes
    try:
        with arrays_of(path, evaluation.model.id) as arrays:
            found = {name: arrays[f"draws/{name}"].astype(np.float64) for name in names}
    except KeyError as error:
        raise InputError(f"{path}: no array {error.args[0]}; evaluate {evaluation.model.id} again") from None
    for name, values in found.items():
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            raise InputError(f"{path}: draws/{name} is not a list of numbers; evaluate {evaluation.model.id} again")
    return found


def metric_value(evaluation: Evaluation, name: str) -> float:
    """Return a metric of the card; InputError names a card that lacks it."""
    if name not in evaluation.metrics:
        raise InputError(
            f"{evaluation.outcomes.with_suffix('.json')}: no metric {name}; expected one of "
            f"{', '.join(evaluation.metrics)}; evaluate {evaluation.model.id} again"
        )
    return float(evaluation.metrics[name]["value"])
