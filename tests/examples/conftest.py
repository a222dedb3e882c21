"""A study of two networks on the small miniature: cards, outcomes and weights, as the workflow leaves them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from benchmarks.conftest import MODEL, SETS, SMALL
from tradeoffs.benchmarks.evaluate import step as evaluate
from tradeoffs.examples.command import step
from tradeoffs.step.cards import digests, read_card, write_card
from tradeoffs.step.command import execute

SHOWN = (
    *("rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet"),
    *("imagenet", "shifted_correlation", "adversarial"),
)
MODELS = [
    {
        "id": "basic_standard",
        "role": "main",
        "architecture": "basic",
        "norm": "none",
        "epsilon": 0.0,
        "objective": None,
    },
    {
        "id": "basic_linf_eps8",
        "role": "main",
        "architecture": "basic",
        "norm": "linf",
        "epsilon": 8.0,
        "objective": None,
    },
]
OWN = {"embed": True, "licence": "ours", "why": "we drew them"}


class Study(NamedTuple):
    """Where data, models and evaluations lie."""

    data: Path
    root: Path

    def folders(self, benchmark: str) -> list[str]:
        """Return the options that say where a benchmark's data lie."""
        return [word for name in SETS.get(benchmark, [benchmark]) for word in ("--data", f"{name}={self.data / name}")]

    def card(self, benchmark: str, model: str) -> dict[str, Any]:
        return read_card(self.root / "evaluations" / benchmark / f"{model}.json")

    def outcomes(self, benchmark: str, model: str) -> dict[str, Any]:
        with np.load(self.root / "evaluations" / benchmark / f"{model}.npz") as arrays:
            return dict(arrays)

    def show(self, benchmark: str, out: Path, **changes: Any) -> dict[str, Any]:
        """Run the step and return what it wrote."""
        spec = {"title": f"Title of {benchmark}", "models": MODELS, "pictures": OWN} | changes
        places = ["--evaluations", str(self.root / "evaluations"), "--models", str(self.root / "models")]
        written = ["--out", str(out / f"{benchmark}.json"), "--card", str(out / "cards" / f"{benchmark}.json")]
        arguments = ["--spec", json.dumps(spec), *places, *self.folders(benchmark), *written]
        execute(step(benchmark), f"examples {benchmark}", arguments)
        return json.loads((out / f"{benchmark}.json").read_text())


@pytest.fixture(scope="session")
def study(miniature: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return the study; its second network has other weights in the last block, so that the two differ."""
    root = tmp_path_factory.mktemp("study")
    torch.manual_seed(2)
    state = torch.load(weights, weights_only=True)
    changed = {
        name: part * (1 + 0.6 * torch.randn_like(part)) if name.endswith("weight") and part.ndim > 1 else part
        for name, part in state.items()
    }
    for model, tensors in zip(MODELS, (state, changed), strict=True):
        place = root / "models" / model["id"] / "weights.pt"
        place.parent.mkdir(parents=True)
        torch.save(tensors, place)
        write_card(place.with_name("card.json"), spec={}, code="c", data={}, started=0.0, files=digests(place))
        for benchmark in SHOWN:
            card = root / "evaluations" / benchmark / f"{model['id']}.json"
            spec = MODEL | SMALL[benchmark] | {"model": model["id"]}
            arguments = ["--spec", json.dumps(spec), "--weights", str(place), "--card", str(card)]
            arguments += ["--outcomes", str(card.with_suffix(".npz")), *Study(miniature, root).folders(benchmark)]
            execute(evaluate(benchmark), f"evaluate {benchmark}", arguments)
    return Study(miniature, root)


@pytest.fixture(scope="session")
def pages(study: Study, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return what the step writes for each benchmark."""
    out = tmp_path_factory.mktemp("page")
    return {benchmark: study.show(benchmark, out) for benchmark in SHOWN}


@pytest.fixture
def copy_of_study(study: Study, copy_of: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Study]:
    """Return a function that gives the study with a copy of one data set, which may be damaged."""
    return lambda name: Study(copy_of(name).parent, study.root)
