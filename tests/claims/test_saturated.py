"""A normalised gap of an accuracy of 0 or 1 is no measurement: claims name it, figures cross it out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from results.synthetic_study import Run, Study, flat, metrics_told, table, write_evaluation
from tradeoffs.figures import benchmark
from tradeoffs.results.metrics import saturated
from tradeoffs.results.study import Model
from tradeoffs.results.table import SUMMARY_COLUMNS

METRICS = metrics_told()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((1, 1, 1), True),
        ((-1, -1, -1), True),
        ((1 - 1e-16, 0.9, 1), True),
        ((0, 0, 0), True),
        ((0, -0.1, 0.1), False),
        ((0.99, 0.9, 1), False),
    ],
)
def test_a_normalised_gap_at_its_end_is_saturated(row: tuple[float, float, float], expected: bool) -> None:
    assert saturated(*row) is expected


def test_normalised_gaps_are_declared_and_no_other_metric_is_saturated() -> None:
    assert {name for (_, name), metric in METRICS.items() if metric.normalised} == {"rfs_linf", "rfs_l2", "rcs"}
    rows = pd.DataFrame({"value": [1.0, 0.4], "ci_low": [1.0, 0.3], "ci_high": [1.0, 0.5]})
    assert len(benchmark.no_measurements(rows, METRICS["salient_imagenet", "rcs"])) == 1
    assert benchmark.no_measurements(rows, METRICS["imagenet9", "bg_gap"]).empty


RCS = METRICS["salient_imagenet", "rcs"]
CORE = METRICS["salient_imagenet", "core_accuracy"]
SATURATED = {"basic_l2_eps1", "bottleneck_standard"}


def plan(model: Model, benchmark: str, metric: str) -> float:
    return 1.0 if metric == "rcs" and model.id in SATURATED else flat(model, benchmark, metric)


def saturate(study: Study) -> None:
    """Write the cards of the saturated models again, without any spread."""
    for model in study.models:
        if model.id in SATURATED:
            names = ["accuracy", "core_accuracy", "spurious_accuracy", "rcs"]
            names += ["core_accuracy_by_feature", "spurious_accuracy_by_feature"]
            write_evaluation(study.evaluations, model, "salient_imagenet", names, plan, 0.0, 0)


def test_a_claim_names_what_it_rests_on_that_is_no_measurement(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    study = make_study(plan)
    saturate(study)
    assert run_claims(study) == 0
    evidence = {row["claim"]: row["evidence"] for row in table(tmp_path / "out")}
    said = "; saturated, and so no measurement: "
    key = "background_reliance.salient_imagenet.rcs"
    named = {claim: text.partition(said)[2].split(", ") for claim, text in evidence.items() if said in text}
    assert set(named) == {key, f"{key}.basic.l2", f"{key}.bottleneck.l2", f"{key}.bottleneck.linf"}
    assert set(named[key]) == SATURATED
    assert named[f"{key}.basic.l2"] == ["basic_l2_eps1"]
    assert named[f"{key}.bottleneck.linf"] == ["bottleneck_standard"]


def test_the_figure_crosses_out_what_is_no_measurement(
    make_study: Callable[..., Study], make_tables: Callable[[Study], Path], run_figure: Run, tmp_path: Path
) -> None:
    study = make_study(plan)
    saturate(study)
    make_tables(study)
    rows = pd.read_csv(tmp_path / "summary")
    rows = rows[rows["benchmark"] == "salient_imagenet"]
    assert set(benchmark.no_measurements(rows[rows["metric"] == "rcs"], RCS)["model"]) == SATURATED
    figure = benchmark.draw_benchmark(rows, [RCS, CORE], "Salient ImageNet")
    crosses = [
        [line for line in axes.get_lines() if line.get_marker() == "x"] for axes in figure.axes
    ]  # a row for rcs, l2 and linf, and one for the accuracy
    found = {axes: [line.get_ydata().tolist() for line in lines] for axes, lines in enumerate(crosses) if lines}
    l2 = list(dict.fromkeys(rows[rows["norm"] != "none"]["norm"])).index("l2")
    assert found == {l2: [[1.0], [1.0]], 1 - l2: [[1.0]]}
    (own,) = (line for line in crosses[l2] if line.get_transform() == figure.axes[l2].transData)
    drawn = [line for line in figure.axes[l2].get_lines() if line.get_label() == "basic"]
    assert any(own.get_xdata()[0] in line.get_xdata() for line in drawn)
    assert any("saturated" in text.get_text() for text in figure.legends[0].get_texts())
    sound = rows[~rows["model"].isin(SATURATED)]
    texts = benchmark.draw_benchmark(sound, [RCS], "Salient ImageNet").legends[0].get_texts()
    assert not any("saturated" in text.get_text() for text in texts)
    assert run_figure("benchmark_salient_imagenet", tmp_path, tmp_path / "figures") == 0
    with Image.open(tmp_path / "figures/benchmark_salient_imagenet.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert ((pixels[..., 0] > 180) & (pixels[..., 1] < 60) & (pixels[..., 2] < 60)).sum() > 20


def test_a_cross_on_a_model_of_the_users_own() -> None:
    fixed = ("imagenet", "extra", "vit", "none", 0.0, 0, "salient_imagenet", "rcs")
    rows = pd.DataFrame(
        [(*fixed, "mine", 0.4, 0.3, 0.5, None), (*fixed, "theirs", 1.0, 1.0, 1.0, None)],
        columns=[*SUMMARY_COLUMNS[:1], *SUMMARY_COLUMNS[2:9], "model", "value", "ci_low", "ci_high", "objective"],
    )
    figure = benchmark.draw_benchmark(rows, [RCS], "Salient ImageNet")
    (cross,) = (line for line in figure.axes[-1].get_lines() if line.get_marker() == "x")
    assert (cross.get_xdata().tolist(), cross.get_ydata().tolist()) == ([1], [1.0])
