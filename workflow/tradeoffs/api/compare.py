"""Several models on the same images: paired differences, by the rule of the claims, of what images can say.

A difference has the variance of its bootstrap draws, which are paired, and an interval and p-value of Student's t.
Among the headlines of all benchmarks and models, p-values are Holm's too (:mod:`tradeoffs.claims.verdicts`).

Each model was trained once. So intervals are over images alone: what differs between these two networks, not between
two ways to train. Another training of either would give another difference, and nothing here says by how much; that
takes several trainings, as the workflow's grid has them (:mod:`tradeoffs.claims.own_models`).
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tradeoffs.api import by_name, defaults, folders, given, markup, result
from tradeoffs.api.described import CLASSES, Given, How, check_kinds_of
from tradeoffs.api.described import settings as conversion_settings
from tradeoffs.api.evaluate import one
from tradeoffs.api.kinds import check_kinds, html_file, path_of, writable
from tradeoffs.api.result import Result
from tradeoffs.benchmarks.evaluate import find
from tradeoffs.claims.row import EXPLORATORY, HEADLINE
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import holm
from tradeoffs.models.conversion import check_channels
from tradeoffs.models.networks import Network
from tradeoffs.results.evaluations import difference
from tradeoffs.results.table import write_csv
from tradeoffs.step.declared_benchmarks import benchmarks as declared_benchmarks
from tradeoffs.step.errors import InputError, refusals

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("benchmark", "metric", "model", "reference", "value", "reference_value", "difference", "ci_low", "ci_high"),
    *("p_value", "p_adjusted", "df", "n", "scope", "reliance", "interval_over"),
)
TABLE = "differences.csv"
SAYS = "95 % intervals over images alone: of these networks, each trained once, not of how they were trained"


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What each model has beyond the reference, and all results by (model, benchmark).

    ``table``: a row for each metric of each model, with ``difference`` (model - reference) and its interval, p-value,
    the p-value among all headlines (``p_adjusted``), and ``reliance``: whether a positive difference means ``more`` or
    ``less`` reliance on the background, empty where the metric is no measure of it.
    """

    table: "pd.DataFrame"
    results: Mapping[tuple[str, str], Result]

    def __repr__(self) -> str:
        """The measures of reliance, a line each."""
        shown = self.table[self.table.reliance != ""]
        lines = [
            f"  {row.benchmark}, {row.metric}: {row.model} - {row.reference} = {row.difference:+.4f} "
            f"[{row.ci_low:+.4f}, {row.ci_high:+.4f}], p = {row.p_value:.2g} (higher: {row.reliance} reliance)"
            for row in shown.itertuples()
        ]
        return "\n".join([f"Differences ({SAYS})", *lines, *(f"  {said}" for said in self._remarks())])

    def _repr_html_(self) -> str:
        """The table for a notebook, but for what rows of equal kind share."""
        words = ("benchmark", "metric", "model", "higher means")
        header = (*words, "difference", "95 % interval", "p", "p, Holm")
        rows = [
            (
                *(row["benchmark"], row["metric"], row["model"]),
                f"{row['reliance']} reliance" if row["reliance"] else "",
                f"{row['difference']:+.4f}",
                markup.interval(row["ci_low"], row["ci_high"], "+.4f"),
                f"{row['p_value']:.2g}",
                f"{row['p_adjusted']:.2g}" if row["scope"] == HEADLINE else "",
            )
            for row in self.table.to_dict("records")
        ]
        references = ", ".join(dict.fromkeys(self.table.reference))
        title = f"Differences from {references} ({SAYS})"
        return markup.shown(title, header, rows, len(words), self._remarks())

    def _remarks(self) -> Iterator[str]:
        for benchmark in dict.fromkeys(benchmark for _, benchmark in self.results):
            of_it = [each for (_, name), each in self.results.items() if name == benchmark]
            if len({each.card["code"] for each in of_it}) > 1:
                yield f"{benchmark}: results of different versions of the code; evaluate again to be sure"
        for (model, benchmark), each in self.results.items():
            yield from (f"{model}, {benchmark}: {said}" for said in each.remarks)


