"""Reliance beyond accuracy against numpy's own least squares, and from cards to the summary."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.synthetic_study import Run, Study, imagenet_plan, table
from tradeoffs.results.beyond_accuracy import groups, left_out, line, of_models, outside
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.evaluations import Array, read
from tradeoffs.results.measurements import measure
from tradeoffs.results.metrics import Benchmark, Metric, beyond_accuracy
from tradeoffs.results.standard_line import logit, residuals, weights
from tradeoffs.results.study import Model
from tradeoffs.step.errors import InputError

METRIC = Metric("imagenet9", "bg_gap", "BG-gap", "accuracy lost", "more")
RNG = np.random.default_rng(0)
STANDARD = np.array([True, True, True, False, True, True, True, False, False])
GROUP = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])


def fitted(x: Array, y: Array) -> Array:
    """What numpy's least squares gives at x [models], with an intercept a group and one slope."""
    design = np.column_stack([GROUP == 0, GROUP == 1, x])
    found: Array = design @ np.linalg.lstsq(design[STANDARD], y[STANDARD])[0]
    return found


def test_lines_are_least_squares_with_an_intercept_a_group_in_every_draw() -> None:
    x, y = RNG.normal(size=(9, 5)), RNG.normal(size=(9, 5))
    found = residuals(x, y, STANDARD, GROUP)
    for draw in range(5):
        np.testing.assert_allclose(found[:, draw], y[:, draw] - fitted(x[:, draw], y[:, draw]), atol=1e-12)


@pytest.mark.parametrize("apart", [1.0, 1e-2, 1e-4])
def test_standard_models_that_are_close_in_accuracy_have_a_line_all_the_same(apart: float) -> None:
    x = 0.8 + apart * np.arange(3.0)
    standard, group = np.ones(3, dtype=bool), np.zeros(3, dtype=np.int64)
    np.testing.assert_allclose(residuals(x[:, None], 5 * x[:, None], standard, group), 0, atol=1e-9)
    np.testing.assert_allclose(weights(x, standard, group) @ (5 * x), 5 * x)


def test_a_contrast_is_linear_in_the_standard_models_with_the_weights_returned() -> None:
    x, y = RNG.normal(size=9), RNG.normal(size=9)
    shares = weights(x, STANDARD, GROUP)
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(shares @ y[STANDARD], fitted(x, y), atol=1e-12)
    contrast = np.where(STANDARD, 0, 1 / 3)
    effect = contrast @ residuals(x[:, None], y[:, None], STANDARD, GROUP)[:, 0]
    assert effect == pytest.approx(contrast @ y - contrast @ shares @ y[STANDARD])


def test_equal_accuracies_give_a_level_line() -> None:
    y = np.array([[0.1], [0.2], [0.6], [0.5], [0.1], [0.1], [0.1], [0.3], [0.1]])
    found = residuals(np.ones((9, 1)), y, STANDARD, GROUP)
    np.testing.assert_allclose(found[:, 0], [-0.2, -0.1, 0.3, 0.2, 0, 0, 0, 0.2, 0], atol=1e-12)
    np.testing.assert_allclose(weights(np.ones(9), STANDARD, GROUP)[3], [1 / 3] * 3 + [0] * 3)


def test_an_architecture_with_three_standard_models_of_different_accuracy_has_an_intercept_of_its_own() -> None:
    names = ["a", "a", "a", "b", "b", "b", "c", "a", "b", "d"]
    accuracy = np.array([0.5, 0.6, 0.7, 0.5, 0.5, 0.7, 0.8, 0.1, 0.1, 0.1])
    is_standard = np.array([True] * 7 + [False] * 3)
    assert groups(names, accuracy, is_standard).tolist() == [0, 0, 0, 1, 1, 1, 1, 0, 1, 1]
    # Where every standard model is of an architecture with its own line, no other architecture has one.
    alone = [0, 1, 2, 7, 9]
    assert groups([names[i] for i in alone], accuracy[alone], is_standard[alone]).tolist() == [0, 0, 0, 0, -1]


