"""What was measured beside what others published."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from results.synthetic_study import CONFIG, IMAGENET_BENCHMARKS, Run, Study, assert_drawn, metric_names, table
from tradeoffs.figures import published as figure
from tradeoffs.figures.settings import Settings
from tradeoffs.models import zoo
from tradeoffs.models.released_files import RELEASED
from tradeoffs.results.published_numbers import INTERPOLATION, LIBRARIES, PUBLISHED, Published
from tradeoffs.results.table import SUMMARY_COLUMNS
from tradeoffs.runner import commands
from tradeoffs.study.specification import declared

Row = tuple[str, str, str, float, int]  # model, benchmark, metric, value, number of images
IMAGES = {"imagenet": 50_000, "imagenet9": 4050, "waterbirds": 5794}
# Of the shared classes ObjectNet 1.0 has 18,574 images and validation 6,250; a difference is of both.
OBJECTNET_IMAGES = {"objectnet": 18_574, "validation": 6_250, "drop": 24_824}
Compare = Callable[[Sequence[Row]], dict[tuple[str, str], dict[str, str]]]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Run the command on a summary of these rows; returns its rows by model and metric, the last where several."""

    def run(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, str]]:
        lines = [",".join(SUMMARY_COLUMNS)]
        lines += [f"imagenet,{m},main,net,none,0,0,{b},{k},{v},{v - 0.01},{v + 0.01},{n}" for m, b, k, v, n in rows]
        (tmp_path / "summary.csv").write_text("\n".join(lines) + "\n")
        files = {"summary": "summary.csv", "out": "comparison.csv", "card": "card.json"}
        options = [word for option, name in files.items() for word in (f"--{option}", str(tmp_path / name))]
        assert commands.main(["published", *options]) == 0
        return {(row["model"], row["metric"]): row for row in table(tmp_path / "comparison.csv")}

    return run


def as_published(entry: Published, difference: float = 0.0) -> Row:
    images = IMAGES.get(entry.benchmark) or OBJECTNET_IMAGES[entry.metric.partition("_")[0]]
    return (entry.model, entry.benchmark, entry.metric, entry.value + difference, images)


def entry_of(model: str, metric: str) -> Published:
    return next(entry for entry in PUBLISHED if (entry.model, entry.metric) == (model, metric))


def test_every_number_is_of_a_metric_that_the_benchmark_measures() -> None:
    for entry in PUBLISHED:
        assert entry.metric in metric_names(IMAGENET_BENCHMARKS, entry.benchmark)
        assert 0 < entry.value < 1, "percent instead of a fraction"
        assert entry.why
        assert entry.protocol
        assert entry.source


def test_clean_accuracies_are_those_of_all_released_checkpoints() -> None:
    found = {entry.model: entry.value for entry in PUBLISHED if entry.benchmark == "imagenet"}
    assert found == {entry.model: entry.clean_accuracy for entry in RELEASED} | {
        entry.id: entry.clean.accuracy for entry in zoo.listed()
    }
    assert found["resnet50_linf_eps4"] == 0.6386  # the model card


def test_the_tolerance_of_a_published_model_grows_with_what_was_measured_otherwise() -> None:
    same = entry_of("Salman2020_wide_resnet50_2_linf_eps4", "accuracy")  # all images, bilinear
    fewer = entry_of("Engstrom2019Robustness", "accuracy")  # 5,000 images
    bicubic = entry_of("ARES_ConvNext_Base_AT", "accuracy")
    assert same.tolerance == LIBRARIES
    spread = 3 * (0.6256 * (1 - 0.6256) * (1 / 5000 - 1 / 50_000)) ** 0.5
    assert fewer.tolerance == pytest.approx(LIBRARIES + spread, abs=1e-4)
    assert bicubic.tolerance is not None
    assert bicubic.tolerance > LIBRARIES + INTERPOLATION
    # Cropped from images that were not resized as ours are.
    assert entry_of("Wong2020Fast", "accuracy").tolerance is None
    assert entry_of("tf_efficientnet_b7_ap", "accuracy").tolerance is None


def test_published_gaps_are_the_differences_of_the_published_accuracies() -> None:
    value = {(entry.model, entry.metric): entry.value for entry in PUBLISHED}
    assert value["resnet50_standard", "bg_gap"] == pytest.approx(
        value["resnet50_standard", "accuracy_mixed_same"] - value["resnet50_standard", "accuracy_mixed_rand"]
    )
    for model in ("resnet18_standard", "resnet50_standard"):
        drop = value[model, "validation_accuracy_restricted"] - value[model, "objectnet_accuracy_restricted"]
        assert value[model, "drop_restricted"] == pytest.approx(drop, abs=0.0006)


