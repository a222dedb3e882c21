"""What adversarial training does to reliance as the background's contrast shrinks."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from claims.made_sweeps import CRITERIA, DRAWS, by_name, fitted_change, measured, model, study
from tradeoffs.claims import scale_effects, scale_sweep
from tradeoffs.claims.regime import checks
from tradeoffs.claims.row import Claim
from tradeoffs.claims.variance import UNSEEN_DF
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import CONVERGENCE, Measurements
from tradeoffs.results.study import Model
from tradeoffs.step.errors import InputError

SCALES = (0.2, 0.4, 0.7, 1.0)
TRAININGS = (("none", 0.0), ("linf", 4.0), ("linf", 8.0), ("l2", 1.0))


def swept(scales: Sequence[float] = SCALES, replicates: int = 1) -> list[Model]:
    return [
        model(
            f"scale{scale:g}_{norm}{epsilon:g}_{replicate}",
            "background_scale_sweep",
            norm=norm,
            epsilon=epsilon,
            background_scale=scale,
            replicate=replicate,
            world=f"background_scale{scale:g}_{replicate}",
            benchmarks=("imagenet9",),
        )
        for replicate in range(1, replicates + 1)
        for scale in scales
        for norm, epsilon in TRAININGS
    ]


def gap(each: Model) -> float:
    """l2 adds as much everywhere; linf takes at the smallest scale, adds at the largest; trainings scatter a little."""
    scale = each.background_scale or 0
    added = {"none": 0.0, "linf": 0.2 * (scale - 0.5) * each.epsilon / 8, "l2": 0.15}[each.norm]
    return 0.25 + 0.05 * scale + added + 0.002 * np.sin(29 * scale + 3 * each.epsilon + 7 * each.replicate)


def gaps(models: Sequence[Model], noise: float = 1e-3, value: Callable[[Model], float] = gap) -> Measurements:
    found = measured(models, "imagenet9", "bg_gap", value, noise)
    for name, accuracy in (("accuracy_mixed_same", 0.9), ("accuracy_mixed_rand", 0.6)):
        found |= measured(models, "imagenet9", name, lambda _, accuracy=accuracy: accuracy, noise)
    return found


def effect(models: Sequence[Model], norm: str, scale: float, replicate: int = 1) -> float:
    own = [m for m in models if (m.background_scale, m.replicate) == (scale, replicate)]
    standard = next(gap(m) for m in own if m.norm == "none")
    return float(np.mean([gap(m) - standard for m in own if m.norm == norm]))


@pytest.mark.parametrize("replicates", [1, 2])
def test_rows_are_means_over_budgets_and_replicates_and_growth_is_the_change_along_the_line(replicates: int) -> None:
    models = swept(replicates=replicates)
    rows = by_name(scale_sweep.claims(gaps(models), study(models, CRITERIA)))
    of = range(1, replicates + 1)
    for norm in ("linf", "l2"):
        for scale in SCALES:
            row = rows[f"background_scale.{norm}.scale{scale:g}"]
            assert row.value == pytest.approx(np.mean([effect(models, norm, scale, r) for r in of]))
            assert (row.norm, row.background_scale, row.scope) == (norm, scale, "exploratory")
    growth = [fitted_change(SCALES, [effect(models, "linf", scale, r) for scale in SCALES]) for r in of]
    assert rows["background_scale.linf.growth"].value == pytest.approx(np.mean(growth))
    for name in ("background_scale.linf", "background_scale.linf.growth", "background_scale.l2"):
        assert (rows[name].verdict, rows[name].scope, rows[name].warning) == ("supported", "conclusion", None)


def test_linf_that_raises_reliance_everywhere_contradicts_the_claim() -> None:
    models = swept()
    found = gaps(models, value=lambda each: gap(each) + (0.2 if each.norm == "linf" else 0))
    row = by_name(scale_sweep.claims(found, study(models)))["background_scale.linf"]
    assert (row.verdict, row.value) == ("contradicted", 0.5)


def test_l2_is_read_against_both_linear_models() -> None:
    """One has it raise reliance at every scale, the other lower it at the smallest: they contradict each other."""
    models = swept()
    names = ("background_scale.l2", "background_scale.l2.turns")
    rows = by_name(scale_sweep.claims(gaps(models), study(models)))
    assert [rows[name].verdict for name in names] == ["supported", "contradicted"]
    turned = gaps(models, value=lambda m: gap(m) - (0.3 * (1 - (m.background_scale or 0)) if m.norm == "l2" else 0))
    rows = by_name(scale_sweep.claims(turned, study(models)))
    assert [rows[name].verdict for name in names] == ["contradicted", "supported"]
    assert rows[names[1]].scope == "conclusion"


def test_what_a_worlds_models_have_in_common_does_not_count() -> None:
    models = swept()
    error = np.random.default_rng(1).normal(0, 0.2, DRAWS)
    shaken = {key: each._replace(draws=each.draws + error) for key, each in gaps(models).items()}
    calm = by_name(scale_sweep.claims(gaps(models), study(models)))
    for name, row in by_name(scale_sweep.claims(shaken, study(models))).items():
        assert row.ci_low == pytest.approx(calm[name].ci_low) if row.ci_low is not None else True


def test_the_shared_standard_model_and_few_points_make_wide_intervals() -> None:
    """Noise of one model, times one for the standard model and one half for two budgets; t with few degrees."""
    models = swept()
    row = by_name(scale_sweep.claims(gaps(models, noise=0.0), study(models)))["background_scale.linf.scale1"]
    residuals = []
    for training in TRAININGS:
        y = [gap(m) for m in models if (m.norm, m.epsilon) == training]
        residuals.append(np.polyfit(SCALES, y, 2, full=True)[1][0])
    assert row.df == pytest.approx(1 / (1 / len(TRAININGS) + 1 / UNSEEN_DF))
    half = ((row.ci_high or 0) - (row.ci_low or 0)) / 2
    assert half == pytest.approx(
        stats.t.ppf(0.975, row.df) * np.sqrt(1.5 * np.sum(residuals) / len(TRAININGS)), rel=1e-3
    )


def test_where_nearly_all_answers_are_right_trainings_vary_less() -> None:
    """In proportion to p (1 - p) of both accuracies: standard errors of two scales are as its roots."""
    models = swept()
    found = gaps(models, noise=0.0)
    for each in models:
        if each.background_scale == 0.2:
            for name, accuracy in (("accuracy_mixed_same", 0.99), ("accuracy_mixed_rand", 0.96)):
                found[each.id, "imagenet9", name] = Measured(accuracy, np.full(DRAWS, accuracy), 100)
    rows = by_name(scale_sweep.claims(found, study(models)))
    small, large = (
        (rows[f"background_scale.l2.scale{scale:g}"].ci_high or 0)
        - (rows[f"background_scale.l2.scale{scale:g}"].value or 0)
        for scale in (0.2, 1.0)
    )
    units = 0.99 * 0.01 + 0.96 * 0.04, 0.9 * 0.1 + 0.6 * 0.4
    assert small / large == pytest.approx(np.sqrt(units[0] / units[1]))


def of_grid(images: int | None = None, noise: float = 0.05) -> tuple[list[Model], Measurements]:
    """A main grid whose values have this noise, and its gaps with it."""
    trained = [("none", 0.0, copy) for copy in range(3)] + [("l2", 2.0**power, 0) for power in range(-3, 2)]
    models = [
        model(f"grid_{norm}{e:g}_{copy}", norm=norm, epsilon=e, images=images, benchmarks=("imagenet9",))
        for norm, e, copy in trained
    ]
    errors = dict(zip(models, np.random.default_rng(5).normal(0, noise, len(models)), strict=True))
    return models, gaps(models, 0.0, lambda each: 0.3 + 0.02 * np.log2(each.epsilon or 1) + float(errors[each]))


def test_the_grid_says_how_much_trainings_vary_where_it_is_of_as_many_images() -> None:
    models = swept()
    own = gaps(models, noise=0.0)
    grid, found = of_grid()
    row, without, other = (
        by_name(scale_sweep.claims(own | found, study([*models, *added])))["background_scale.l2.scale0.4"]
        for added in (grid, [], of_grid(images=77)[0])
    )
    standard = [found[m.id, "imagenet9", "bg_gap"].value for m in grid if m.norm == "none"]
    trained = [found[m.id, "imagenet9", "bg_gap"].value for m in grid if m.norm == "l2"]
    squares = np.var(standard) * 3 + np.polyfit(range(5), trained, 2, full=True)[1][0]
    half = ((row.ci_high or 0) - (row.ci_low or 0)) / 2
    assert row.df == pytest.approx(1 / (1 / 4 + 1 / UNSEEN_DF))  # two of the copies, two of the curve
    assert half == pytest.approx(stats.t.ppf(0.975, row.df) * np.sqrt(2 * squares / 4))
    assert (other.ci_low, other.df) == (without.ci_low, without.df) != (row.ci_low, row.df)


def test_gaps_of_the_grid_count_in_units_of_its_own_accuracies() -> None:
    """The grid's accuracies are .5, where trainings vary by 1 / .66 of what they do at .9 and .6."""
    models, (grid, found) = swept(), of_grid()
    harder = {key: each._replace(value=0.5) if "accuracy" in key[2] else each for key, each in found.items()}
    as_hard, easier = (scale_effects.noise(gaps(models) | own, [*models, *grid], 1) for own in (found, harder))
    assert easier.variance / as_hard.variance == pytest.approx((0.9 * 0.1 + 0.6 * 0.4) / 0.5)
    copies = [m for m in grid if m.norm == "none"]
    only = scale_effects.noise(gaps(models) | harder, [*models, *copies], 1)
    assert only.variance == pytest.approx(
        np.var([found[m.id, "imagenet9", "bg_gap"].value for m in copies], ddof=1) / 0.5
    )


