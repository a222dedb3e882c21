"""Figures of a study of the user's own models alone, of one or of sixty: every model named, no empty panel, legible."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.synthetic_study import CONFIG, Study, table
from tradeoffs.figures import accuracy_control, adversarial, benchmark, claims, forest, overview, own
from tradeoffs.figures.settings import Settings
from tradeoffs.figures.style import legend_below, use_style
from tradeoffs.study.specification import declared

Make = Callable[..., Study]
Tables = Callable[[Study], Path]
ALL_TOLD = Settings(declared(CONFIG))
UNTESTED = "can be tested, and claims.csv says of each what is missing: no adversarially trained model of a grid"


@pytest.fixture(autouse=True)
def style() -> None:
    use_style()


def drawn_benchmark(folder: Path, name: str) -> Figure:
    """The figure of a benchmark."""
    (told,) = (told for told in ALL_TOLD.benchmarks if told["name"] == name)
    return benchmark.draw(Settings([told]), summary=folder / "summary")


STANDARD = [(f"net{number}", f"net{number}", "none", 0.0) for number in range(3)]
ROBUST = [(f"robust{number}", f"net{number % 3}", "linf", 4.0) for number in range(57)]
NO_GRID: dict[str, Any] = {"architectures": (), "benchmarks": ("imagenet", "imagenet9", "waterbirds", "adversarial")}


@pytest.mark.parametrize(
    ("extras", "compared"),
    [(STANDARD[:1], 0), (ROBUST[:1], 0), ([*STANDARD[:1], *ROBUST[:1]], 1), ([*STANDARD, *ROBUST], 57)],
    ids=["one standard", "one robust", "two", "sixty"],
)
def test_a_study_of_ones_own_models_has_figures_that_name_each_of_them_and_no_empty_panel(
    make_imagenet_study: Make, make_tables: Tables, extras: list[Any], compared: int
) -> None:
    folder = make_tables(make_imagenet_study(**NO_GRID, extras=extras))
    shown = overview.draw(ALL_TOLD, differences=folder / "differences", summary=folder / "summary")
    control = accuracy_control.draw(ALL_TOLD, summary=folder / "summary", sweeps=folder / "sweeps")
    figures = [drawn_benchmark(folder, name) for name in NO_GRID["benchmarks"][:3]]
    figures.append(adversarial.draw(summary=folder / "summary"))
    names = [name for name, *_ in extras]
    for figure in figures:
        assert sorted(label.partition(",")[0] for label in lines_of(figure)) == sorted(names)
    listed = [label.partition(",")[0] for label in lines_of(shown)]
    assert listed == ([name for name in names if name.startswith("robust")] if compared else names)
    for figure in (shown, control, *figures):
        assert all(axes.has_data() for axes in figure.axes if axes.get_visible())
        legible(figure)
    marks = [line for line in control.axes[0].lines if line.get_marker() not in ("None", "")]
    assert len(marks) == len(names)  # models of one architecture and budget are no replicates
    rows = table(folder / "claims")
    untested = [row for row in rows if row["scope"] == "headline" and row["subject"] == "networks"]
    assert {row["verdict"] for row in untested} == {"undecided"}
    assert all("no adversarially trained model" in row["missing"] for row in untested)
    assert UNTESTED in " ".join(claims.draw(claims=folder / "claims").get_suptitle().split())


def test_a_model_of_another_objective_is_named_by_it_and_drawn_as_no_standard_one(
    make_imagenet_study: Make, make_tables: Tables
) -> None:
    study = make_imagenet_study(**NO_GRID, extras=[*STANDARD, ("advprop", "net0", "none", 0.0)])
    told = json.loads(study.spec)
    told["models"][-1]["objective"] = "AdvProp"
    folder = make_tables(study._replace(spec=json.dumps(told)))
    shown = overview.draw(ALL_TOLD, differences=folder / "differences", summary=folder / "summary")
    assert lines_of(shown) == ["advprop, AdvProp"]
    assert "intervals: over images alone" in shown.get_suptitle()
    every = drawn_benchmark(folder, "imagenet9")
    faces = {line.get_markerfacecolor() for line in every.axes[0].lines if line.get_marker() == "D"}
    assert faces == {own.COLOUR, "white"}
    control = accuracy_control.draw(ALL_TOLD, summary=folder / "summary", sweeps=folder / "sweeps")
    assert "AdvProp" in [text.get_text() for text in control.legends[0].get_texts()]
    for figure in (shown, every, control):
        legible(figure)


def test_many_own_models_stand_below_the_grid_a_line_each(make_imagenet_study: Make, make_tables: Tables) -> None:
    folder = make_tables(make_imagenet_study(**NO_GRID | {"architectures": ("resnet18",)}, extras=[*STANDARD, *ROBUST]))
    shown = overview.draw(ALL_TOLD, differences=folder / "differences", summary=folder / "summary")
    figures = [drawn_benchmark(folder, "imagenet9"), adversarial.draw(summary=folder / "summary")]
    for figure, count in ((shown, 57), (figures[0], 60), (figures[1], 60)):
        assert len(lines_of(figure)) == count
        assert all(axes.has_data() for axes in figure.axes)
        legible(figure)


def test_an_own_model_with_nothing_to_be_compared_with_raw_is_not_counted(
    make_imagenet_study: Make, make_tables: Tables
) -> None:
    """As a network of the zoo beside a library's standard ones: it has rows at equal accuracy alone."""
    choices = NO_GRID | {"architectures": ("resnet18",)}
    folder = make_tables(make_imagenet_study(**choices, extras=[*STANDARD[:1], *ROBUST[:1]]))
    rows = pd.read_csv(folder / "differences", keep_default_na=False)
    raw = ~rows["metric"].str.endswith("_beyond_accuracy")
    beyond = rows[(rows["model"] == "robust0") & raw].assign(metric=lambda own: own["metric"] + "_beyond_accuracy")
    pd.concat([rows[rows["model"] != "robust0"], beyond]).to_csv(folder / "differences", index=False)
    shown = overview.draw(ALL_TOLD, differences=folder / "differences", summary=folder / "summary")
    assert "your own" not in shown.get_suptitle()
    assert all(axes.has_data() for axes in shown.axes)


