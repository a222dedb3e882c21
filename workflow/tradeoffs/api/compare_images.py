"""Images of a comparison's page: what the models said of them, and where they look."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from tradeoffs.acquisition.contents import FINGERPRINT
from tradeoffs.acquisition.fingerprint import recorded
from tradeoffs.api import folders
from tradeoffs.api.alone import alone
from tradeoffs.api.result import Result
from tradeoffs.benchmarks.evaluate import find
from tradeoffs.examples import evaluations
from tradeoffs.examples.collection import Evaluated
from tradeoffs.examples.command import of
from tradeoffs.examples.page import Shown, content, examples
from tradeoffs.models.networks import Network
from tradeoffs.step.declared_benchmarks import with_images
from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import is_file
from tradeoffs.study import pictures
from tradeoffs.study.examples import MOST

Results = Mapping[tuple[str, str], Result]
Networks = Mapping[tuple[str, str], Callable[[], Network]]  # by model and benchmark; on the CPU


def images(results: Results, networks: Networks, places: folders.Places, reference: str) -> list[dict[str, Any]]:
    """Return what a page shows of each benchmark that has images, as :mod:`tradeoffs.examples.page` describes it.

    Of a model without network only what its outcomes say. A benchmark whose images cannot be shown says why: what was
    measured does not depend on it.
    """
    names = dict.fromkeys(benchmark for _, benchmark in results)
    return [_of_benchmark(name, results, networks, places, reference) for name in names if name in with_images()]


def _of_benchmark(
    name: str, results: Results, networks: Networks, places: folders.Places, reference: str
) -> dict[str, Any]:
    every = [model for model, benchmark in results if benchmark == name]
    listed = [model for model in every if model != reference][: MOST - 1]
    models = [
        Shown(model, "extra", str(results[model, name].card["spec"]["architecture"]), "unknown", 0.0)
        for model in (*listed, reference)
    ]
    rule = pictures.rule("imagenet", find(name).data[0])._asdict()
    found: dict[str, Any] = {"reasons": [], "worst": None, "remark": "", "images": [], "own_copy": False}
    try:
        splits = results[reference, name].card["spec"].get("domains", {"val": "val"}).values()
        with folders.opened(name, places, splits) as opened, alone(torch.device("cpu")):
            roots = {data: place.root for data, place in opened.items()}
            rule = _rule(find(name).data[0], roots)
            found |= _shown(name, models, results, networks, roots, rule, reference)
    except InputError as error:
        found["remark"] = f"Its images cannot be shown: {error}"
    return content(name, find(name).title, rule, models, {}) | found


def _rule(dataset: str, roots: Mapping[str, Path]) -> dict[str, Any]:
    """Return whether pictures may be passed on; of a folder that was made here they are the miniature's."""
    root = roots[dataset]
    made_here = is_file(root / FINGERPRINT) and "spec" in recorded(root)
    return pictures.rule("miniature" if made_here else "imagenet", dataset)._asdict()


def _shown(
    name: str,
    models: list[Shown],
    results: Results,
    networks: Networks,
    roots: dict[str, Path],
    rule: Mapping[str, Any],
    reference: str,
) -> dict[str, Any]:
    evaluated = {model.id: _evaluated(model.id, results[model.id, name]) for model in models}
    first = evaluated[reference]
    for each in evaluated.values():
        evaluations.check_alike(first, each)
    asked = {model.id: networks[model.id, name] for model in models if (model.id, name) in networks}
    collection = of(name, roots, first)
    return examples(collection, models, evaluated, asked, embed=bool(rule["embed"]), reference=reference)


def _evaluated(model: str, result: Result) -> Evaluated:
    return Evaluated(Path(model), result.card, evaluations.Kept(Path(model), dict(result.outcomes)))