def test_only_in_several_worlds_images_take_gaps_off_their_curve() -> None:
    """Of one training's gaps in several worlds, what images explain is no noise of trainings; of the grid's it is."""
    models, (grid, of) = swept(), of_grid()
    scattered = {each: float(np.random.default_rng(n).normal(0, 0.05)) for n, each in enumerate(models)}

    def variance(images: float, beside: Sequence[Model] = ()) -> float:
        found = gaps(models, images, lambda each: 0.3 + scattered[each])
        shaken = gaps(beside, images, lambda each: of[each.id, "imagenet9", "bg_gap"].value)
        return scale_effects.noise(found | shaken, [*models, *beside], 1).variance * 0.33

    assert variance(0.0) - variance(0.02) == pytest.approx(0.02**2, rel=0.15)
    assert variance(0.02, grid) == variance(0.0, grid)


def test_where_every_answer_is_right_trainings_are_taken_to_vary_by_half_an_image() -> None:
    models = swept()
    found = gaps(models)
    for name in ("accuracy_mixed_same", "accuracy_mixed_rand"):
        found[models[0].id, "imagenet9", name] = Measured(1.0, np.ones(DRAWS), 100)
    assert scale_effects.gap(found, models[0]).units == pytest.approx(2 * 0.005 * 0.995)