def model(name: str, norm: str, role: str, architecture: str = "a", world: str = "default") -> Model:
    return Model(name, role, architecture, norm, 0.0, 0, world, ("imagenet", "imagenet9"), None, None, None)


def measured(values: dict[str, tuple[float, float]], draws: int = 4) -> dict[tuple[str, str, str], Measured]:
    """Clean accuracy and BG-gap of each model, by id; the draws are the values."""
    return {
        (name, *key): Measured(value, np.full(draws, value), 500)
        for name, pair in values.items()
        for key, value in zip([("imagenet", "accuracy"), ("imagenet9", "bg_gap")], pair, strict=True)
    }


def on_line(accuracy: float) -> float:
    return 0.3 - 0.1 * float(logit(np.array(accuracy), 500))


MODELS = [
    model("standard", "none", "main"),
    model("weak", "none", "control"),
    model("weaker", "none", "control"),
    model("robust", "linf", "main"),
    model("mine", "l2", "extra"),
]
VALUES = {
    "standard": (0.9, on_line(0.9)),
    "weak": (0.8, on_line(0.8)),
    "weaker": (0.7, on_line(0.7)),
    "robust": (0.75, on_line(0.75) + 0.2),
    "mine": (0.6, on_line(0.6) - 0.1),
}


def test_models_of_the_grid_and_the_users_own_are_judged_and_controls_are_not() -> None:
    found = of_models(measured(VALUES), MODELS, [METRIC])
    name = beyond_accuracy(METRIC).name
    assert {model: round(each.value, 9) for (model, _, _), each in found.items()} == {
        "standard": 0,
        "robust": 0.2,
        "mine": -0.1,
    }
    assert {key[1:] for key in found} == {("imagenet9", name)}
    np.testing.assert_allclose(found["robust", "imagenet9", name].draws, 0.2)
    assert found["robust", "imagenet9", name].n == 500


def test_a_model_trained_with_another_objective_is_judged_by_the_line_and_no_part_of_it() -> None:
    other = model("advprop", "none", "extra")._replace(objective="AdvProp")
    values = VALUES | {"advprop": (0.65, on_line(0.65) + 0.3)}
    found = of_models(measured(values), [*MODELS, other], [METRIC])
    name = beyond_accuracy(METRIC).name
    assert found["advprop", "imagenet9", name].value == pytest.approx(0.3)
    without = of_models(measured(VALUES), MODELS, [METRIC])
    assert {key: found[key].value for key in without} == {key: each.value for key, each in without.items()}
    fitted = line(measured(values), [*MODELS, other], METRIC, "default")
    assert fitted is not None
    assert set(fitted.standard) == {"standard", "weak", "weaker"}


def test_the_line_says_what_the_noise_of_the_standard_models_does() -> None:
    values = VALUES | {"weak": (0.8, on_line(0.8) + 0.03)}
    found = line(measured(values), MODELS, METRIC, "default")
    assert found is not None
    assert found.standard == ("standard", "weak", "weaker")
    assert found.df == 1  # three models, an intercept, a slope
    assert found.outside == ("mine",)
    h = 0.5 * found.shares["robust"] + 0.5 * found.shares["mine"]
    assert h.sum() == pytest.approx(1)
    beyond = of_models(measured(values), MODELS, [METRIC])
    name = beyond_accuracy(METRIC).name
    effect = (beyond["robust", "imagenet9", name].value + beyond["mine", "imagenet9", name].value) / 2
    raw = (values["robust"][1] + values["mine"][1]) / 2
    assert effect == pytest.approx(raw - h @ [values[name][1] for name in found.standard])
    # Noise of one variance in the standard models' values is worth sum h^2 of it in the effect.
    rng = np.random.default_rng(1)
    effects = []
    for _ in range(400):
        noisy = {name: (a, y + 0.02 * rng.normal() * (name in found.standard)) for name, (a, y) in VALUES.items()}
        drawn = of_models(measured(noisy), MODELS, [METRIC])
        effects.append((drawn["robust", "imagenet9", name].value + drawn["mine", "imagenet9", name].value) / 2)
    assert np.var(effects) == pytest.approx(0.02**2 * float(h @ h), rel=0.2)


