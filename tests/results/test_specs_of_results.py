"""What summary and claims are told by hand is checked before anything is counted."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tradeoffs.results.reading import read_table
from tradeoffs.results.study import Settings, study_of
from tradeoffs.step.errors import InputError

CRITERIA = {"chance_margin": 0.05, "standard_errors": 2, "ceiling": 0.98, "convergence": 0.1}


def model(name: str, **fields: object) -> dict[str, Any]:
    said = {"role": "main", "architecture": "basic", "norm": "none", "epsilon": 0.0, "seed": 0, "world": "default"}
    known = {"benchmarks": [], "images": None, "correlation": None, "background_scale": None}
    return {"id": name} | said | known | fields


def told(**changes: Any) -> Settings:
    return Settings(**{"study": "s", "models": [model("a")], "benchmarks": [], "criteria": CRITERIA} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": [model("a"), model("a")]}, "models: a is there twice"),
        ({"models": [model("a", norm="l3")]}, "a: norm = 'l3'"),
        ({"models": [model("a", norm="linf")]}, "a: epsilon = 0.0"),
        ({"models": [model("a", norm="linf", epsilon="4")]}, "a: epsilon = 4"),
        ({"level": 2.0}, "level = 2.0"),
        ({"level": -1}, "level = -1"),
        ({"unseen_variance": -2}, "unseen_variance = -2"),
        ({"margins": {"bg_gap": -1}}, "margins.bg_gap = -1"),
        ({"margins": {"bg_gap": True}}, "margins.bg_gap = True"),
        ({"margins": {"bg_gap": "x"}}, "margins.bg_gap = x"),
        ({"criteria": {"ceiling": 0.98}}, "criteria: chance_margin, convergence, standard_errors missing"),
        ({"criteria": CRITERIA | {"ceiling": float("nan")}}, "criteria.ceiling = nan"),
    ],
)
def test_rules_that_make_no_sense_are_one_line(changes: dict[str, Any], message: str) -> None:
    study_of(told())
    with pytest.raises(InputError) as raised:
        study_of(told(**changes))
    assert message in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_names_that_look_like_numbers_are_names(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    pd.DataFrame({"model": ["1", "1e3"], "value": [1, 2], "objective": ["", ""]}).to_csv(path, index=False)
    table = read_table(path, ["model"])
    assert list(table["model"]) == ["1", "1e3"]
    assert table["value"].sum() == 3
    assert list(table["objective"].fillna("none")) == ["none", "none"]