@pytest.mark.parametrize("level", [0.05, 0.0139])
def test_each_row_that_is_tested_says_at_which_level(level: float) -> None:
    models = swept()
    rows = scale_sweep.claims(
        gaps(models, noise=0.0) | of_grid()[1], study([*models, *of_grid()[0]])._replace(level=level)
    )
    assert {row.level for row in rows if row.p_value is not None} == {level}
    assert {row.level for row in rows if row.p_value is None} <= {None, level}


def at_its_floor(scale: float) -> dict[str, Claim]:
    """The rows where the gap of standard models at one scale is within noise of its floor."""
    models = swept()
    found = gaps(models)
    floor = Measured(0.004, 0.004 + np.random.default_rng(0).normal(0, 0.01, DRAWS), 100)
    found[f"scale{scale:g}_none0_1", "imagenet9", "bg_gap"] = floor
    return by_name(scale_sweep.claims(found, study(models, CRITERIA)))


def test_a_gap_at_its_floor_is_named_and_draws_no_verdict() -> None:
    rows = at_its_floor(0.2)
    warned = {name for name, row in rows.items() if row.warning}
    both_norms = {f"background_scale.{norm}.scale0.2" for norm in ("linf", "l2")}
    combined = {f"background_scale.{name}" for name in ("linf", "linf.growth", "l2", "l2.turns")}
    assert warned == both_norms | combined
    for name in warned:
        assert "no room to fall: scale 0.2, bg_gap of standard models 0.004" in (rows[name].warning or "")
        assert rows[name].verdict == "undecided"


