"""No row reaches a verdict where a criterion of the regime fails for networks that it rests on."""

import numpy as np
import pytest

from claims.hand_made import by_name, grid, measured, model, strength, study
from claims.made_sweeps import CRITERIA
from tradeoffs.claims import gradient_agreement, objective_sweep, regime, reliance
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import CONVERGENCE, Measurements
from tradeoffs.results.study import Model, Study

GAP = "background_reliance.imagenet9.bg_gap"
ACCURACIES = {"accuracy_mixed_same": 0.9, "accuracy_mixed_rand": 0.7}
MINE = model("mine", "extra", norm="linf", epsilon=4.0, benchmarks=("imagenet9",))
TRADES = model(
    "basic_linf_eps8_trades", "objective_sweep", norm="linf", epsilon=8.0, objective="trades", benchmarks=("imagenet9",)
)


def convergence(models: list[Model], value: float) -> Measurements:
    return {(each.id, *CONVERGENCE): Measured(value, np.full(1, value), 1) for each in models}


def accuracies(models: list[Model], **values: float) -> Measurements:
    found: Measurements = {}
    for name, value in (ACCURACIES | values).items():
        found |= measured(models, "imagenet9", name, lambda _, value=value: value)
    return found


def of_benchmark(*others: Model) -> list[Model]:
    return [*(each._replace(benchmarks=("imagenet9",)) for each in grid()), *others]


def gap(each: Model) -> float:
    return 0.2 + 0.3 * strength(each)


def told(models: list[Model]) -> Study:
    return study(models, criteria=CRITERIA, margins={"other": 0.03})


def test_where_every_headline_has_a_warning_the_row_over_all_has_them_and_misses_nothing() -> None:
    models = of_benchmark()
    found = measured(models, "imagenet9", "bg_gap", gap, trainings=0.002)
    found |= measured(models, "rival10", "rfs_linf", lambda each: -gap(each), trainings=0.002)
    sound = by_name(reliance.claims(found, told(models)))["background_reliance"]
    assert (sound.verdict, sound.warning, sound.missing) == ("supported", None, "")
    rows = by_name(reliance.claims(found | convergence(models, 0.5), told(models)))
    row, part = rows["background_reliance"], rows[GAP]
    assert (row.verdict, row.value, row.rerun, row.missing) == ("undecided", None, None, "")
    assert row.warning == part.warning
    assert "not converged" in str(row.warning)


def test_where_one_headline_has_a_warning_and_one_is_unknown_the_row_over_all_says_both() -> None:
    models = of_benchmark()
    few = [each for each in models if each.id in ("basic_standard", "basic_linf_eps4", "basic_linf_eps8")]
    found = measured(models, "imagenet9", "bg_gap", gap, trainings=0.002)
    found |= measured(few, "rival10", "rfs_linf", lambda each: -gap(each), trainings=0.002)
    row = by_name(reliance.claims(found | convergence(models, 0.5), told(models)))["background_reliance"]
    assert "not converged" in str(row.warning)
    assert "nothing says how much a value varies" in row.missing


def test_the_gradients_share_agrees_with_nothing_where_either_measure_has_a_warning() -> None:
    models = of_benchmark()
    found = measured(models, "imagenet9", "bg_gap", gap, trainings=0.002)
    found |= measured(models, "rival10", gradient_agreement.SHARE, gap, trainings=0.002)
    (sound,) = gradient_agreement.claims(found, told(models))
    assert (sound.verdict, sound.warning) == ("supported", None)
    (row,) = gradient_agreement.claims(found | convergence(models, 0.5), told(models))
    assert (row.verdict, row.value) == ("undecided", 1)
    assert "not converged" in str(row.warning)
    at_chance = accuracies(models, accuracy_mixed_same=0.12, accuracy_mixed_rand=0.12)
    (row,) = gradient_agreement.claims(found | at_chance, told(models))
    assert row.verdict == "undecided"
    assert "at chance" in str(row.warning)


