"""Criteria that do not look at the claims: what passes, what fails, and what a failure stops."""

import numpy as np
import pytest

from claims.made_sweeps import CHANCE, CRITERIA, DRAWS, measured, model, study
from tradeoffs.claims import regime
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import CONVERGENCE, Measurements
from tradeoffs.results.study import Model

BUDGETS = (("none", 0.0), ("linf", 1.0), ("linf", 4.0), ("l2", 0.5))
SAME, RAND = "accuracy_mixed_same", "accuracy_mixed_rand"


def grid(replicates: int = 1, *, one_world: bool = False) -> list[Model]:
    return [
        model(
            f"{norm}{epsilon:g}_{number}",
            norm=norm,
            epsilon=epsilon,
            replicate=number,
            world="default" if one_world else f"world{number}",
            benchmarks=("imagenet9",),
        )
        for number in range(1, replicates + 1)
        for norm, epsilon in BUDGETS
    ]


def accuracies(models: list[Model], same: float = 0.9, rand: float = 0.5, noise: float = 0.01) -> Measurements:
    found = measured(models, "imagenet9", SAME, lambda _: same, noise)
    return found | measured(models, "imagenet9", RAND, lambda _: rand, noise)


def trained(models: list[Model], convergence: float = 0.01) -> Measurements:
    return {(m.id, *CONVERGENCE): Measured(convergence, np.full(1, convergence), 1) for m in models}


def failing(checks: list[regime.Check]) -> list[tuple[str, str]]:
    return [(check.criterion, check.subject) for check in checks if not check.passed]


def test_a_sound_study_passes_and_every_cell_and_training_is_checked() -> None:
    models = grid(2)
    found = regime.checks(accuracies(models) | trained(models), study(models, CRITERIA))
    assert failing(found) == []
    cells = ("standard", "linf-trained", "linf-trained at 4", "l2-trained")  # of one budget the largest is the mean
    for criterion, name in (("off chance", SAME), ("below the ceiling", RAND)):
        assert [c.subject for c in found if c.criterion == criterion] == [f"basic {cell}, {name}" for cell in cells]
    assert [c.subject for c in found if c.criterion == "converged"] == [m.id for m in models if m.replicate == 1]
    assert {c.concerns for c in found} == {"background_reliance", "background_reliance.imagenet9"}
    assert regime.warnings(accuracies(models) | trained(models), study(models, CRITERIA)) == {}


def test_without_criteria_nothing_is_checked() -> None:
    models = grid()
    told = study(models)
    assert regime.checks(accuracies(models, 0.1, 0.1) | trained(models, 1.0), told) == []
    assert regime.warnings(accuracies(models, 0.1, 0.1), told) == {}


def test_the_mean_of_a_cell_near_chance_stops_the_measures_of_its_benchmark() -> None:
    models = grid()
    found = accuracies(models)
    for norm in ("linf1_1", "linf4_1"):
        for name in (SAME, RAND):
            found[norm, "imagenet9", name] = Measured(CHANCE + 0.04, np.full(DRAWS, CHANCE + 0.04), 100)
    told = study(models, CRITERIA)
    cells = ("basic linf-trained", "basic linf-trained at 4")
    assert failing(regime.checks(found, told)) == [("off chance", f"{cell}, {SAME}") for cell in cells]
    warnings = regime.warnings(found, told)
    said = "; ".join(f"at chance: {cell}, {SAME} 0.14 (limit 0.15)" for cell in cells)
    of_benchmark = [metric.name for metric in told.reliance if metric.benchmark == "imagenet9"]
    assert of_benchmark[0] == "bg_gap"
    assert warnings == {("imagenet9", name): said for name in of_benchmark}