def test_every_world_has_its_own_line() -> None:
    again = [each._replace(id=f"{each.id}_rep2", world="default_rep2", replicate=2) for each in MODELS]
    values = VALUES | {f"{name}_rep2": (accuracy, value + 1) for name, (accuracy, value) in VALUES.items()}
    found = of_models(measured(values), [*MODELS, *again], [METRIC])
    name = beyond_accuracy(METRIC).name
    assert found["robust_rep2", "imagenet9", name].value == pytest.approx(0.2)
    assert outside(measured(values), [*MODELS, *again], [METRIC]) == ["mine", "mine_rep2"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({name: pair for name, pair in VALUES.items() if name != "weak"}, "there are 2, expected at least 3"),
        (VALUES | dict.fromkeys(("standard", "weak", "weaker"), (0.8, 0.1)), "there are 1, expected at least 3"),
    ],
)
def test_without_three_different_standard_models_there_is_a_reason(
    values: dict[str, tuple[float, float]], reason: str
) -> None:
    found = measured(values)
    assert of_models(found, MODELS, [METRIC]) == {}
    assert line(found, MODELS, METRIC, "default") is None
    (said,) = left_out(found, MODELS, [METRIC]).items()
    assert said[0] == "imagenet9.bg_gap_beyond_accuracy"
    assert reason in said[1]
    assert "\n" not in said[1]


def test_without_clean_accuracy_there_is_a_reason_and_without_the_measure_none() -> None:
    gaps = {key: value for key, value in measured(VALUES).items() if key[1] == "imagenet9"}
    assert set(left_out(gaps, MODELS, [METRIC]).values()) == {"clean accuracy (benchmark imagenet) was not measured"}
    accuracies = {key: value for key, value in measured(VALUES).items() if key[1] == "imagenet"}
    assert left_out(accuracies, MODELS, [METRIC]) == {}


def test_a_model_without_a_line_for_its_architecture_is_named() -> None:
    models = [*MODELS, model("other", "linf", "extra", architecture="b")]
    found = measured(VALUES | {"other": (0.5, 0.5)})
    assert "other" not in {key[0] for key in of_models(found, models, [METRIC])}
    assert "of the architecture of other" in left_out(found, models, [METRIC])["imagenet9.bg_gap_beyond_accuracy"]


def test_draws_of_different_number_are_one_line() -> None:
    found = measured(VALUES) | {("robust", "imagenet", "accuracy"): Measured(0.7, np.full(5, 0.7), 500)}
    with pytest.raises(InputError, match=r"robust: 4 bootstrap draws of imagenet9 and 5 of imagenet; evaluate"):
        of_models(found, MODELS, [METRIC])


def test_the_metric_says_what_it_is_and_keeps_its_direction() -> None:
    less = Metric("rival10", "rfs", "RFS", "sensitivity", "less", normalised=True)
    found = Benchmark("rival10", "RIVAL10", (less, Metric("rival10", "accuracy"))).beyond
    (beyond,) = found
    assert (beyond.name, beyond.sign, beyond.normalised) == ("rfs_beyond_accuracy", -1, False)
    assert beyond.label == "RFS beyond a standard model of equal accuracy"
    assert beyond.meaning == "sensitivity, beyond a standard model of equal accuracy"


CONTROLS = [(f"control{number}", f"net{number}", "none", 0.0) for number in range(4)]


