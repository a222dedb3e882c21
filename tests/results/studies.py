"""Synthetic studies as a fixture."""

import copy
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from project_root import ROOT
from results.synthetic_study import (
    CLAIMS,
    IMAGENET_BENCHMARKS,
    Plan,
    Run,
    Study,
    flat,
    imagenet_models,
    imagenet_plan,
    metric_names,
    write_evaluation,
)
from tradeoffs.claims import command
from tradeoffs.results import summary
from tradeoffs.results.table import parse
from tradeoffs.step.errors import exit_code
from tradeoffs.study.config import checked
from tradeoffs.study.specification import specification


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "config.yaml").read_text())
    return checked(loaded, ROOT / "workflow/schemas/config.schema.yaml")


@pytest.fixture
def make_study(tmp_path: Path, config: dict[str, Any]) -> Callable[..., Study]:
    """Write the cards of a whole study; ``plan(model, benchmark, metric)`` is the value of each metric.

    Draws are the value plus an error shared by all models (images are hard or easy for all) and one of its own.
    """

    def make(
        plan: Plan = flat,
        noise: float = 0.01,
        changes: dict[str, Any] | None = None,
        adversarial: dict[str, Any] | None = None,
    ) -> Study:
        changed = copy.deepcopy(config)
        changed["miniature"].update(copy.deepcopy(changes or {}))
        # Fewer metrics, or writing them would be most of the test's time.
        benchmarks = changed["miniature"]["benchmarks"]
        benchmarks["rival10"] |= {"linf_levels": [0.25], "l2_levels": [10.0]}
        benchmarks["adversarial"]["budgets"] = {"linf": [1, 4], "l2": [0.5]}
        benchmarks["adversarial"].update(adversarial or {})
        spec = specification(changed)
        models = parse(spec)[1]
        folder = tmp_path / "evaluations"
        for number, model in enumerate(models):
            for benchmark in model.benchmarks:
                write_evaluation(folder, model, benchmark, metric_names(benchmarks, benchmark), plan, noise, number)
        return Study(spec, models, folder)

    return make


@pytest.fixture
def make_imagenet_study(tmp_path: Path) -> Callable[..., Study]:
    """Write the cards of an imagenet study: 22 models and the user's own, no sweeps, any benchmarks missing."""

    def make(plan: Plan = imagenet_plan, noise: float = 0.01, **choices: Any) -> Study:
        models = imagenet_models(**choices)
        folder = tmp_path / "evaluations"
        for number, model in enumerate(models):
            for benchmark in model.benchmarks:
                names = metric_names(IMAGENET_BENCHMARKS, benchmark)
                write_evaluation(folder, model, benchmark, names, plan, noise, number)
        return Study(json.dumps({"study": "imagenet", "models": [m._asdict() for m in models]}), models, folder)

    return make


@pytest.fixture
def run_summary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    def run(study: Study) -> int:
        arguments = ["summary", "--spec", study.spec, "--evaluations", str(study.evaluations)]
        for option in ("out", "sweeps", "card"):
            arguments += [f"--{option}", str(tmp_path / option)]
        monkeypatch.setattr(sys, "argv", arguments)
        return exit_code(summary.main)

    return run


@pytest.fixture
def run_claims(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    def run(study: Study, theory: str = ",".join(CLAIMS) + "\n") -> int:
        (tmp_path / "theory.csv").write_text(theory)
        arguments = ["claims", "--spec", study.spec, "--evaluations", str(study.evaluations)]
        arguments += ["--theory", str(tmp_path / "theory.csv")]
        for option in ("out", "differences", "card"):
            arguments += [f"--{option}", str(tmp_path / option)]
        monkeypatch.setattr(sys, "argv", arguments)
        return exit_code(command.main)

    return run


@pytest.fixture
def make_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Study], Path]:
    """Write summary, sweeps, claims and differences of a study, with one claim of the theory."""

    def make(study: Study) -> Path:
        (tmp_path / "theory").write_text(
            ",".join(CLAIMS) + "\ntheory.i,An exact statement.,count,1,,,,supported,exact\n"
        )
        common = ["--spec", study.spec, "--evaluations", str(study.evaluations)]
        files = {
            summary: {"out": "summary", "sweeps": "sweeps", "card": "summary_card"},
            command: {"theory": "theory", "out": "claims", "differences": "differences", "card": "claims_card"},
        }
        for module, options in files.items():
            named = [word for option, name in options.items() for word in (f"--{option}", str(tmp_path / name))]
            monkeypatch.setattr(sys, "argv", ["", *common, *named])
            assert exit_code(module.main) == 0
        return tmp_path

    return make


@pytest.fixture
def run_figure(monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(name: str, inputs: dict[str, Path], out: Path) -> int:
        module = importlib.import_module(f"tradeoffs.figures.{name}")
        options = [word for option, path in inputs.items() for word in (f"--{option}", str(path))]
        monkeypatch.setattr(sys, "argv", ["", *options, "--out", str(out), "--card", str(out / "card.json")])
        return exit_code(module.main)

    return run
