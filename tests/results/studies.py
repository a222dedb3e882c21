"""Synthetic studies as a fixture."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from project_root import ROOT
from results.synthetic_study import (
    CLAIMS,
    CONFIG,
    IMAGENET_BENCHMARKS,
    THEORY_CLAIM,
    Plan,
    Run,
    Study,
    flat,
    imagenet_models,
    imagenet_plan,
    metric_names,
    told,
    write_evaluation,
)
from tradeoffs.figures import catalogue
from tradeoffs.runner import commands
from tradeoffs.study import figures
from tradeoffs.study.config import checked
from tradeoffs.study.specification import declared, specification

__all__ = [
    "config",
    "make_imagenet_study",
    "make_study",
    "make_tables",
    "run_claims",
    "run_figure",
    "run_summary",
]  # the fixtures


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
        models = told(spec).models
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
        spec = {"study": "imagenet", "models": [m._asdict() for m in models], "benchmarks": declared(CONFIG)}
        return Study(json.dumps(spec), models, folder)

    return make


def options(files: dict[str, Path]) -> list[str]:
    """Options of the command line."""
    return [word for name, path in files.items() for word in (f"--{name.replace('_', '-')}", str(path))]


@pytest.fixture
def run_summary(tmp_path: Path) -> Run:
    def run(study: Study) -> int:
        files = {"evaluations": study.evaluations} | {name: tmp_path / name for name in ("out", "sweeps", "card")}
        return commands.main(["summary", "--spec", study.spec, *options(files)])

    return run


@pytest.fixture
def run_claims(tmp_path: Path) -> Run:
    def run(study: Study, theory: str = ",".join(CLAIMS) + "\n") -> int:
        (tmp_path / "theory.csv").write_text(theory)
        files = {"evaluations": study.evaluations, "theory": tmp_path / "theory.csv"}
        files |= {name: tmp_path / name for name in ("out", "differences", "regime", "card")}
        return commands.main(["claims", "--spec", study.spec, *options(files)])

    return run


@pytest.fixture
def make_tables(tmp_path: Path) -> Callable[[Study], Path]:
    """Write summary, sweeps, claims and differences of a study, with one claim of the theory."""

    def make(study: Study) -> Path:
        (tmp_path / "theory_claims").write_text(f"{','.join(CLAIMS)}\n{THEORY_CLAIM}\n")
        files = {
            "summary": {"out": "summary", "sweeps": "sweeps", "card": "summary_card"},
            "claims": {
                "theory": "theory_claims",
                "out": "claims",
                "differences": "differences",
                "regime": "regime",
                "card": "claims_card",
            },
        }
        for verb, named in files.items():
            paths = {"evaluations": study.evaluations} | {option: tmp_path / name for option, name in named.items()}
            assert commands.main([verb, "--spec", study.spec, *options(paths)]) == 0
        return tmp_path

    return make


@pytest.fixture
def run_figure() -> Run:
    """Draw a figure from the files of its inputs, or from those of one folder, where they have the inputs' names."""

    def run(name: str, inputs: dict[str, Path] | Path, out: Path) -> int:
        entry = catalogue.entry(name)._replace(name=name)
        files = {table: inputs / table for table in entry.reads} if isinstance(inputs, Path) else inputs
        settings = figures.told(CONFIG, entry)
        spec = [] if settings is None else ["--spec", json.dumps(settings)]
        return commands.main(["figure", name, *spec, *options(files | {"out": out, "card": out / "card.json"})])

    return run