def lined(model: Model, benchmark: str, metric: str) -> float:
    """Standard models on a line of the BG-gap; the other ones 0.05 above it."""
    if model.id.startswith("control"):
        accuracy = 0.5 + 0.05 * int(model.id[-1])
    else:
        accuracy = imagenet_plan(model, "imagenet", "accuracy")
    if (benchmark, metric) == ("imagenet", "accuracy"):
        return accuracy
    if metric == "bg_gap":
        return on_line(accuracy) + (0.05 if model.norm != "none" else 0)
    return imagenet_plan(model, benchmark, metric)


def test_the_summary_has_it_and_says_who_is_judged_beyond_the_standard_models(
    make_imagenet_study: Callable[..., Study], run_summary: Run, tmp_path: Path
) -> None:
    study = make_imagenet_study(lined, noise=1e-6, benchmarks=("imagenet", "imagenet9", "objectnet"), extras=CONTROLS)
    spec: dict[str, Any] = json.loads(study.spec)
    for each in spec["models"]:
        each["role"] = "control" if each["id"].startswith("control") else each["role"]
    assert run_summary(study._replace(spec=json.dumps(spec))) == 0
    rows = table(tmp_path / "out")
    found = {row["model"]: row for row in rows if row["metric"] == "bg_gap_beyond_accuracy"}
    assert len(found) == 22
    for row in found.values():
        assert row["benchmark"] == "imagenet9"
        assert float(row["value"]) == pytest.approx(0 if row["norm"] == "none" else 0.05, abs=1e-4)
        assert float(row["ci_low"]) <= float(row["value"]) <= float(row["ci_high"])
    names = {row["metric"] for row in rows if row["metric"].endswith("_beyond_accuracy")}
    assert names == {
        *(f"{name}_beyond_accuracy" for name in ("bg_gap", "gradient_share_background", "swap_change", "swap_flips")),
        *(f"{drop}_{p}_beyond_accuracy" for drop in ("drop", "relative_drop") for p in ("official", "restricted")),
    }
    card = json.loads((tmp_path / "card").read_text())
    assert card["left_out"] == {}
    # Clean accuracy .45, where the least control has .5.
    assert card["extrapolated"] == ["resnet18_linf_eps8", "resnet18_l2_eps5"]


def test_where_it_cannot_be_had_the_summary_says_why_in_a_line_and_in_its_card(
    make_imagenet_study: Callable[..., Study], run_summary: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_summary(make_imagenet_study(benchmarks=("imagenet9", "waterbirds"))) == 0
    assert not [row for row in table(tmp_path / "out") if row["metric"].endswith("_beyond_accuracy")]
    lines = [said for said in capsys.readouterr().out.splitlines() if said.startswith("reliance beyond accuracy")]
    measures = [f"imagenet9.{name}" for name in ("bg_gap", "gradient_share_background", "swap_change", "swap_flips")]
    measures += ["waterbirds.background_swap_gap", "waterbirds.worst_group_accuracy"]
    assert lines == [
        f"reliance beyond accuracy is left out ({', '.join(f'{name}_beyond_accuracy' for name in measures)}): "
        "clean accuracy (benchmark imagenet) was not measured"
    ]
    left = json.loads((tmp_path / "card").read_text())["left_out"]
    assert "clean accuracy" in left["imagenet9.bg_gap_beyond_accuracy"]


def test_claims_see_it(make_imagenet_study: Callable[..., Study]) -> None:
    study = make_imagenet_study(lined, noise=1e-6, benchmarks=("imagenet", "imagenet9"), extras=CONTROLS)
    reliance = [metric._replace(benchmark="imagenet9") for metric in [METRIC]]
    found = measure(read(study.evaluations, study.models), study.models, reliance)
    beyond = found["resnet50_l2_eps3", "imagenet9", "bg_gap_beyond_accuracy"]
    assert beyond.value == pytest.approx(0.05, abs=1e-3)
