"""A benchmark that no module has heard of is in every table, claim and figure that there is for benchmarks."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from results.synthetic_study import (
    IMAGENET_BENCHMARKS,
    Study,
    assert_drawn,
    imagenet_models,
    metric_names,
    table,
    write_evaluation,
)
from tradeoffs.figures import benchmark, overview
from tradeoffs.figures.settings import Settings
from tradeoffs.results.study import Model
from tradeoffs.runner import commands
from tradeoffs.step.declared_benchmarks import benchmarks

HEADLINE = {
    "name": "shape_share",
    "label": "share of decisions by shape rather than by texture",
    "meaning": "decisions by shape where shape and texture disagree",
    "direction": "less",
}
TEXTURES = {
    "name": "cue_conflict",
    "title": "Cue conflict",
    "metrics": [HEADLINE, {"name": "top5", "label": "accuracy among five"}, {"name": "n"}],
    "rests_on": [],
    "chance": None,
}
NEUTRAL = {
    "name": "calibration",
    "title": "Calibration",
    "metrics": [{"name": "error", "label": "error"}],
    "rests_on": [],
    "chance": None,
}
NAMES = {"cue_conflict": ["shape_share", "top5", "n"], "calibration": ["error"]}


def plan(model: Model, benchmark: str, metric: str) -> float:
    """The more adversarial training, the fewer decisions by shape."""
    strength = {"none": 0.0, "linf": model.epsilon / 8, "l2": model.epsilon / 5}[model.norm]
    return 0.6 - 0.3 * strength if metric == "shape_share" else 0.5


@pytest.fixture
def folder(tmp_path: Path, make_tables: Callable[[Study], Path]) -> Path:
    """Its tables."""
    models = imagenet_models(benchmarks=tuple(NAMES), extras=())
    for number, model in enumerate(models):
        for name in NAMES:
            write_evaluation(tmp_path / "evaluations", model, name, NAMES[name], plan, 0.01, number)
    listed = [model._asdict() for model in models]
    spec = {"study": "imagenet", "models": listed, "benchmarks": [TEXTURES, NEUTRAL]}
    return make_tables(Study(json.dumps(spec), models, tmp_path / "evaluations"))


def test_its_measure_of_reliance_is_claimed_with_a_verdict(folder: Path) -> None:
    rows = {row["claim"]: row for row in table(folder / "claims")}
    row = rows["background_reliance.cue_conflict.shape_share"]
    assert (row["verdict"], row["scope"], row["subject"]) == ("supported", "headline", "networks")
    assert row["statement"].startswith("On Cue conflict, adversarially trained models rely on backgrounds more")
    assert row["statement"].endswith("(shape_share lower: decisions by shape where shape and texture disagree).")
    assert float(row["value"]) > 0  # oriented: fewer decisions by shape are more reliance
    detail = rows["background_reliance.cue_conflict.shape_share.resnet50.l2"]
    assert (detail["scope"], detail["norm"]) == ("exploratory", "l2")
    assert rows["background_reliance"]["statement"].endswith("on every benchmark (Cue conflict).")
    assert {row["metric"] for row in table(folder / "differences")} == {"shape_share"}
    assert {row["metric"] for row in table(folder / "summary")} == {"shape_share", "top5", "n", "error"}


def test_it_has_a_figure_of_its_own_and_a_column_in_the_overview(folder: Path) -> None:
    everything = Settings([TEXTURES, NEUTRAL])
    shown = overview.draw(everything, differences=folder / "differences", summary=folder / "summary")
    titles = [axes.get_title().replace("\n", " ") for axes in shown.axes[:1]]
    assert titles == ["Cue conflict share of decisions by shape rather than by texture (sign turned)"]
    own = benchmark.draw(Settings([TEXTURES]), summary=folder / "summary")
    labels = [axes.get_ylabel().replace("\n", " ") for axes in own.axes[::2]]
    assert labels == [
        "share of decisions by shape rather than by texture (lower = more reliance)",
        "accuracy among five",
    ]
    for name, told, read in (
        ("overview", everything, ("differences", "summary")),
        ("benchmark_cue_conflict", Settings([TEXTURES]), ("summary",)),
        ("benchmark_calibration", Settings([NEUTRAL]), ("summary",)),
    ):
        options = [word for each in read for word in (f"--{each}", str(folder / each))]
        out = ["--out", str(folder / "figures"), "--card", str(folder / "card.json")]
        assert commands.main(["figure", name, "--spec", json.dumps(told._asdict()), *options, *out]) == 0
        assert_drawn(folder / "figures" / f"{name}.png")


def test_a_benchmark_without_a_measure_of_reliance_makes_no_claim(folder: Path) -> None:
    assert not [row for row in table(folder / "claims") if "calibration" in row["claim"].lower()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"direction": "up"}, "benchmarks[0].metrics[0].direction = 'up'; expected more or less, or none"),
        ({"colour": "red"}, "benchmarks[0].metrics[0]: "),
        ({"label": None}, "benchmarks[0].metrics[0].label is None; expected str"),
        ({"normalised": "yes"}, "benchmarks[0].metrics[0].normalised is 'yes'; expected bool"),
    ],
)
def test_a_wrong_declaration_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], message: str
) -> None:
    broken = TEXTURES | {"metrics": [HEADLINE | change]}
    spec = json.dumps({"benchmarks": [broken]})
    out = ["--out", str(folder / "figures"), "--card", str(folder / "card.json")]
    options = ["--spec", spec, "--summary", str(folder / "summary"), *out]
    assert commands.main(["figure", "benchmark_cue_conflict", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("name", IMAGENET_BENCHMARKS)
def test_every_metric_of_a_card_is_declared_and_every_declared_one_is_on_a_card(name: str) -> None:
    measured = metric_names(IMAGENET_BENCHMARKS, name)
    if name == "objectnet":  # of all models together, added by the summary
        measured += [f"effective_robustness_{protocol}" for protocol in ("official", "restricted")]
    patterns = {
        metric: "(.+)".join(map(re.escape, re.split(r"\{\w+\}", metric))) for metric in benchmarks()[name].metrics
    }
    for metric, pattern in patterns.items():
        assert any(re.fullmatch(pattern, each) for each in measured), metric
    for each in measured:
        assert any(re.fullmatch(pattern, each) for pattern in patterns.values()), each