@pytest.mark.parametrize("count", [1, 4, 30])
def test_a_legend_has_as_many_columns_as_its_figure_is_wide_enough_for(count: int) -> None:
    figure = Figure(figsize=(5, 3), layout="constrained")
    figure.subplots()
    legend_below(figure, [Line2D([], [], label=f"entry number {number}") for number in range(count)])
    legible(figure)
    assert len(figure.legends) == 1
    assert len(figure.legends[0].get_texts()) == count


def test_level_lines_beside_own_models_are_named_where_the_grid_is_of_standard_models_alone(
    make_imagenet_study: Make, make_tables: Tables
) -> None:
    choices = NO_GRID | {"architectures": ("resnet18", "resnet50")}
    folder = make_tables(make_imagenet_study(**choices, extras=ROBUST[:2]))
    rows = pd.read_csv(folder / "summary", keep_default_na=False)
    rows[(rows["norm"] == "none") | rows["model"].str.startswith("robust")].to_csv(folder / "summary", index=False)
    figure = drawn_benchmark(folder, "imagenet9")
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named[:2] == ["standard resnet18", "standard resnet50"]
    legible(figure)


def test_values_that_are_all_the_same_are_in_the_middle_of_their_panel(
    make_imagenet_study: Make, make_tables: Tables
) -> None:
    folder = make_tables(make_imagenet_study(**NO_GRID, extras=STANDARD))
    table = pd.read_csv(folder / "summary")
    table[["value", "ci_low", "ci_high"]] = 1.0
    table["objective"] = None
    rows = table[(table["benchmark"] == "waterbirds") & (table["metric"] == "worst_group_accuracy")]
    figure = Figure(figsize=forest.size(forest.labels(rows), 1))
    forest.draw_lines(figure, forest.labels(rows), [forest.Panel("accuracy", rows)])
    assert sum(figure.axes[0].get_xlim()) / 2 == pytest.approx(1)
    legible(figure)


def lines_of(figure: Figure) -> list[str]:
    """Labels of the axis at the left whose labels name models of the user's own, from the top."""
    named = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes]
    return next(labels for labels in named if any(label.startswith(("net", "robust", "advprop")) for label in labels))


def legible(figure: Figure) -> None:
    """No two labels of an axis at the left overlap, and none is cut off; nor is a legend."""
    FigureCanvasAgg(figure).draw()
    width, height = figure.get_size_inches() * figure.dpi
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert box.x0 >= -1, (figure.get_suptitle(), box)
        assert box.x1 <= width + 1, (figure.get_suptitle(), box)
    for axes in figure.axes:
        shown = [label for label in axes.get_yticklabels() if label.get_text() and label.get_visible()]
        boxes = [label.get_window_extent() for label in shown]
        middle = {box.y0 + box.height / 2: box for box in boxes}
        inside = [middle[y] for y in sorted(middle) if axes.bbox.y0 <= y <= axes.bbox.y1]
        assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(inside))
        outside = [box for box in inside if box.x0 < -1 or box.x1 > width or box.y0 < -1 or box.y1 > height + 1]
        assert not outside, (figure.get_suptitle(), axes.get_title(), width, height)