@pytest.mark.parametrize(("share", "within"), [(0, "yes"), (0.9, "yes"), (-1, "yes"), (1.1, "no"), (-1.1, "no")])
def test_difference_is_judged_by_the_tolerance_of_its_own_number(compare: Compare, share: float, within: str) -> None:
    entries = [entry_of("resnet50_linf_eps4", "accuracy"), entry_of("resnet18_standard", "drop_restricted")]
    found = compare([as_published(entry, share * (entry.tolerance or 0)) for entry in entries])
    for entry in entries:
        row = found[entry.model, entry.metric]
        assert row["within_tolerance"] == within
        assert float(row["difference"]) == pytest.approx(share * (entry.tolerance or 0), abs=1e-6)
        assert float(row["published"]) == entry.value
        assert row["remark"] == ""


@pytest.mark.parametrize(("images", "within"), [(49_990, "yes"), (49_900, ""), (40, "")])
def test_fewer_images_than_published_are_no_verdict(compare: Compare, images: int, within: str) -> None:
    entry = entry_of("resnet18_l2_eps3", "accuracy")
    row = compare([(*as_published(entry)[:4], images)])[entry.model, entry.metric]
    assert row["within_tolerance"] == within
    if not within:
        assert row["remark"] == f"not comparable: measured on {images} images, published on 50000"
        assert row["value"] != ""


def test_another_protocol_is_shown_without_a_verdict(compare: Compare) -> None:
    entry = entry_of("resnet50_standard", "worst_group_accuracy")
    row = compare([as_published(entry)])[entry.model, entry.metric]
    assert (row["within_tolerance"], row["tolerance"]) == ("", "")
    assert row["remark"] == "not comparable: not the same protocol"
    assert "linear head" in row["why_tolerance"]


def test_what_was_not_measured_is_empty_with_the_reason(compare: Compare, tmp_path: Path) -> None:
    found = compare([("resnet50_standard", "imagenet9", "accuracy_original", 0.95, 4050)])
    row = found["resnet50_standard", "accuracy"]
    assert [row[key] for key in ("value", "ci_low", "ci_high", "n", "difference", "within_tolerance")] == [""] * 6
    assert row["published"] == "0.758"
    assert row["remark"].startswith("not measured: benchmark not run")
    assert found["resnet50_standard", "bg_gap"]["remark"] == "not measured: no such metric"
    # Models of other studies are not listed, but named in the card.
    assert {model for model, _ in found} == {"resnet50_standard"}
    card = json.loads((tmp_path / "card.json").read_text())
    assert "resnet18_linf_eps8" in card["not_in_this_study"]
    assert sum(card["counts"].values()) == len(table(tmp_path / "comparison.csv"))


@pytest.mark.parametrize("content", [None, "", "study,model\nx,y\n", "\x00\xff"])
def test_broken_summary_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None) -> None:
    path = tmp_path / "summary.csv"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    out = tmp_path / "out.csv"
    files = ["--summary", str(path), "--out", str(out), "--card", str(tmp_path / "card")]
    assert commands.main(["published", *files]) == 2
    assert re.fullmatch(r"error: .*summary.csv.*\n", capsys.readouterr().err)
    assert not out.exists()


def test_figure_has_a_line_per_number_and_says_what_was_not_measured(
    compare: Compare, run_figure: Run, tmp_path: Path
) -> None:
    entries = [entry for entry in PUBLISHED if entry.model.startswith("resnet50") and entry.benchmark != "imagenet9"]
    rows = {as_published(entry)[:3]: as_published(entry) for entry in entries}
    compare(list(rows.values()))
    drawn = figure.draw(Settings(declared(CONFIG)), published=tmp_path / "comparison.csv")
    left, right = drawn.axes
    assert {"resnet50_linf_eps8", "resnet50_standard, drop_restricted", "resnet50_standard, bg_gap"} <= {
        label.get_text() for label in right.get_yticklabels()
    }
    assert sum("not measured" in text.get_text() for text in right.texts) == 4
    identity = left.lines[0]
    np.testing.assert_array_equal(identity.get_xdata(), identity.get_ydata())
    assert run_figure("published", {"published": tmp_path / "comparison.csv"}, tmp_path / "figures") == 0
    assert_drawn(tmp_path / "figures" / "published.png")


def test_figure_of_a_study_that_nobody_published_about(compare: Compare, run_figure: Run, tmp_path: Path) -> None:
    assert compare([("mine", "imagenet", "accuracy", 0.5, 50_000)]) == {}
    assert run_figure("published", {"published": tmp_path / "comparison.csv"}, tmp_path / "figures") == 0
    assert (tmp_path / "figures" / "published.svg").stat().st_size > 0


def test_summary_of_the_synthetic_study_is_compared_whole(
    make_imagenet_study: Callable[..., Study], make_tables: Callable[[Study], Path]
) -> None:
    folder = make_tables(make_imagenet_study(benchmarks=("imagenet", "imagenet9", "objectnet", "waterbirds")))
    options = ["--summary", str(folder / "summary"), "--out", str(folder / "comparison"), "--card", str(folder / "c")]
    assert commands.main(["published", *options]) == 0
    rows = table(folder / "comparison")
    assert len({row["model"] for row in rows if row["benchmark"] == "imagenet"}) == 22
    assert not [row for row in rows if row["value"] == ""]
