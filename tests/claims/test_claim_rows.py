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


