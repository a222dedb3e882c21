"""What a benchmark's declaration says of its metrics: a mistake is one line that names file and key."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from project_root import ROOT
from tradeoffs.step.declarations import benchmarks
from tradeoffs.step.errors import InputError

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
        (lambda said: said.update(colour="red"), "missing or unknown key colour; "),
        (lambda said: said.update(metrics={}), "metrics = {}; expected names"),
        (lambda said: said["metrics"].update(new="x"), "metrics.new = 'x'; expected keys and their values, or {}"),
        (
            lambda said: said["metrics"].update(new={"direction": "up"}),
            "metrics.new.direction = 'up'; expected more or",
        ),
        (lambda said: said["metrics"].update(new={"unit": "%"}), "metrics.new.unit: unknown key; expected any of dir"),
        (lambda said: said["metrics"].update(new={"label": 3}), "metrics.new.label = 3; expected text"),
    ],
)
def test_a_wrong_declaration_is_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    shutil.copy(FOLDER / "waterbirds.yaml", tmp_path)
    said = yaml.safe_load((tmp_path / "waterbirds.yaml").read_text())
    change(said)
    (tmp_path / "waterbirds.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        benchmarks(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path}/waterbirds.yaml: ")
    assert len(str(raised.value).splitlines()) == 1