@refusals()
def compare(
    models: Mapping[str, Any],
    benchmarks: str | Sequence[str],
    data: folders.Places,
    *,
    reference: str | None = None,
    study: str = "imagenet",
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    device: Any = None,
    out: str | Path | None = None,
    page: str | Path | None = None,
    progress: bool = True,
) -> Comparison:
    """Return paired differences of models on the same images.

    ``models``: by name; each as in :func:`tradeoffs.evaluate`, or a dictionary of it and what is said of it
    (``{"model": network, "mean": ..., "std": ...}``), or the folder that ``evaluate(..., out=folder)`` wrote: then
    nothing is computed again. ``reference``: the name of the one that the others are compared with; else the last.

    ``data``: folders by data set; ``settings``: changes by benchmark. With ``out`` each model's results are in a folder
    of its name below it, and the table is in ``differences.csv``. ``page``: a file of HTML to write, which shows all of
    it as the page of a study does, images too, with pictures where licences allow them to be passed on. The rest as in
    :func:`tradeoffs.evaluate`.

    Intervals and p-values are over images alone: each model was trained once, and nothing here says how much another
    training would differ. Raises tradeoffs.InputError for what does not fit, and for results on different images or
    with different draws.
    """
    import pandas as pd

    names = _names(benchmarks)
    last = _reference(models, reference)
    changes = settings or {}
    if not isinstance(changes, Mapping):
        raise InputError(f"settings: {changes!r}; expected changes by benchmark, as {{'waterbirds': {{...}}}}")
    for name in [*names, *changes]:
        check_kinds(name, changes.get(name, {}), None, out)
        defaults.chosen(name, study, changes.get(name, {}))
    described = {name: _how(name, model, below_out=out is not None) for name, model in models.items()}
    below = None if out is None else writable(out)
    html = None if page is None else html_file("page", page)
    found = _read(described, names, below)
    networks: dict[tuple[str, str], Callable[[], Network]] = {}
    computed = {name: model for name, model in described.items() if (name, names[0]) not in found}
    places = data if isinstance(data, Mapping) or len(names) > 1 else {find(names[0]).data[0]: data}
    for name in names if computed else []:  # all of it before hours are spent on the first
        splits = defaults.chosen(name, study, changes.get(name, {})).get("domains", {"val": "val"}).values()
        with folders.opened(name, places, splits):
            pass
    for model, how in computed.values():
        check_channels(conversion_settings(how, CLASSES))
        given.place(model, device)
    for name, (model, how) in computed.items():
        kept: dict[str, Given] = {}
        into = None if below is None else below / name
        for benchmark in names:
            told = (how, name, study, changes.get(benchmark, {}), device, into, progress)
            found[name, benchmark] = one(model, benchmark, places, *told, kept=kept)
            networks[name, benchmark] = partial(_network, model, how, name, benchmark, study, told[3])
    found = {(name, benchmark): found[name, benchmark] for name in models for benchmark in names}
    rows = [row for benchmark in names for row in differences(benchmark, found, [*models], last)]
    headlines = [row for row in rows if row["scope"] == HEADLINE]
    for row, adjusted in zip(headlines, holm([row["p_value"] for row in headlines]).adjusted, strict=True):
        row["p_adjusted"] = adjusted
    compared = Comparison(pd.DataFrame(rows, columns=list(COLUMNS)), found)
    if below is not None:
        write_csv(below / TABLE, COLUMNS, compared.table.itertuples(index=False))
    if html is not None:
        from tradeoffs.api import compare_images, compare_page  # which import what draws charts and pictures

        images = compare_images.images(found, networks, places, last)
        compare_page.write(compared.table, found, images, html)
    return compared


def _read(
    described: Mapping[str, tuple[Any, How]], benchmarks: Sequence[str], below: Path | None
) -> dict[tuple[str, str], Result]:
    """Return the results of models that are given as folders, all of them before anything is written.

    InputError for what is said of one of them, for a model that is neither a folder nor to be had, and for a folder
    that another model's results would be written into.
    """
    given_as: dict[str, Path] = {}
    for name, (model, how) in described.items():
        if not isinstance(model, str | Path):
            continue
        path = path_of(f"models: {name}", model, "a model")
        if not path.is_dir():
            by_name.located(str(model), how)
            continue
        if said := [key for key, value in how._asdict().items() if value is not How._field_defaults[key]]:
            raise InputError(f"models: {name}: {', '.join(said)} is said of {model}, which holds results; leave it out")
        given_as[name] = path
    written = {} if below is None else {(below / name).resolve(): name for name in described if name not in given_as}
    for name, path in given_as.items():
        if other := written.get(path.resolve()):
            raise InputError(
                f"models: {name}: its results are in {path}, where those of {other} are to be written; name another "
                "folder by out"
            )
    return {(name, each): result.read(path, each) for name, path in given_as.items() for each in benchmarks}


