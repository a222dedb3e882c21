"""The figure of reliance against accuracy: its lines are those of the summary, its axis is labelled in fractions."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from results.synthetic_study import CONFIG, Run, Study, assert_drawn, imagenet_plan
from tradeoffs.figures import accuracy_control
from tradeoffs.figures.settings import Settings
from tradeoffs.results.metrics import Metric
from tradeoffs.results.standard_line import logit
from tradeoffs.results.study import Model
from tradeoffs.study.specification import declared

CONTROLS = [(f"control{number}", f"net{number}", "none", 0.0) for number in range(4)]
METRIC = Metric("imagenet9", "bg_gap", "BG-gap", "accuracy lost", "more")


def plan(model: Model, benchmark: str, metric: str) -> float:
    if model.id.startswith("control") and (benchmark, metric) == ("imagenet", "accuracy"):
        return 0.5 + 0.07 * int(model.id[-1])
    return imagenet_plan(model, benchmark, metric)


@pytest.fixture
def make_controlled(make_imagenet_study: Callable[..., Study], run_summary: Run, tmp_path: Path) -> Callable[..., Path]:
    """Write the tables of a study of ImageNet with four controls, those of its extras called control."""

    def make(**choices: Any) -> Path:
        study = make_imagenet_study(plan, **{"extras": CONTROLS} | choices)
        spec = json.loads(study.spec)
        for each in spec["models"]:
            each["role"] = "control" if each["id"].startswith("control") else each["role"]
        assert run_summary(study._replace(spec=json.dumps(spec))) == 0
        (tmp_path / "out").rename(tmp_path / "summary")
        (tmp_path / "card").rename(tmp_path / "summary_card")
        return tmp_path

    return make


def figure(folder: Path) -> Any:
    settings = Settings(declared(CONFIG))
    return accuracy_control.draw(settings, summary=folder / "summary", sweeps=folder / "sweeps")


def test_a_panel_a_headline_measure_in_the_order_of_the_benchmarks(
    make_controlled: Callable[..., Path], run_figure: Run
) -> None:
    folder = make_controlled(benchmarks=("imagenet", "imagenet9", "waterbirds"))
    titles = [axes.get_title() for axes in figure(folder).axes if axes.get_visible()]
    assert titles == ["ImageNet-9", "Waterbirds"]
    assert run_figure("accuracy_control", folder, folder / "figures") == 0
    assert_drawn(folder / "figures" / "accuracy_control.png")


def test_the_lines_are_those_that_the_summary_judges_by(make_controlled: Callable[..., Path]) -> None:
    folder = make_controlled(benchmarks=("imagenet", "imagenet9"))
    summary = pd.read_csv(folder / "summary", keep_default_na=False).set_index(["model", "metric"])["value"]
    (axes,) = (axes for axes in figure(folder).axes if axes.get_visible())
    (line,) = (line for line in axes.lines if line.get_color() == "#555555" and line.get_linestyle() == "-")
    x, y = line.get_data()
    robust = "resnet50_linf_eps4"
    at = float(logit(np.array(summary[robust, "accuracy"]), 500))
    given = summary[robust, "bg_gap"] - summary[robust, "bg_gap_beyond_accuracy"]
    assert y[0] + (at - x[0]) * (y[1] - y[0]) / (x[1] - x[0]) == pytest.approx(given, abs=1e-4)
    # Solid from the least to the most accurate standard model.
    np.testing.assert_allclose(x, logit(np.array([0.5, 0.76]), 500), atol=1e-4)
    labels = {text.get_text(): place for text, place in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)}
    assert labels["0.6"] == pytest.approx(np.log(0.6 / 0.4))


def test_without_a_line_the_models_are_there_and_the_panel_says_so(make_controlled: Callable[..., Path]) -> None:
    folder = make_controlled(benchmarks=("imagenet", "imagenet9"), extras=())
    (axes,) = (axes for axes in figure(folder).axes if axes.get_visible())
    assert [text.get_text() for text in axes.texts] == ["no line: too few standard models"]
    assert not [line for line in axes.lines if line.get_color() == "#555555"]


@pytest.mark.parametrize("benchmarks", [("imagenet",), ("imagenet9",)])
def test_without_accuracy_or_measures_it_says_why(
    make_controlled: Callable[..., Path], run_figure: Run, benchmarks: tuple[str, ...]
) -> None:
    folder = make_controlled(benchmarks=benchmarks)
    assert run_figure("accuracy_control", folder, folder / "figures") == 0
    assert_drawn(folder / "figures" / "accuracy_control.png")


def test_controls_are_there_and_other_sweeps_are_not(make_controlled: Callable[..., Path]) -> None:
    folder = make_controlled(benchmarks=("imagenet", "imagenet9"))
    sweeps = pd.read_csv(folder / "sweeps", keep_default_na=False)
    sweeps.loc[sweeps["model"] == "control3", "sweep"] = "correlation"
    table = pd.concat(
        [pd.read_csv(folder / "summary", keep_default_na=False), sweeps[sweeps["sweep"] == "control"]],
        ignore_index=True,
    )
    shown = accuracy_control.points(table, METRIC)
    assert {"control0", "control1", "control2"} <= set(shown["model"])
    assert "control3" not in set(shown["model"])


def measured(study: str, *models: tuple[str, str, float, int, float, float]) -> pd.DataFrame:
    """Return a table of models: id, architecture, budget, replicate, clean accuracy and BG-gap."""
    rows = []
    for name, architecture, epsilon, replicate, accuracy, gap in models:
        norm = "linf" if epsilon else "none"
        model = {"study": study, "model": name, "role": "main", "architecture": architecture, "norm": norm}
        model |= {"epsilon": epsilon, "replicate": replicate, "objective": None, "n": 500}
        for (benchmark, metric), value in {("imagenet", "accuracy"): accuracy, ("imagenet9", "bg_gap"): gap}.items():
            interval = {"value": value, "ci_low": value - 0.01, "ci_high": value + 0.01}
            rows.append({**model, "benchmark": benchmark, "metric": metric, **interval})
    return pd.DataFrame(rows)


def drawn_lines(rows: pd.DataFrame, style: str = "-") -> list[Any]:
    axes = Figure().subplots()
    accuracy_control.lines(axes, rows, accuracy_control.line_styles(rows))
    return [line for line in axes.lines if line.get_linestyle() == style]


def test_the_line_of_a_single_judged_model_is_the_one_through_the_standard_models() -> None:
    accuracies = (0.55, 0.62, 0.7, 0.78)
    x = logit(np.array(accuracies), 500)
    standard = [(f"s{i}", f"net{i}", 0.0, 1, a, 0.4 - 0.1 * x[i]) for i, a in enumerate(accuracies)]
    rows = accuracy_control.points(measured("imagenet", *standard, ("robust", "net0", 4.0, 1, 0.6, 0.3)), METRIC)
    (line,) = drawn_lines(rows)
    np.testing.assert_allclose(line.get_xdata(), [x[0], x[-1]])
    np.testing.assert_allclose(line.get_ydata(), 0.4 - 0.1 * np.array([x[0], x[-1]]))
    robust = rows.set_index("model")["line"]["robust"]
    assert robust == pytest.approx(0.4 - 0.1 * float(logit(np.array(0.6), 500)))


@pytest.mark.parametrize(("study", "worlds"), [("miniature", 2), ("imagenet", 1)])
def test_each_world_has_the_lines_of_its_own_standard_models(study: str, worlds: int) -> None:
    """Published images are one world, whatever the replicate; two standard models of an architecture make no line."""
    ends = {1: (0.7, 0.8), 2: (0.85, 0.95)}
    models = [
        (f"{name}{place}_rep{replicate}", name, 0.0, replicate, ends[replicate][place] - place * 0.02 + shift, 0.2)
        for replicate in ends
        for name, shift in (("basic", 0.0), ("bottleneck", 0.02))
        for place in (0, 1)
    ]
    robust = [(f"robust{replicate}", "basic", 4.0, replicate, 0.75, 0.3) for replicate in ends]
    rows = accuracy_control.points(measured(study, *models, *robust), METRIC)
    if worlds == 2:
        found = drawn_lines(rows)
        assert accuracy_control.line_styles(rows) == {accuracy_control.OTHER: "-"}
        expected = [logit(np.array(each), 500) for each in ends.values()]
    else:  # four of each architecture: a line each
        found = [*drawn_lines(rows), *drawn_lines(rows, "--")]
        assert accuracy_control.line_styles(rows) == {"basic": "-", "bottleneck": "--"}
        expected = [logit(np.array(each), 500) for each in ((0.7, 0.93), (0.72, 0.95))]
    np.testing.assert_allclose([line.get_xdata() for line in found], expected)


@pytest.mark.parametrize(
    ("low", "high"), [(0.02, 0.98), (0.6, 0.62), (0.61, 0.65), (0.9, 0.999), (0.3, 0.7), (0.701, 0.709)]
)
def test_ticks_are_fractions_that_leave_room(low: float, high: float) -> None:
    ends = [float(logit(np.array(end), 10**6)) for end in (low, high)]
    found = [float(logit(np.array(tick), 10**6)) for tick in accuracy_control.ticks(*ends)]
    assert 3 <= len(found) <= 9
    assert all(ends[0] <= place <= ends[1] for place in found)
    assert all(after - before >= (ends[1] - ends[0]) / 8 for before, after in pairwise(found))


def test_norms_differ_without_colour_and_budgets_in_size() -> None:
    assert len(set(accuracy_control.FACES.values())) == 3
    assert accuracy_control.FACES["l2"] == "white"
    sizes = [accuracy_control.size(budget, [0.5, 1, 2]) for budget in (0.5, 1, 2)]
    assert sizes == sorted(set(sizes))
    assert accuracy_control.marker("resnet18", ["resnet18", "resnet50"]) != accuracy_control.marker("vit", ["resnet18"])