@pytest.mark.parametrize("fault", ["converged", "room to fall"])
def test_a_training_is_not_compared_with_standard_models_of_which_a_criterion_fails(fault: str) -> None:
    models = of_benchmark(TRADES)
    standard = [each for each in models if each.norm == "none"]
    found = accuracies(models) | convergence(models, 0.01)
    found |= measured(models, "imagenet9", "bg_gap", lambda each: 0.2 - 0.1 * (each.norm != "none"), trainings=0.002)
    name = "objectives.trades.linf.imagenet9.bg_gap"
    rows = by_name(objective_sweep.claims(found, told(models)))
    assert (rows[name].verdict, rows[name].warning) == ("contradicted", None)
    if fault == "converged":
        found |= convergence(standard, 0.5)
    else:
        found |= measured(standard, "imagenet9", "bg_gap", lambda _: 0.0, trainings=0.0)
    rows = by_name(objective_sweep.claims(found, told(models)))
    assert rows[name].verdict == "undecided"
    assert regime.FAILURES[fault] in str(rows[name].warning)
    assert rows[f"{name}_than_plain"].warning is None  # it rests on no standard model


@pytest.mark.parametrize("fault", ["converged", "chance"])
def test_a_training_that_fails_a_criterion_itself_has_no_verdict_and_is_listed(fault: str) -> None:
    models = of_benchmark(TRADES)
    found = accuracies(models) | convergence(models, 0.01)
    found |= measured(models, "imagenet9", "bg_gap", lambda each: 0.2 - 0.1 * (each.norm != "none"), trainings=0.002)
    if fault == "converged":
        found |= convergence([TRADES], 0.5)
    else:
        found |= accuracies([TRADES], accuracy_mixed_same=0.11, accuracy_mixed_rand=0.11)
    rows = by_name(objective_sweep.claims(found, told(models)))
    for name in ("objectives.trades.linf.imagenet9.bg_gap", "objectives.trades.linf.imagenet9.bg_gap_than_plain"):
        assert rows[name].verdict == "undecided"
        assert TRADES.id in str(rows[name].warning)
    failed = [check for check in regime.checks(found, told(models)) if not check.passed]
    assert failed
    assert all(check.concerns.startswith("objectives") and TRADES.id in check.subject for check in failed)


def test_a_warning_on_the_grid_takes_the_verdict_of_a_model_of_ones_own() -> None:
    """What it would vary by is learnt from the grid, and what it is compared with is of it."""
    models = of_benchmark(MINE)
    found = accuracies(models) | measured(models, "imagenet9", "bg_gap", gap, trainings=0.002)
    assert by_name(reliance.claims(found, told(models)))[f"{GAP}.mine"].verdict == "supported"
    standard = [each for each in models if each.norm == "none"]
    found |= accuracies(standard, accuracy_mixed_same=0.11, accuracy_mixed_rand=0.11)
    row = by_name(reliance.claims(found, told(models)))[f"{GAP}.mine"]
    assert row.verdict == "undecided"
    assert "at chance: basic standard" in str(row.warning)


@pytest.mark.parametrize(
    ("whose", "value", "said"), [("mine", 0.11, "at chance"), ("reference", 0.99, "at the ceiling")]
)
def test_a_model_of_ones_own_is_judged_by_its_own_accuracies_and_its_references(
    whose: str, value: float, said: str
) -> None:
    reference = model("reference", "extra", benchmarks=("imagenet9",))
    mine = MINE._replace(reference="reference")
    models = of_benchmark(mine, reference, MINE._replace(id="other"))
    found = accuracies(models) | measured(models, "imagenet9", "bg_gap", gap, trainings=0.002)
    rows = by_name(reliance.claims(found, told(models)))
    assert (rows[f"{GAP}.mine"].verdict, rows[f"{GAP}.mine"].warning) == ("supported", None)
    odd = [each for each in models if each.id == whose]
    found |= accuracies(odd, accuracy_mixed_same=value, accuracy_mixed_rand=value)
    rows = by_name(reliance.claims(found, told(models)))
    assert rows[f"{GAP}.mine"].verdict == "undecided"
    assert f"{said}: {whose}" in str(rows[f"{GAP}.mine"].warning)
    assert {rows[name].warning for name in (GAP, f"{GAP}.other")} == {None}
    failed = [check for check in regime.checks(found, told(models)) if not check.passed]
    assert {(check.concerns, check.subject.split(",")[0]) for check in failed} == {
        ("background_reliance.imagenet9", whose)
    }
