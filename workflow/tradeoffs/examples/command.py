"""Test images of a benchmark, what chosen models answered, and where they look.

    tradeoffs examples waterbirds --spec '{"models": [...], "pictures": {...}}' --data waterbirds=FOLDER \
        --evaluations results/miniature/evaluations --models results/miniature/models \
        --out waterbirds.json --card card.json

The file it writes is described in :mod:`tradeoffs.examples.page`.
"""

import importlib
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch

from tradeoffs.benchmarks.evaluate import find
from tradeoffs.compute import precision
from tradeoffs.compute.device import take_threads
from tradeoffs.examples import evaluations as read_evaluations
from tradeoffs.examples.answered import of_weights
from tradeoffs.examples.collection import Collection, Evaluated
from tradeoffs.examples.page import Shown, content, examples
from tradeoffs.models import confinement
from tradeoffs.step.cards import check
from tradeoffs.step.command import Step, Written, options_of
from tradeoffs.step.declared_benchmarks import with_images
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json, write_json


class Settings(NamedTuple):
    """Settings of this step."""

    title: Annotated[str, "of the benchmark"]
    models: Annotated[list[dict[str, Any]], "those that are shown: id, role, architecture, norm, epsilon"]
    pictures: Annotated[dict[str, Any], "whether pictures may be passed on: embed, licence, why"]


def step(benchmark: str) -> Step:
    """Return the step of a benchmark; InputError for one whose images are not shown."""
    title = f"{(__doc__ or '').splitlines()[0]}"
    return Step(title, Settings, options_of(run), partial(run, benchmark), code(benchmark))


def code(benchmark: str) -> tuple[str, ...]:
    """Return the modules that the examples of a benchmark depend on. InputError for one whose images are not shown."""
    return (__name__, _module(benchmark))


def _module(benchmark: str) -> str:
    if benchmark not in (known := with_images()):
        raise InputError(f"no images are shown of a benchmark {benchmark!r}; expected one of {', '.join(known)}")
    return f"tradeoffs.examples.sets.{benchmark}"


def run(
    benchmark: str,
    settings: Settings,
    *,
    data: Annotated[dict[str, Path], "folder of a data set that the benchmark reads, once for each"],
    evaluations: Annotated[Path, "folder with <benchmark>/<model>.json and .npz"],
    models: Annotated[Path, "folder with <model>/weights.pt"],
    out: Annotated[Path, "JSON file to write"],
    card: Annotated[Path, "JSON card to write"],
) -> Written:
    """Choose images and write what is said of them. InputError for what is missing, damaged or of other data."""
    if data.keys() != (expected := set(find(benchmark).data)):
        raise InputError(
            f"--data: {', '.join(sorted(data)) or 'none'} given; expected one NAME=PATH for each of "
            f"{', '.join(sorted(expected))}"
        )
    listed = [_shown(position, row) for position, row in enumerate(settings.models)]
    rule = settings.pictures
    if rule.keys() != {"embed", "licence", "why"}:
        raise InputError(f"--spec: pictures has {', '.join(rule)}; expected embed, licence and why")
    found = {model.id: read_evaluations.read(evaluations, benchmark, model.id) for model in listed}
    if any(each.card["spec"]["architecture"] == "torchscript" for each in found.values()):  # which is code
        confinement.confine(card.parent, out.parent)
    weights = {model.id: models / model.id / "weights.pt" for model in listed if _had(found[model.id])}
    for path in weights.values():
        check(path)
    fingerprints = {name: read_json(root / "fingerprint.json")["fingerprint"] for name, root in data.items()}
    for each in found.values():
        if each.card["data"] != fingerprints:
            raise InputError(f"{each.path}: is of other data than {', '.join(map(str, data.values()))}; evaluate again")
    write_json(out, shown(benchmark, settings.title, listed, found, weights, data, rule))
    return Written("examples", [out], {"benchmark": benchmark}, fingerprints)


def shown(
    benchmark: str,
    title: str,
    models: list[Shown],
    evaluated: dict[str, Evaluated],
    weights: dict[str, Path],
    data: dict[str, Path],
    rule: dict[str, Any],
) -> dict[str, Any]:
    """Return what :mod:`tradeoffs.examples.page` describes; ``rule``: embed, licence, why."""
    take_threads()
    precision.decide(torch.device("cpu"))
    there = {id: each for id, each in evaluated.items() if _had(each)}
    found: dict[str, Any] = {"reasons": [], "worst": None, "remark": "", "images": []}
    if there:
        collection = of(benchmark, data, next(iter(there.values())))
        for each in there.values():
            read_evaluations.check_alike(next(iter(there.values())), each)
        networks = {id: partial(of_weights, path, there[id]) for id, path in weights.items() if id in there}
        found = examples(collection, models, there, networks, embed=rule["embed"])
    else:
        found["remark"] = "No model was put through this benchmark: there is nothing to show."
    missing = {id: each.card.get("unavailable") for id, each in evaluated.items()}
    return content(benchmark, title, rule, models, missing) | found


def of(benchmark: str, data: dict[str, Path], evaluated: Evaluated) -> Collection:
    """Return the images of a benchmark as one evaluation has them; InputError where its settings are of other code.

    ``data``: at least the folder of its own data set, whose images these are.
    """
    module = importlib.import_module(_module(benchmark))
    try:
        settings = module.Settings(**evaluated.card["spec"])
    except TypeError as error:
        raise InputError(f"{evaluated.path}: spec: {error}; evaluate again with this version") from None
    found: Collection = module.collection(settings, data, evaluated)
    return found


def _had(evaluated: Evaluated) -> bool:
    """Whether the model's weights could be had."""
    return "unavailable" not in evaluated.card


def _shown(position: int, row: Any) -> Shown:
    if not isinstance(row, dict) or row.keys() != set(Shown._fields):
        raise InputError(f"--spec: models[{position}] = {str(row)[:80]}; expected {', '.join(Shown._fields)}")
    return Shown(**row)
