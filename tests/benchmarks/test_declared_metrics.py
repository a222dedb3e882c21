"""What a benchmark's declaration says of its metrics: a mistake is one line that names file and key."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from benchmarks.conftest import World
from project_root import ROOT
from tradeoffs.benchmarks import (
    adversarial,
    evaluate,
    imagenet,
    imagenet9,
    objectnet,
    rival10,
    salient_imagenet,
    shifted_correlation,
    waterbirds,
)
from tradeoffs.step.declared_benchmarks import benchmarks, check_metrics
from tradeoffs.step.errors import InputError

MODULES = (
    adversarial,
    imagenet,
    imagenet9,
    objectnet,
    rival10,
    salient_imagenet,
    shifted_correlation,
    waterbirds,
)
FOLDER = ROOT / "workflow/tradeoffs/benchmarks"


def test_every_benchmark_has_a_declaration_and_every_declaration_its_module() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py") if "\ndef evaluate(" in path.read_text()}
    assert set(benchmarks()) == modules


def test_measures_of_reliance_say_what_they_mean_and_the_headline_how_it_is_called() -> None:
    for name, declared in benchmarks().items():
        measures = {metric: said for metric, said in declared.metrics.items() if "direction" in said}
        assert all(said.get("meaning") for said in measures.values()), name
        assert not measures or next(iter(measures.values()))["label"], name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda said: said.pop("metrics"), "missing or unknown key metrics; expected title, caption, "),
        (lambda said: said.update(title=None), "title = None; expected text"),
        (lambda said: said.update(needs=["colour"]), "needs: 'colour' is unknown; expected any of features, gradients"),
        (lambda said: said.update(data=[]), "data = []; expected the data sets that it reads"),
        (lambda said: said.update(settings=[1]), "settings = '[1]'; expected names and the schema of each"),
        (lambda said: said.update(colour="red"), "missing or unknown key colour; "),
        (lambda said: said.update(metrics={}), "metrics = {}; expected names"),
        (lambda said: said["metrics"].update(new="x"), "metrics.new = 'x'; expected keys and their values, or {}"),
        (
            lambda said: said["metrics"].update(new={"direction": "up"}),
            "metrics.new.direction = 'up'; expected more or",
        ),
        (lambda said: said["metrics"].update(new={"unit": "%"}), "metrics.new.unit: unknown key; expected any of dir"),
        (lambda said: said["metrics"].update(new={"label": 3}), "metrics.new.label = 3; expected text"),
        (lambda said: said["metrics"].update({True: {}}), "metrics: True; expected letters, digits, _ and parts"),
        (lambda said: said["metrics"].update({"a b": {}}), "metrics: 'a b'; expected letters, digits, _ and parts"),
        (lambda said: said["metrics"].update(new={"direction": "more"}), "metrics.new.meaning is missing; claims say"),
        (lambda said: said["settings"].update({True: {"description": "x"}}), "settings.True: no name of a field of"),
        (lambda said: said["settings"]["crop"].pop("description"), "settings.crop.description is missing; expected"),
        (lambda said: said.update(data=["imagenet"] * 2), "data = ['imagenet', 'imagenet']; expected each data set o"),
    ],
)
def test_a_wrong_declaration_is_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    shutil.copy(FOLDER / "waterbirds.yaml", tmp_path)
    (tmp_path / "waterbirds.py").touch()
    said = yaml.safe_load((tmp_path / "waterbirds.yaml").read_text())
    change(said)
    (tmp_path / "waterbirds.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        benchmarks(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path}/waterbirds.yaml: ")
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "    crop: int",
            "    crops: int",
            "waterbirds.yaml: settings: crop, crops in one of the declaration and Setti",
        ),
        (
            "class Settings(",
            "class Options(",
            "waterbirds.py: there is no Settings; expected class Settings and def eva",
        ),
        (
            "def evaluate(",
            "def measure(",
            "waterbirds.py: there is no evaluate; expected class Settings and def evaluat",
        ),
        ("class Settings(", "class Settings((", "waterbirds.py, line "),
    ],
)
def test_a_module_that_does_not_fit_its_declaration_is_one_line_before_anything_is_imported(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    shutil.copy(FOLDER / "waterbirds.yaml", tmp_path)
    code = (FOLDER / "waterbirds.py").read_text()
    assert old in code
    (tmp_path / "waterbirds.py").write_text(code.replace(old, new))
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        benchmarks(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path}/waterbirds.")
    assert len(str(raised.value).splitlines()) == 1


def test_a_name_that_no_rule_can_have_is_one_line(tmp_path: Path) -> None:
    for suffix in ("yaml", "py"):
        shutil.copy(FOLDER / f"waterbirds.{suffix}", tmp_path / f"Water-birds.{suffix}")
    with pytest.raises(InputError, match=r"'Water-birds' names no benchmark; expected lower-case letters, digits"):
        benchmarks(tmp_path)


def test_a_declaration_without_its_module_is_one_line(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "waterbirds.yaml", tmp_path)
    with pytest.raises(InputError, match=r"waterbirds\.yaml: there is no waterbirds.py beside it; write it"):
        benchmarks(tmp_path)


@pytest.mark.parametrize("module", MODULES)
def test_a_card_holds_the_metrics_that_are_declared_and_no_others(small: World, module: ModuleType) -> None:
    name = module.__name__.rpartition(".")[2]
    declared, found = benchmarks()[name], small.evaluate(module).metrics
    check_metrics(name, declared, found)
    with pytest.raises(InputError, match="metrics: surprise is not declared"):
        check_metrics(name, declared, [*found, "surprise"])
    always = next(metric for metric, said in declared.metrics.items() if "when" not in said)
    none = [metric for metric in found if not re.fullmatch(re.sub(r"{\w+}", ".+", always), metric)]
    with pytest.raises(InputError, match=re.escape(f"metrics.{always}: {name}.py does not measure it; remove it")):
        check_metrics(name, declared, none)
    more = declared._replace(metrics=declared.metrics | {"nowhere": {}})
    with pytest.raises(InputError, match=f"benchmarks/{name}.yaml: metrics.nowhere: {name}.py does not measure it"):
        check_metrics(name, more, found)


@pytest.mark.parametrize("module", MODULES)
def test_settings_are_the_declared_ones(module: ModuleType) -> None:
    assert evaluate.step(module.__name__.rpartition(".")[2]).settings is module.Settings


def test_settings_that_only_one_of_module_and_declaration_has_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = benchmarks()["waterbirds"]
    more = declared._replace(settings=declared.settings | {"colour": {"type": "integer"}})
    monkeypatch.setattr(evaluate.declared_benchmarks, "benchmark", {"waterbirds": more}.get)
    with pytest.raises(InputError, match=r"waterbirds.yaml: settings: colour in one of the declaration and"):
        evaluate.step("waterbirds")
    with pytest.raises(InputError, match="no benchmark is called 'waterbird'; did you mean waterbirds"):
        evaluate.step("waterbird")
