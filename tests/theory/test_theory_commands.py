"""The commands: what they write, and one line and no file for bad input."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tradeoffs.claims.row import Claim
from tradeoffs.figures import catalogue
from tradeoffs.results.theory_tables import read_table, write_table
from tradeoffs.runner import commands
from tradeoffs.step.command import execute
from tradeoffs.step.errors import InputError
from tradeoffs.theory import command
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import anticausal_model, two_feature_model
from tradeoffs.theory.turning import turning_scale

MODEL = {"noise": 0.5, "correlation": 0.7}
SPECS = {
    "curves": (
        "curves",
        MODEL
        | {
            "scales": [0.5, 2],
            "norms": ["1", "2", "inf"],
            "largest_budget": 2,
            "budgets": 21,
            "test_correlations": [0, -0.7],
        },
    ),
    "phase": ("phase", {"noise": 0.5, "largest_scale": 3.0, "cells": 4, "budget_fractions": [0.5]}),
    "claims": (
        "claims",
        {"noise": 0.5, "scales": [0.5, 2], "correlations": [0.7], "core_noises": [0.5]}
        | {"budgets": 10, "random_models": 2, "seed": 0},
    ),
    "simulation": (
        "simulation",
        MODEL | {"scale": 2, "features": [2], "samples": [50, 200], "budgets": [0.3], "seeds": 3, "seed": 0},
    ),
    "pgd_simulation": (
        "pgd",
        MODEL | {"scale": 2, "samples": 60, "budgets": [0.3], "seeds": 2, "attack_steps": 2, "updates": 3, "seed": 0},
    ),
    "anticausal_curves": (
        "anticausal_curves",
        {"core_noise": 0.5, "correlation": 0.7, "scales": [0.5, 2], "norms": ["1", "2", "inf", "3"]}
        | {"budgets": 21, "test_correlations": [0, -0.7]},
    ),
    "anticausal_phase": (
        "anticausal_phase",
        {"core_noise": 0.5, "largest_scale": 3.0, "cells": 4, "budget_fractions": [0.5]},
    ),
    "anticausal_simulation": (
        "anticausal_simulation",
        {"core_noise": 0.5, "correlation": 0.7, "scales": [2], "samples": [50], "budget_fractions": [0, 0.5]}
        | {"seeds": 3, "seed": 0},
    ),
}
SECOND = {
    "curves": ("risks", "risks"),
    "claims": ("onsets", "onsets"),
    "anticausal_curves": ("risks", "anticausal_risks"),
}


def run(part, *arguments):
    execute(command.step(part), f"theory {part}", [str(argument) for argument in arguments])


def step(folder, name, spec=None):
    part, default = SPECS[name]
    extra = [f"--{SECOND[name][0]}", folder / f"{SECOND[name][1]}.csv"] if name in SECOND else []
    text = json.dumps(default if spec is None else spec)
    run(part, "--spec", text, "--out", folder / f"{name}.csv", *extra, "--card", folder / f"{name}.json")


def test_every_step_and_the_figures(tmp_path):
    for name in SPECS:
        step(tmp_path, name)
        card = json.loads((tmp_path / f"{name}.json").read_text())
        assert card["spec"] == SPECS[name][1]
        assert card["seconds"] >= 0
    for row in read_table(tmp_path / "curves.csv"):
        theta = minimise(two_feature_model(row["scale"], 0.7, 0.5), row["p"], [row["epsilon"]]).theta[0]
        assert [row["core_weight"], row["spurious_weight"]] == pytest.approx(np.abs(theta), abs=1e-9)
    for row in read_table(tmp_path / "anticausal_curves.csv"):
        theta = minimise(anticausal_model(row["scale"], 0.7, 0.5), row["p"], [row["epsilon"]]).theta[0]
        assert [row["core_weight"], row["spurious_weight"]] == pytest.approx(np.abs(theta), abs=1e-9)
        assert row["duality_gap"] <= 1e-9
        assert row["turning_scale"] == ("" if row["p"] == 3 else pytest.approx(turning_scale(row["p"], 0.7, 0.5)))
    names = ("weights", "phase", "risks", "simulation", "anticausal", "anticausal_phase")
    figures = [f"theory_{name}" for name in names]
    for figure in figures:
        tables = [(f"--{name.replace('_', '-')}", f"{tmp_path / name}.csv") for name in catalogue.entry(figure).reads]
        settings = ["--spec", '{"scale": 2}'] if catalogue.entry(figure).told else []
        options = [*settings, *(word for pair in tables for word in pair), "--card", str(tmp_path / "figures.json")]
        for folder in ("first", "second"):
            assert commands.main(["figure", figure, *options, "--out", str(tmp_path / folder)]) == 0
    names = {path.name for path in (tmp_path / "first").iterdir()}
    assert names == {f"{figure}.{suffix}" for figure in figures for suffix in ("svg", "png")}
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
        if name.endswith("svg"):
            ElementTree.parse(tmp_path / "first" / name)


def test_claims_table_has_the_columns_that_the_study_s_table_has(tmp_path):
    step(tmp_path, "claims")
    header = (tmp_path / "claims.csv").read_text().splitlines()[0]
    assert header == ",".join(Claim._fields)
    rows = read_table(tmp_path / "claims.csv")
    parts = ["theory (i)", "theory (ii)", "theory (iii)"]
    assert {row["claim"] for row in rows} == {f"{part}{family}" for part in parts for family in ("", ", anticausal")}
    assert {row["verdict"] for row in rows} <= {"supported", "contradicted", "undecided"}


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("curves", {"norms": ["0.5"]}, "norm"),
        ("curves", {"norms": ["two"]}, "two"),
        ("curves", {"noise": -1}, "noise"),
        ("curves", {"colour": 1}, "colour"),
        ("phase", {"cells": "many"}, "cells"),
        ("simulation", {"budgets": [-0.1]}, "budget"),
        ("curves", {"scales": []}, "scales"),
        ("curves", {"scales": ["a"]}, "scales"),
        ("curves", {"budgets": 1}, "budgets"),
        ("phase", {"cells": 0}, "cells"),
        ("phase", {"budget_fractions": [1.5]}, "budget_fractions"),
        ("simulation", {"seeds": 1}, "seeds"),
        ("simulation", {"samples": [0]}, "samples"),
        ("simulation", {"samples": [100.5]}, "samples"),
        ("anticausal_curves", {"core_noise": 0}, "core_noise"),
        ("anticausal_phase", {"core_noise": -1}, "core_noise"),
        ("anticausal_simulation", {"correlation": 1.5}, "correlation"),
        ("claims", {"core_noises": [-0.5]}, "core_noises"),
        ("claims", {"budgets": 1}, "budgets"),
    ],
)
def test_a_bad_setting_is_one_line_and_writes_nothing(tmp_path, name, change, word):
    with pytest.raises(InputError, match=word) as caught:
        step(tmp_path, name, SPECS[name][1] | change)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_tables_that_are_missing_empty_or_cut_are_named(tmp_path):
    path = tmp_path / "table.csv"
    with pytest.raises(InputError, match=r"table\.csv"):
        read_table(path)
    write_table(path, {"a": [1.0, None], "b": ["x", "inf"]})
    assert read_table(path) == [{"a": 1.0, "b": "x"}, {"a": "", "b": float("inf")}]
    with pytest.raises(InputError, match=r"table\.csv: no column scale among a, b"):
        read_table(path)[0]["scale"]
    path.write_text("a,b\n1,x\n2")
    with pytest.raises(InputError, match="unequal"):
        read_table(path)
    path.write_text("a,b\n")
    with pytest.raises(InputError, match="no rows"):
        read_table(path)


def test_a_model_of_the_user_s_own(tmp_path, capsys):
    model = tmp_path / "model.csv"
    model.write_text("feature,group,theta,shape,colour\nshape,core,1,1,1.4\ncolour,spurious,0,1.4,4\nnoise,,0.5\n")
    out = tmp_path / "out"
    run("model", "--model", model, "--norms", "1", "inf", "3", "--budgets", 11, "--out", out)
    card = json.loads((out / "model.json").read_text())
    assert card["spurious_scale_threshold"] == pytest.approx(1 / 1.4)
    assert card["collapse_budget"].keys() == {"1", "3", "inf"}
    rows = read_table(out / "weights.csv")
    assert len(rows) == 33
    for row in rows:
        theta = minimise(two_feature_model(2.0, 0.7, 0.5), row["p"], [row["epsilon"]]).theta[0]
        assert [row["theta_shape"], row["theta_colour"]] == pytest.approx(theta, abs=1e-9)
    assert {row["domain"] for row in read_table(out / "risks.csv")} == {"training", "removed", "reversed"}
    assert (out / "theory_weights.png").stat().st_size > 5000
    for bad in (
        ["--norms", "0"],
        ["--largest-budget", "-1"],
        ["--largest-budget", "1e308"],
        ["--budgets", "1"],
        ["--budgets", "10000000000000"],
    ):
        assert commands.main(["theory", "model", "--model", str(model), "--out", str(tmp_path / "none"), *bad]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "none").exists()
