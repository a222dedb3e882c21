"""The rows that conclusions are drawn from, number by number, from values and draws made by hand."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from results.synthetic_study import benchmarks_told, metrics_told
from tradeoffs.claims import (
    correlation_effects,
    correlation_sweep,
    reliance,
    reliance_effects,
    scale_effects,
    scale_sweep,
)
from tradeoffs.claims.command import difference_rows
from tradeoffs.claims.row import Claim
from tradeoffs.claims.verdicts import Array
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model, Study

DRAWS = 200
METRIC = metrics_told()


def study(models: Sequence[Model]) -> Study:
    """A study of these models and of every benchmark."""
    return Study("study", list(models), list(benchmarks_told().values()))


def model(name: str, role: str = "main", **fields: object) -> Model:
    """A model of the table; what is not said is as in the main grid."""
    said = {"architecture": "basic", "norm": "none", "epsilon": 0.0, "seed": 0, "world": "default", "benchmarks": ()}
    replicate = {"replicate": 1 + int(str(fields.get("seed", 0)))}
    known = dict.fromkeys(Model._fields) | {"id": name, "role": role} | said | replicate | fields
    return Model(**known)  # type: ignore[arg-type]


def measured(
    models: Sequence[Model], benchmark: str, metric: str, value: Callable[[Model], float], noise: float = 1e-3
) -> Measurements:
    """Values, and draws around them of which each model has its own."""
    found: Measurements = {}
    for number, each in enumerate(models):
        error = np.random.default_rng(number).normal(0, noise, DRAWS)
        found[each.id, benchmark, metric] = Measured(value(each), value(each) + error, 100 + number)
    return found


def by_name(rows: Sequence[Claim]) -> dict[str, Claim]:
    found = {row.claim: row for row in rows}
    assert len(found) == len(rows)
    return found


def assert_effect(row: Claim, value: float, draws: Array) -> None:
    """The row has this value and the 95 % interval of these draws."""
    low, high = np.quantile(draws, [0.025, 0.975])
    assert (row.value, row.ci_low, row.ci_high) == pytest.approx((value, low, high), abs=1e-12)


# Reliance on the background.

BUDGETS = {"linf": (1.0, 2.0, 4.0), "l2": (0.5, 1.0)}


def grid(architectures: Sequence[str] = ("basic",), seeds: Sequence[int] = (0,)) -> list[Model]:
    chosen = [("none", 0.0)] + [(norm, epsilon) for norm, listed in BUDGETS.items() for epsilon in listed]
    return [
        model(f"{name}_{norm}{epsilon:g}_seed{seed}", architecture=name, norm=norm, epsilon=epsilon, seed=seed)
        for name in architectures
        for seed in seeds
        for norm, epsilon in chosen
    ]


def gap(each: Model) -> float:
    """Rises with the budget, differently for each architecture, norm and seed."""
    slope = {"none": 0.0, "linf": 0.01, "l2": 0.04}[each.norm] * {"basic": 1.0, "bottleneck": 3.0}[each.architecture]
    return 0.2 + 0.03 * each.seed + slope * each.epsilon + 0.005 * each.seed * each.epsilon


@pytest.mark.parametrize(("benchmark", "name", "sign"), [("imagenet9", "bg_gap", 1), ("salient_imagenet", "rcs", -1)])
def test_cells_and_their_summary_are_means_of_paired_differences(benchmark: str, name: str, sign: int) -> None:
    models = grid(("basic", "bottleneck"))
    found = measured(models, benchmark, name, lambda each: sign * gap(each))
    rows = by_name(reliance.claims(found, study(models)))
    key = f"background_reliance.{benchmark}.{name}"
    effects, draws = [], []
    for architecture in ("basic", "bottleneck"):
        standard = found[f"{architecture}_none0_seed0", benchmark, name]
        for norm in ("linf", "l2"):
            cell = [found[m.id, benchmark, name] for m in models if (m.architecture, m.norm) == (architecture, norm)]
            effects.append(sign * np.mean([m.value - standard.value for m in cell]))
            draws.append(sign * np.mean([m.draws - standard.draws for m in cell], axis=0))
            assert_effect(rows[f"{key}.{architecture}.{norm}"], effects[-1], draws[-1])
            assert rows[f"{key}.{architecture}.{norm}"].statistic.startswith("minus " if sign < 0 else "mean")
    assert_effect(rows[key], np.mean(effects), np.mean(draws, axis=0))
    assert rows[f"{key}.basic.linf"].p_value == pytest.approx(2 / 24)  # four points in order
    assert rows[f"{key}.basic.l2"].p_value == pytest.approx(2 / 6)
    assert "Kendall's tau 1.00" in rows[key].evidence


def test_seeds_are_compared_with_their_own_standard_model_and_averaged() -> None:
    models = grid(seeds=(0, 1))
    (cell, _) = reliance_effects.cells(
        found := measured(models, "imagenet9", "bg_gap", gap), models, METRIC["imagenet9", "bg_gap"]
    )
    assert (cell.architecture, cell.norm, cell.epsilons) == ("basic", "linf", [1, 2, 4])
    assert cell.standard == pytest.approx(0.215)
    assert cell.values == pytest.approx([0.215 + 0.0125 * epsilon for epsilon in (1, 2, 4)])
    assert cell.effect == pytest.approx(0.0125 * 7 / 3)
    of_seed = [
        np.mean([found[f"basic_linf{e}_seed{s}", "imagenet9", "bg_gap"].value for e in (1, 2, 4)]) - 0.2 - 0.03 * s
        for s in (0, 1)
    ]
    assert cell.effect == pytest.approx(np.mean(of_seed))
    assert cell.draws.std() > 0.004  # over seeds, which differ by more than 0.01, and not only over images


def test_overall_claim_rests_on_the_first_metric_of_a_benchmark() -> None:
    models = grid(("basic", "bottleneck"))

    def rows(first: float, last: float) -> dict[str, Claim]:
        """``first``, ``last``: oriented slopes of the two metrics of Waterbirds."""
        found = measured(models, "waterbirds", "background_swap_gap", lambda m: 0.5 + first * (gap(m) - 0.2))
        found |= measured(models, "waterbirds", "worst_group_accuracy", lambda m: 0.5 - last * (gap(m) - 0.2))
        return by_name(reliance.claims(found, study(models)))

    helped, harmed = rows(1, -1), rows(-1, 1)
    assert helped["background_reliance.waterbirds.worst_group_accuracy"].verdict == "contradicted"
    assert helped["background_reliance"].verdict == "supported"
    assert helped["background_reliance"].value == 1
    assert harmed["background_reliance.waterbirds.worst_group_accuracy"].verdict == "supported"
    assert harmed["background_reliance"].verdict == "contradicted"
    assert harmed["background_reliance"].value == 0
    assert helped["background_reliance"].evidence == "waterbirds background_swap_gap: supported"


def test_overall_value_is_the_share_of_benchmarks_in_which_it_is_seen() -> None:
    models = grid(("basic", "bottleneck"))
    found = measured(models, "waterbirds", "background_swap_gap", gap)
    found |= measured(models, "imagenet9", "bg_gap", lambda each: 0.5, noise=0.1)
    found |= measured(models, "salient_imagenet", "rcs", lambda each: -gap(each))
    row = by_name(reliance.claims(found, study(models)))["background_reliance"]
    assert row.value == pytest.approx(2 / 3)
    assert row.verdict == "undecided"
    assert next(iter(by_name(reliance.claims(found, study(models))))) == "background_reliance"


def test_own_models_are_compared_with_the_grid_else_with_the_first_listed_standard_one() -> None:
    of_grid = grid(seeds=(0, 1))
    own = [
        model("other", "extra", architecture="deit"),
        model("first", "extra", architecture="vit"),
        model("second", "extra", architecture="vit"),
        model("mine", "extra", architecture="vit", norm="l2", epsilon=1.0),
        model("like_the_grid", "extra", norm="linf", epsilon=3.0),
        model("standard_like_the_grid", "extra"),
        model("alone", "extra", architecture="swin", norm="l2", epsilon=1.0),
        model("swept", "control", architecture="swin"),
    ]
    models = of_grid + own
    named = {each.id: reliance_effects.baseline(models, each) for each in models}
    assert named["mine"] == ("first",)
    assert named["like_the_grid"] == ("basic_none0_seed0", "basic_none0_seed1")
    assert named["alone"] == ()
    assert named["basic_linf2_seed1"] == ("basic_none0_seed1",)
    values = {"first": 0.1, "second": 0.3, "mine": 0.55, "like_the_grid": 0.7}
    found = measured(models, "imagenet9", "bg_gap", lambda each: values.get(each.id, 0.4 + 0.1 * each.seed))
    rows = by_name(
        reliance.own_models(found, study(models), benchmarks_told()["imagenet9"], METRIC["imagenet9", "bg_gap"])
    )
    assert set(rows) == {f"background_reliance.imagenet9.bg_gap.{name}" for name in ("mine", "like_the_grid")}
    mine = rows["background_reliance.imagenet9.bg_gap.mine"]
    ours, theirs = (found[name, "imagenet9", "bg_gap"].draws for name in ("mine", "first"))
    assert_effect(mine, 0.45, ours - theirs)
    assert mine.p_value == pytest.approx(2 / (DRAWS + 1))
    between = np.mean([found[f"basic_none0_seed{seed}", "imagenet9", "bg_gap"].draws for seed in (0, 1)], axis=0)
    like = found["like_the_grid", "imagenet9", "bg_gap"].draws
    assert_effect(rows["background_reliance.imagenet9.bg_gap.like_the_grid"], 0.7 - 0.45, like - between)


def test_own_models_have_rows_where_the_grid_was_not_measured_and_no_part_in_the_overall_claim() -> None:
    models = [model("first", "extra"), model("mine", "extra", norm="l2", epsilon=1.0)]
    found = measured(models, "salient_imagenet", "rcs", lambda each: 0.5 - 0.1 * each.epsilon)
    (row,) = reliance.claims(found, study(models))
    assert row.claim == "background_reliance.salient_imagenet.rcs.mine"
    assert row.value == pytest.approx(0.1)
    assert row.verdict == "supported"
    assert row.statistic.startswith("minus (rcs")


def test_a_model_that_was_not_measured_has_no_row() -> None:
    models = grid()
    found = measured(models, "imagenet9", "bg_gap", gap)
    metric = METRIC["imagenet9", "bg_gap"]
    assert len(reliance_effects.differences(found, models, metric)) == 5
    del found["basic_linf2_seed0", "imagenet9", "bg_gap"]
    assert len(reliance_effects.differences(found, models, metric)) == 4
    del found["basic_none0_seed0", "imagenet9", "bg_gap"]
    assert reliance_effects.differences(found, models, metric) == []
    assert reliance.claims(found, study(models)) == []


def test_differences_have_the_interval_of_the_paired_draws_and_the_images_of_the_model() -> None:
    models = grid()
    found = measured(models, "salient_imagenet", "rcs", lambda each: -gap(each))
    rows = list(difference_rows(found, study(models)))
    assert [row[1] for row in rows] == [each.id for each in models if each.norm != "none"]
    standard = found["basic_none0_seed0", "salient_imagenet", "rcs"]
    for row in rows:
        ours = found[row[1], "salient_imagenet", "rcs"]
        low, high = np.quantile(standard.draws - ours.draws, [0.025, 0.975])
        assert row[7:9] == ("salient_imagenet", "rcs")
        assert row[9:] == pytest.approx((standard.value - ours.value, low, high, ours.n, 1))


# Spurious correlation.

SWEPT = (0.0, 0.5, 0.9)
ATTACKS = {"linf_eps1": 0.2, "linf_eps4": 0.1, "l2_eps0.5": 0.3}


def sweep(correlations: Sequence[float] = SWEPT, seeds: Sequence[int] = (0,)) -> list[Model]:
    return [
        model(
            f"correlation{value:g}_seed{seed}",
            "correlation_sweep",
            correlation=value,
            seed=seed,
            world=f"correlation{value:g}",
            benchmarks=("adversarial",),
        )
        for seed in seeds
        for value in correlations
    ]


def attacked(models: Sequence[Model], noise: float = 1e-3) -> Measurements:
    """Accuracies that grow with the correlation where it is preserved and fall where it is broken, clean ones too."""
    found: Measurements = {}
    for domain, sign in (("preserved", 1), ("broken", -1)):

        def clean(each: Model, sign: int = sign) -> float:
            return 0.6 + sign * 0.3 * (each.correlation or 0) + 0.01 * each.seed

        found |= measured(models, "adversarial", f"accuracy_{domain}", clean, noise)
        for attack, share in ATTACKS.items():

            def value(each: Model, sign: int = sign, share: float = share) -> float:
                return share * (1 + sign * 0.2 * (each.correlation or 0)) + 0.01 * each.seed

            found |= measured(models, "adversarial", f"adversarial_accuracy_{domain}_{attack}", value, noise)
    return found


def independent(high: Array, low: Array) -> Array:
    """Differences of draws of two worlds, which hold other images: no draw against its own number."""
    return high - np.roll(low, 1)


@pytest.mark.parametrize(("domain", "sign"), [("preserved", 1), ("broken", -1)])
@pytest.mark.parametrize("norm", ["", "linf", "l2"])
def test_correlation_rows_are_ends_of_the_sweep_averaged_over_budgets(domain: str, sign: int, norm: str) -> None:
    models = sweep()
    found = attacked(models)
    rows = by_name(correlation_sweep.claims(found, study(models)))
    names = [f"adversarial_accuracy_{domain}_{attack}" for attack in ATTACKS if attack.startswith(norm)]

    def ends(read: Callable[[Measured], Array | float], share: bool) -> list[Array]:
        result = []
        for end in ("correlation0.9_seed0", "correlation0_seed0"):
            mean = np.mean([read(found[end, "adversarial", name]) for name in names], axis=0)
            result.append(mean / read(found[end, "adversarial", f"accuracy_{domain}"]) if share else mean)
        return result

    for suffix, share in (("", False), (".retained", True)):
        row = rows[f"spurious_correlation.{domain}{'.' + norm if norm else ''}{suffix}"]
        (high, low), (high_draws, low_draws) = ends(lambda m: m.value, share), ends(lambda m: m.draws, share)
        assert_effect(row, sign * float(high - low), sign * independent(high_draws, low_draws))
        assert row.p_value == pytest.approx(2 / 6)
        assert ("minus" in row.statistic) == (sign < 0)


def test_no_accuracy_at_all_retains_nothing() -> None:
    models = sweep((0.0, 0.9))
    found = attacked(models)
    nothing = Measured(0.0, np.zeros(DRAWS), 10)
    for name in ("accuracy_preserved", *(f"adversarial_accuracy_preserved_{attack}" for attack in ATTACKS)):
        found["correlation0_seed0", "adversarial", name] = nothing
    point = correlation_effects.point(
        found, models[0], "preserved", ["adversarial_accuracy_preserved_linf_eps1"], share=True
    )
    assert point.value == 0
    assert not point.draws.any()


def test_worlds_of_a_sweep_are_independent() -> None:
    """Draws that are the same in every world say nothing of one another: the interval does not shrink to nothing."""
    models = sweep()
    found = attacked(models, noise=0)
    error = np.random.default_rng(0).normal(0, 0.1, DRAWS)
    shaken = {key: each._replace(draws=each.draws + error) for key, each in found.items()}
    row = by_name(correlation_sweep.claims(shaken, study(models)))["spurious_correlation.preserved.l2"]
    assert row.ci_high is not None
    assert row.ci_low is not None
    assert row.ci_high - row.ci_low > 0.3


def test_overall_correlation_claim_rests_on_accuracies_and_not_on_shares() -> None:
    models = sweep((0.0, 0.2, 0.4, 0.6, 0.8))
    rows = by_name(correlation_sweep.claims(attacked(models, noise=1e-4), study(models)))
    # Clean accuracy grows faster than accuracy under attack: the share falls where the accuracy rises.
    assert rows["spurious_correlation.preserved"].verdict == "supported"
    assert rows["spurious_correlation.preserved.retained"].verdict == "contradicted"
    assert rows["spurious_correlation.broken"].verdict == "supported"
    assert rows["spurious_correlation.broken.retained"].verdict == "contradicted"
    assert (rows["spurious_correlation"].verdict, rows["spurious_correlation"].value) == ("supported", 1)
    assert rows["spurious_correlation"].p_value == pytest.approx(1 / 120)


def test_seeds_of_a_correlation_are_averaged() -> None:
    models = sweep(seeds=(0, 1))
    found = attacked(models)
    found["correlation0.9_seed1", "adversarial", "adversarial_accuracy_preserved_l2_eps0.5"] = Measured(
        0.5, np.full(DRAWS, 0.5), 10
    )
    row = by_name(correlation_sweep.claims(found, study(models)))["spurious_correlation.preserved.l2"]
    assert row.value == pytest.approx(np.mean([0.3 * 0.2 * 0.9, 0.5 - 0.31]))


@pytest.mark.parametrize(("correlations", "rows"), [((0.5,), 0), ((0.0, 0.9), 13)])
def test_a_sweep_of_two_points_is_the_smallest(correlations: Sequence[float], rows: int) -> None:
    models = sweep(correlations)
    found = correlation_sweep.claims(attacked(models), study(models))
    assert len(found) == rows
    for row in found[1:]:
        assert row.p_value == 1
        assert row.verdict == "undecided"


def test_domains_that_were_not_attacked_have_no_rows() -> None:
    models = sweep()
    found = {key: value for key, value in attacked(models).items() if "broken" not in key[2]}
    rows = by_name(correlation_sweep.claims(found, study(models)))
    assert rows
    assert not any("broken" in name or name == "spurious_correlation" for name in rows)
    unmeasured = [each._replace(benchmarks=()) for each in models]
    assert correlation_sweep.claims(found, study(unmeasured)) == []


def test_a_norm_that_one_domain_was_not_attacked_with_has_no_row_there() -> None:
    models = sweep()
    found = {key: value for key, value in attacked(models).items() if "broken_l2" not in key[2]}
    rows = by_name(correlation_sweep.claims(found, study(models)))
    assert "spurious_correlation.preserved.l2" in rows
    assert not any(name.startswith("spurious_correlation.broken.l2") for name in rows)
    linf, every = (rows[f"spurious_correlation.broken{norm}"].value for norm in (".linf", ""))
    assert linf == every
    assert "spurious_correlation" in rows


# Scale of the background.

SCALES = (0.2, 0.5, 1.0)


def scaled(scales: Sequence[float] = SCALES, seeds: Sequence[int] = (0,)) -> list[Model]:
    return [
        model(
            f"{norm}{epsilon:g}_scale{scale:g}_seed{seed}",
            "background_scale_sweep",
            norm=norm,
            epsilon=epsilon,
            background_scale=scale,
            world=f"background_scale{scale:g}",
            benchmarks=("imagenet9",),
            seed=seed,
        )
        for seed in seeds
        for scale in scales
        for norm, epsilon in (("none", 0.0), ("linf", 1.0), ("linf", 4.0), ("l2", 0.5), ("l2", 1.0))
    ]


def scaled_gap(each: Model) -> float:
    """Linf lowers the gap at small scales and raises it at large ones; l2 raises it everywhere."""
    scale = each.background_scale or 0
    effect = {"none": 0.0, "linf": 0.1 * (scale - 0.4), "l2": 0.2 * scale}[each.norm]
    return 0.3 * scale + effect * each.epsilon + 0.01 * each.seed


def scale_effect(found: Measurements, norm: str, scale: float, read: Callable[[Measured], Array | float]) -> Array:
    """Mean over the budgets of the norm of the difference from the standard model."""
    budgets = {"linf": (1, 4), "l2": (0.5, 1)}[norm]
    standard = read(found[f"none0_scale{scale:g}_seed0", "imagenet9", "bg_gap"])
    differences = [read(found[f"{norm}{e:g}_scale{scale:g}_seed0", "imagenet9", "bg_gap"]) - standard for e in budgets]
    return np.asarray(np.mean(differences, axis=0))


def test_scale_rows_are_means_over_budgets_and_growth_is_largest_minus_smallest() -> None:
    models = scaled()
    found = measured(models, "imagenet9", "bg_gap", scaled_gap)
    rows = by_name(scale_sweep.claims(found, study(models)))
    assert set(rows) == {
        *(f"background_scale.{norm}.scale{scale:g}" for norm in ("linf", "l2") for scale in SCALES),
        *("background_scale.linf", "background_scale.linf.growth", "background_scale.l2"),
    }
    for norm in ("linf", "l2"):
        for scale in SCALES:
            value, draws = (
                scale_effect(found, norm, scale, lambda m: m.value),
                scale_effect(found, norm, scale, lambda m: m.draws),
            )
            assert_effect(rows[f"background_scale.{norm}.scale{scale:g}"], float(value), draws)
            assert rows[f"background_scale.{norm}.scale{scale:g}"].p_value == pytest.approx(2 / (DRAWS + 1))
    growth = rows["background_scale.linf.growth"]
    assert growth.value == pytest.approx(0.1 * 0.8 * 2.5)
    assert growth.verdict == "supported"
    high, low = (scale_effect(found, "linf", scale, lambda m: m.draws) for scale in (1.0, 0.2))
    assert_effect(growth, 0.2, independent(high, low))
    assert (rows["background_scale.linf"].verdict, rows["background_scale.linf"].value) == ("supported", 1)
    assert rows["background_scale.l2"].verdict == "supported"


def test_growth_that_is_a_fall_is_contradicted() -> None:
    models = scaled()
    found = measured(models, "imagenet9", "bg_gap", lambda m: -scaled_gap(m))
    rows = by_name(scale_sweep.claims(found, study(models)))
    assert rows["background_scale.linf.growth"].verdict == "contradicted"
    assert rows["background_scale.linf"].verdict == "contradicted"
    assert (rows["background_scale.l2"].verdict, rows["background_scale.l2"].value) == ("contradicted", 0)


def test_worlds_of_different_scale_are_independent_and_models_of_one_are_paired() -> None:
    models = scaled()
    error = np.random.default_rng(0).normal(0, 0.1, DRAWS)
    found = {
        key: each._replace(draws=each.value + error)
        for key, each in measured(models, "imagenet9", "bg_gap", scaled_gap).items()
    }
    (value, draws) = scale_effects.effects(found, models, "linf")[0.5]
    assert draws == pytest.approx(np.full(DRAWS, value))
    # Within a world the error cancels; between worlds it would too, were they paired.
    shaken = {key: each._replace(draws=each.draws + error * (key[0] > "m")) for key, each in found.items()}
    growth = by_name(scale_sweep.claims(shaken, study(models)))["background_scale.linf.growth"]
    assert growth.ci_high is not None
    assert growth.ci_low is not None
    assert growth.ci_high - growth.ci_low > 0.3


def test_seeds_are_compared_with_the_standard_model_of_their_seed() -> None:
    models = scaled(seeds=(0, 1))
    found = measured(models, "imagenet9", "bg_gap", scaled_gap, noise=1e-9)
    value, draws = scale_effects.effects(found, models, "l2")[1.0]
    assert value == pytest.approx(0.15)
    assert draws == pytest.approx(np.full(DRAWS, 0.15), abs=1e-6)


def test_one_scale_alone_has_no_ends() -> None:
    models = scaled((0.5,))
    rows = by_name(scale_sweep.claims(measured(models, "imagenet9", "bg_gap", scaled_gap), study(models)))
    assert set(rows) == {
        "background_scale.linf.scale0.5",
        "background_scale.l2.scale0.5",
        "background_scale.l2",
    }
    assert scale_sweep.claims({}, study(grid())) == []