def _network(model: Any, how: How, name: str, benchmark: str, study: str, changes: Mapping[str, Any]) -> Network:
    """Return a model once more as a network, on the CPU."""
    pixels = defaults.pixels(study, defaults.chosen(benchmark, study, changes))
    return given.network(model, how, pixels, torch.device("cpu"), name, find(benchmark).needs).network


def differences(
    benchmark: str, found: Mapping[tuple[str, str], Result], models: Sequence[str], reference: str
) -> list[dict[str, Any]]:
    """Return a row for each metric of each model but the reference; InputError where they are not paired."""
    theirs = found[reference, benchmark]
    said = declared_benchmarks()[benchmark].metrics
    headline = next((name for name, each in said.items() if "direction" in each), None)
    rows = []
    for model in models:
        ours = found[model, benchmark]
        if model == reference:
            continue
        _check_paired(benchmark, {model: ours, reference: theirs})
        units = ours.card["resampled"]
        for metric in ours.table.metric:
            if metric not in theirs.card["metrics"]:
                continue
            value, other = (float(each.card["metrics"][metric]["value"]) for each in (ours, theirs))
            drawn = ours.draws[metric].astype(np.float64) - theirs.draws[metric].astype(np.float64)
            effect = Estimate(value - other, float(drawn.std(ddof=1)), float(units["units"] - units["strata"]), 1)
            low, high = effect.interval()
            rows.append(
                {
                    "benchmark": benchmark,
                    "metric": metric,
                    "model": model,
                    "reference": reference,
                    "value": value,
                    "reference_value": other,
                    "difference": value - other,
                    "ci_low": low,
                    "ci_high": high,
                    "p_value": effect.p_value(),
                    "p_adjusted": np.nan,
                    "df": effect.df,
                    "n": ours.card["metrics"][metric]["n"],
                    "scope": HEADLINE if metric == headline else EXPLORATORY,
                    "reliance": said.get(metric, {}).get("direction", ""),
                    "interval_over": "images",
                }
            )
    return rows


def _check_paired(benchmark: str, pair: Mapping[str, Result]) -> None:
    """Raise InputError where two results are not of the same images and draws."""
    (one_name, other_name), (one_card, other_card) = list(pair), [each.card for each in pair.values()]
    if (found := difference(one_card, other_card)) is not None:
        what, ours, theirs = found
        raise InputError(
            f"{benchmark}: {what} of {one_name} is {str(ours)[:80]}, but {str(theirs)[:80]} of {other_name}; "
            "evaluate both on the same data with the same settings"
        )


def _names(benchmarks: object) -> list[str]:
    names = [benchmarks] if isinstance(benchmarks, str) else benchmarks
    if isinstance(names, Sequence) and not all(isinstance(name, str) for name in names):
        raise InputError(f"benchmarks: {[*names]!r}; expected names, as ['waterbirds', 'objectnet']")
    if not isinstance(names, Sequence) or not names or len(set(names)) < len(names):
        listed = ", ".join(map(str, names)) if isinstance(names, Sequence) else str(names)
        raise InputError(f"benchmarks: {listed or 'none'}; expected one or more, each once")
    return list(names)


def _reference(models: Mapping[str, Any], reference: str | None) -> str:
    if not isinstance(models, Mapping) or len(models) < 2:
        raise InputError("models: expected two or more by name, as {'mine': network, 'other': 'path of a file'}")
    if named := [name for name in models if not isinstance(name, str)]:
        raise InputError(f"models: {named[0]!r}: expected names of the models, which are text")
    if reference is not None and (not isinstance(reference, str) or reference not in models):
        raise InputError(f"reference: {reference!r} is none of the models; expected one of {', '.join(models)}")
    return reference or list(models)[-1]


def _how(name: str, model: Any, *, below_out: bool) -> tuple[Any, How]:
    """Return a model and what is said of it; InputError for keys that say nothing, or a name that is no folder's."""
    if below_out and (name not in {Path(name).name} - {"", "..", TABLE} or not name.isprintable()):
        raise InputError(f"models: {name!r} names no folder below out; expected text without / in it, not {TABLE}")
    if below_out and len(os.fsencode(name)) > 255:
        raise InputError(f"models: {name[:40]}...: names no folder below out; expected up to 255 bytes")
    if not isinstance(model, Mapping):
        return model, How()
    said = {key: value for key, value in model.items() if key != "model"}
    if "model" not in model or (unknown := said.keys() - set(How._fields)):
        wrong = "model is missing" if "model" not in model else f"{', '.join(map(str, unknown))}: unknown"
        raise InputError(f"models: {name}: {wrong}; expected model and any of {', '.join(How._fields)}")
    return model["model"], check_kinds_of(How(**said))