def test_what_replicates_may_cure_is_not_final() -> None:
    """At a limit within its error, or near that of convergence, another replicate may tell; far off it may not."""
    models = grid()
    told = study(models, CRITERIA)
    sound = accuracies(models) | trained(models)
    key = ("imagenet9", "bg_gap")
    for found, lasts in (
        (sound, False),
        (accuracies(models, same=CHANCE + 0.04, rand=CHANCE, noise=0.1) | trained(models), False),
        (accuracies(models, same=CHANCE + 0.01, rand=CHANCE, noise=0.001) | trained(models), True),
        (accuracies(models, same=0.999, rand=0.99, noise=0.02) | trained(models), False),
        (accuracies(models, same=0.999, rand=0.999, noise=0.001) | trained(models), True),
        (sound | trained(models, 0.06), False),
        (sound | trained(models, 0.2), True),
        (sound | measured(models, *key, lambda _: 0.01, noise=0.01), False),
        (sound | measured(models, *key, lambda _: -0.1, noise=0.01), True),
    ):
        assert (key in regime.warnings(found, told)) is (found is not sound)
        assert (key in regime.final(found, told)) is lasts
        for check in regime.checks(found, told):
            assert not (check.final and check.passed)


@pytest.mark.parametrize("norm", ["none", "linf"])
def test_a_cell_of_which_most_is_no_measurement_has_no_verdict(norm: str) -> None:
    """A normalised gap is 1 where one accuracy is 1, whatever the other one is."""
    models = [m._replace(benchmarks=("salient_imagenet",)) for m in grid(3)]
    told = study(models, CRITERIA)
    found = measured(models, "salient_imagenet", "rcs", lambda _: 0.3) | trained(models)
    assert regime.warnings(found, told) == {}
    cell = [m.id for m in models if m.norm == norm]
    for name in cell[: len(cell) // 2 + 1]:
        found[name, "salient_imagenet", "rcs"] = Measured(1.0, np.ones(DRAWS), 100)
    (said,) = {text for key, text in regime.warnings(found, told).items() if key == ("salient_imagenet", "rcs")}
    assert said.startswith(f"saturated: basic {'standard' if norm == 'none' else 'linf-trained'}, rcs 0.6")
    assert ("salient_imagenet", "rcs") in regime.final(found, told)
    found[cell[0], "salient_imagenet", "rcs"] = Measured(0.3, np.linspace(0.2, 0.4, DRAWS), 100)
    assert regime.warnings(found, told) == {}


def test_models_that_had_no_adversary_stand_for_none() -> None:
    models = grid()
    found = accuracies(models) | trained(models)
    told = study(models, CRITERIA)._replace(on_noise=["linf1_1", "linf4_1"])
    subject = "linf1_1 and 1 more, trained on random noise"
    assert failing(regime.checks(found, told)) == [("an adversary", subject)]
    warnings = regime.warnings(found, told)
    assert set(warnings.values()) == {f"no adversary: {subject} 2 (limit 0)"}
    assert set(warnings) == {(metric.benchmark, metric.name) for metric in told.reliance}


@pytest.mark.parametrize(("noise", "passed"), [(0.01, True), (0.1, False)])
def test_two_standard_errors_are_asked_for_where_they_are_more_than_the_margin(noise: float, passed: bool) -> None:
    models = grid()
    found = accuracies(models, same=CHANCE + 0.1, rand=CHANCE, noise=noise)
    standard = next(c for c in regime.checks(found, study(models, CRITERIA)) if c.criterion == "off chance")
    assert standard.passed == passed
    assert standard.limit == pytest.approx(CHANCE + max(0.05, 2 * noise), rel=0.15)


def test_more_replicates_are_surer() -> None:
    models = grid(8)
    checks = regime.checks(
        accuracies(models, same=CHANCE + 0.1, rand=CHANCE - 0.05, noise=0.1), study(models, CRITERIA)
    )
    assert next(c for c in checks if c.criterion == "off chance").passed


def test_replicates_that_saw_the_same_images_are_no_surer_of_them() -> None:
    models = grid(8, one_world=True)
    found = accuracies(models)
    for key, each in found.items():
        draws = np.random.default_rng(0).normal(each.value, 0.1, DRAWS)  # all by the same images
        found[key] = each._replace(draws=draws)
    one = regime.mean(found, models[:1], "imagenet9", SAME)
    assert regime.mean(found, models, "imagenet9", SAME).error == pytest.approx(one.error)


def test_the_largest_budget_alone_at_chance_stops_them_too() -> None:
    models = grid()
    found = accuracies(models)
    for name in (SAME, RAND):
        found["linf4_1", "imagenet9", name] = Measured(CHANCE, np.full(DRAWS, CHANCE), 100)
    assert failing(regime.checks(found, study(models, CRITERIA))) == [
        ("off chance", f"basic linf-trained at 4, {SAME}")
    ]


@pytest.mark.parametrize(("gap", "stopped"), [(0.019, {"bg_gap"}), (0.03, set()), (-0.1, {"bg_gap"})])
def test_a_gap_of_standard_models_at_its_floor_stops_what_is_said_of_it_and_nothing_else(
    gap: float, stopped: set[str]
) -> None:
    models = grid()
    found = accuracies(models) | measured(models, "imagenet9", "bg_gap", lambda _: gap, 0.01)
    told = study(models, CRITERIA)
    (room,) = (c for c in regime.checks(found, told) if c.criterion == "room to fall")
    assert (room.subject, room.value, room.passed) == ("bg_gap, standard models", gap, not stopped)
    assert room.limit == pytest.approx(0.02, rel=0.15)
    assert room.concerns == "background_reliance.imagenet9.bg_gap"
    assert {name for _, name in regime.warnings(found, told)} == stopped
    (lenient,) = regime.of_gap(
        found,
        study(models, CRITERIA | {"standard_errors": 0}),
        told.reliance[0]._replace(benchmark="imagenet9", name="bg_gap", gap=True),
    )
    assert lenient.passed == (gap > 0)


def test_one_accuracy_at_chance_and_one_above_the_ceiling_are_no_failure_by_themselves() -> None:
    """A gap from .99 to .1 is as large as a gap can be: only where both are at the same end it says nothing."""
    models = grid()
    assert failing(regime.checks(accuracies(models, 0.99, 0.1), study(models, CRITERIA))) == []
    both = failing(regime.checks(accuracies(models, 0.999, 0.99), study(models, CRITERIA)))
    assert {criterion for criterion, _ in both} == {"below the ceiling"}


def test_a_network_that_still_learns_stops_every_measure_and_controls_are_not_asked() -> None:
    control = model("weak", "control", benchmarks=("imagenet9",))
    models = [*grid(), control]
    found = accuracies(models) | trained(models) | trained([control], 0.9)
    assert regime.warnings(found, study(models, CRITERIA)) == {}
    found |= trained([models[2]], 0.2)
    warnings = regime.warnings(found, study(models, CRITERIA))
    assert warnings["imagenet9", "bg_gap"] == "not converged: linf4_1 0.2 (limit 0.05)"
    assert len(warnings) == len(study(models).reliance)


def test_a_warning_names_three_and_counts_the_others() -> None:
    models = grid(2)
    said = regime.warnings(accuracies(models) | trained(models, 0.5), study(models, CRITERIA))["imagenet9", "bg_gap"]
    assert said.count("not converged: ") == 3
    assert said.endswith("; 1 more in regime.csv")


def test_a_training_is_judged_by_the_mean_over_its_replicates() -> None:
    """One of many that is beyond the limit by chance takes no verdict, one that is too short in the mean does."""
    models = grid(10)
    late = [m for m in models if (m.norm, m.epsilon) == ("linf", 4.0)]
    found = accuracies(models) | trained(models) | trained(late[3:4], 0.2)  # the limit is 0.05
    assert failing(regime.checks(found, study(models, CRITERIA))) == []
    found |= trained(late[:5], 0.2)
    (failed,) = (c for c in regime.checks(found, study(models[::-1], CRITERIA)) if not c.passed)
    assert (failed.criterion, failed.subject) == ("converged", late[-1].id)
    assert failed.value == pytest.approx((5 * 0.2 + 5 * 0.01) / 10)


def test_copies_of_a_standard_model_are_judged_apart() -> None:
    copies = [model(f"standard{copy}_{r}", benchmarks=("imagenet9",), replicate=r) for r in (1, 2) for copy in "ab"]
    models = [*grid(2), *copies]
    found = accuracies(models) | trained(models) | trained([m for m in copies if "b" in m.id], 0.2)
    assert failing(regime.checks(found, study(models, CRITERIA))) == [("converged", "standardb_1")]


def test_models_that_were_not_trained_here_are_not_asked_whether_they_converged() -> None:
    models = grid()
    assert not [c for c in regime.checks(accuracies(models), study(models, CRITERIA)) if c.criterion == "converged"]