def test_a_gap_at_its_floor_in_the_middle_takes_the_verdict_of_what_goes_through_it() -> None:
    rows = at_its_floor(0.4)
    for name in ("linf.growth", "linf.scale0.4", "l2.scale0.4", "l2"):
        row = rows[f"background_scale.{name}"]
        assert "no room to fall: scale 0.4" in (row.warning or ""), name
        assert row.verdict == "undecided"
    assert rows["background_scale.linf.scale1"].warning is None


def test_each_check_of_a_sweep_says_where_it_is() -> None:
    models = swept(replicates=2)
    trained = {(m.id, *CONVERGENCE): Measured(0.2, np.full(1, 0.2), 1) for m in models}
    found = checks(gaps(models) | trained, study(models, CRITERIA))
    assert {check.concerns for check in found} == {"background_scale"}
    places = [check.place for check in found]
    assert {scale: places.count(scale) for scale in SCALES} == dict.fromkeys(
        SCALES, 3 + 2 * 3 + len(TRAININGS)
    )  # linf, its largest budget, l2
    scale_of = {m.id: m.background_scale for m in models}
    assert [check.place for check in found if check.subject in scale_of] == [
        scale_of[check.subject] for check in found if check.subject in scale_of
    ]


def test_networks_that_read_nothing_lower_no_reliance() -> None:
    """A network at chance has no gap, whatever it relies on."""
    models = swept(replicates=2)
    found = gaps(models)
    for m in models:
        if m.norm == "linf":
            for name in ("accuracy_mixed_same", "accuracy_mixed_rand"):
                found[m.id, "imagenet9", name] = found[m.id, "imagenet9", name]._replace(value=0.1)
            found[m.id, "imagenet9", "bg_gap"] = found[m.id, "imagenet9", "bg_gap"]._replace(value=0.0)
    rows = by_name(scale_sweep.claims(found, study(models, CRITERIA)))
    for name, row in rows.items():
        if ".linf" in name:
            assert row.verdict == "undecided", name
            assert "at chance: " in (row.warning or ""), name


@pytest.mark.parametrize("scales", [(1.0,), (0.2, 1.0)])
def test_too_few_scales_are_rows_that_say_what_is_missing(scales: Sequence[float]) -> None:
    models = swept(scales)
    rows = by_name(scale_sweep.claims(gaps(models), study(models)))
    assert "background_scale.l2" in rows
    assert ("background_scale.linf" in rows) == (len(scales) > 1)
    for name, row in rows.items():
        assert (row.value, row.verdict, row.rerun) == (None, "undecided", None), name
        assert row.evidence.endswith(row.missing), name
        assert "in one replicate: nothing says how much a gap varies" in row.missing, name


def test_a_model_without_a_standard_one_of_its_world_is_one_line() -> None:
    models = [m for m in swept() if m.id != "scale0.4_none0_1"]
    with pytest.raises(InputError, match=r"scale0\.4_linf4_1 has no standard model of its world; add it to the models"):
        scale_sweep.claims(gaps(models), study(models))
