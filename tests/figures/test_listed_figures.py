"""The catalogue of figures: a module and an entry for each, and nothing else to touch."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from project_root import ROOT
from results.synthetic_study import CONFIG
from tradeoffs.figures import catalogue, command
from tradeoffs.figures.catalogue import Entry
from tradeoffs.runner import commands
from tradeoffs.study import figures

ENTRIES = {entry.name: entry for entry in catalogue.catalogue()}
# What the ``when`` of an entry may say that no study of these tests has by itself.
OTHER_FACTS = {"train", "released", "extra"}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_figure_reads_and_is_told_what_its_entry_says(name: str) -> None:
    entry = ENTRIES[name]
    module = importlib.import_module(entry.dotted)
    options = {parameter for parameter in command.step(entry.name).options if parameter != "out"}
    assert options == {*entry.reads, *entry.data}
    assert (entry.told is not None) == hasattr(module, "Settings")
    if entry.told:
        settings = figures.told(CONFIG, entry)
        assert settings is not None
        assert settings.keys() == set(module.Settings._fields)


def test_every_module_that_draws_is_in_the_catalogue() -> None:
    drawing = {
        path.stem for path in (ROOT / "workflow/tradeoffs/figures").glob("*.py") if "\ndef draw(" in path.read_text()
    }
    assert {entry.module for entry in ENTRIES.values()} == drawing


def test_every_condition_is_one_that_a_study_can_meet(config: dict[str, Any]) -> None:
    known = figures.facts(config) | OTHER_FACTS | {"published"}
    assert {entry.when for entry in ENTRIES.values() if entry.when} <= known


def test_the_miniature_has_its_figures_and_no_others(config: dict[str, Any]) -> None:
    found = figures.figures(config)
    benchmarks = ("rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet")
    assert {name for name in found if name.startswith("benchmark_")} == {
        f"benchmark_{name}" for name in ("imagenet", *benchmarks, "shifted_correlation")
    }
    assert {name for name in found if name.startswith("contact_sheet_")} == {
        f"contact_sheet_{name}" for name in ("imagenet", *benchmarks)
    }
    others = {
        "overview",
        "accuracy_control",
        "claims",
        "claims_theory",
        "adversarial",
        "correlation",
        "background_scale",
        "training",
    }
    theory = {"theory_weights", "theory_phase", "theory_risks", "theory_simulation"}
    theory |= {"theory_anticausal", "theory_anticausal_phase"}
    assert {name for name in found if not name.startswith(("benchmark_", "contact_sheet_"))} == others | theory
    assert found["contact_sheet_objectnet"].label == "ObjectNet"
    assert "{" not in "".join(entry.label + entry.caption for entry in found.values())


def test_figures_follow_from_what_a_study_has(config: dict[str, Any]) -> None:
    study = config["miniature"] | {"budgets": {"linf": [], "l2": []}}
    swept = study["sweeps"]["background_scale"] | {"budgets": {"linf": [], "l2": []}}
    study["sweeps"] = study["sweeps"] | {"background_scale": swept}
    attacks = study["benchmarks"]["adversarial"] | {"domains": {}}
    study["benchmarks"] = study["benchmarks"] | {"adversarial": attacks}
    found = set(figures.figures(config | {"miniature": study}))
    assert not [name for name in found if name.startswith("benchmark_")]  # nothing beside standard models
    assert not {"adversarial", "correlation", "published"} & found
    assert {"contact_sheet_rival10", "overview", "training", "theory_phase"} <= found


def test_an_unknown_figure_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["figure", "nothing"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: tradeoffs figure nothing: no such figure; expected one of overview, ")
    assert len(error.splitlines()) == 1


def test_an_entry_without_its_module_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "catalogue.yaml").write_text("mine: {category: C, label: L, caption: T}\n")
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / "catalogue.py"))
    assert commands.main(["figure", "mine"]) == 2
    assert capsys.readouterr().err == (
        "error: figures/catalogue.yaml: mine: no module figures/mine.py; write it, or name another by module\n"
    )


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("{category: C, label: L}", "missing or unknown caption; "),
        ("{category: C, label: L, caption: T, colour: x}", "missing or unknown colour; "),
        ("{category: C, caption: T}", "label is missing; "),
    ],
)
def test_a_missing_or_unknown_key_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str, wrong: str
) -> None:
    (tmp_path / "catalogue.yaml").write_text(f"mine: {row}\n")
    monkeypatch.setattr(catalogue, "__file__", str(tmp_path / "catalogue.py"))
    assert commands.main(["figure", "mine"]) == 2
    assert capsys.readouterr().err.startswith(f"error: figures/catalogue.yaml: mine: {wrong}")


def test_families_are_single_figures_by_name() -> None:
    family = Entry("benchmark_{benchmark}", "benchmark", "C", "{caption} More.", "{title}")
    own = family.member("rival10", title="RIVAL10", caption="About {braces}.")
    assert (own.name, own.label, own.caption) == ("benchmark_rival10", "RIVAL10", "About {braces}. More.")
    assert family.covers("benchmark_rival10")
    assert not family.covers("benchmark_")
    assert catalogue.entry("claims_theory").module == "claims_theory"


def test_what_the_snakefile_reads_imports_neither_matplotlib_nor_torch() -> None:
    code = "import sys, tradeoffs.study.figures; print({'matplotlib', 'torch', 'pandas', 'numpy'} & set(sys.modules))"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
