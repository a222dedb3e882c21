"""Rows about reliance, number by number, from values and draws made by hand."""

import numpy as np
import pytest
from scipy import stats

from claims.hand_made import BUDGETS, by_name, grid, measured, model, strength, study
from results.synthetic_study import metrics_told
from tradeoffs.claims import reliance, reliance_effects
from tradeoffs.claims.command import difference_rows
from tradeoffs.claims.contrasts import Noise, contrast, effect, on_other_photographs
from tradeoffs.claims.headlines import headlines
from tradeoffs.claims.reliance_effects import baseline, compare, compare_beyond_accuracy, contrasts, noise_of
from tradeoffs.claims.row import Claim
from tradeoffs.claims.training_noise import Curve, along_curves, between_copies
from tradeoffs.claims.variance import Part, Replicate, estimate
from tradeoffs.results import beyond_accuracy
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model
from tradeoffs.results.table import SUMMARY_COLUMNS

METRIC = metrics_told()
GAP = METRIC["imagenet9", "bg_gap"]
KEY = "background_reliance.imagenet9.bg_gap"
BOTH = ("basic", "bottleneck")


def gap(each: Model) -> float:
    """Rises with the budget, differently for each architecture and norm."""
    slope = {"none": 0.0, "linf": 0.1, "l2": 0.2}[each.norm] * {"basic": 1.0, "bottleneck": 2.0}[each.architecture]
    return 0.2 + slope * strength(each)


@pytest.mark.parametrize(("benchmark", "name", "sign"), [("imagenet9", "bg_gap", 1), ("salient_imagenet", "rcs", -1)])
def test_effect_is_the_mean_of_cells_and_its_variance_that_of_images_and_trainings(
    benchmark: str, name: str, sign: int
) -> None:
    models = grid(BOTH)
    found = measured(models, benchmark, name, lambda each: sign * gap(each), trainings=0.01)
    value = {each.id: sign * found[each.id, benchmark, name].value for each in models}
    draws = {each.id: sign * found[each.id, benchmark, name].draws for each in models}
    weights = {each.id: -0.5 / 3 if each.norm == "none" else 1 / 16 for each in models}
    curves = [
        Curve(np.log2(BUDGETS[norm]).tolist(), [value[f"{own}_{norm}_eps{e:g}"] for e in BUDGETS[norm]])
        for own in BOTH
        for norm in BUDGETS
    ]
    copies = [[value[f"{own}_standard{copy}"] for copy in ("", "_copy2", "_copy3")] for own in BOTH]
    adversarial, standard = along_curves(curves), between_copies(copies)
    images = Part(float(np.var(sum(w * draws[i] for i, w in weights.items()), ddof=1)), 9.0)
    trainings = Part(adversarial.variance * 16 / 256, 4.0), Part(standard.variance * 6 / 36, 4.0)
    expected = estimate([Replicate(sum(w * value[i] for i, w in weights.items()), (images, *trainings))], 0.3)
    assert expected is not None
    rows = by_name(reliance.claims(found, study(models, unseen_variance=0.3)))
    row = rows[f"background_reliance.{benchmark}.{name}"]
    assert (row.value, row.df, row.p_value) == pytest.approx((expected.value, expected.df, expected.p_value()))
    assert (row.ci_low, row.ci_high) == pytest.approx(expected.interval())
    assert row.statistic.startswith("minus " if sign < 0 else "mean")
    assert (row.scope, row.replicates, row.verdict) == ("headline", 1, "supported")


def test_the_rows_of_an_architecture_and_norm_average_to_that_of_the_grid() -> None:
    models = grid(BOTH)
    rows = by_name(reliance.claims(measured(models, "imagenet9", "bg_gap", gap), study(models)))
    cells = [rows[f"{KEY}.{own}.{norm}"] for own in BOTH for norm in BUDGETS]
    assert rows[KEY].value == pytest.approx(np.mean([row.value for row in cells]))
    assert {row.scope for row in cells} == {"exploratory"}
    assert [row.norm for row in cells] == ["linf", "l2"] * 2
    assert rows[f"{KEY}.bottleneck.l2"].value == pytest.approx(0.4 * 0.625, abs=1e-3)


def test_noise_of_trainings_widens_the_interval_where_images_say_nothing_of_it() -> None:
    models = grid(BOTH)

    def width(trainings: float) -> float:
        rows = by_name(
            reliance.claims(measured(models, "imagenet9", "bg_gap", gap, trainings=trainings), study(models))
        )
        row = rows[KEY]
        assert row.ci_low is not None
        assert row.ci_high is not None
        return row.ci_high - row.ci_low

    assert width(0.05) > 5 * width(0.001)


def test_the_order_of_models_says_nothing() -> None:
    models = grid(BOTH, replicates=2)
    found = measured(models, "imagenet9", "bg_gap", gap, trainings=0.01)
    turned = models[::-1]
    ours, theirs = (by_name(reliance.claims(found, study(order)))[KEY] for order in (models, turned))
    assert theirs[3:7] == pytest.approx(ours[3:7])
    assert theirs.df == pytest.approx(ours.df)


def test_replicates_are_compared_within_their_own_world_and_averaged() -> None:
    models = grid(replicates=3)

    def value(each: Model) -> float:
        """A world that is hard for all models is no effect; what adversarial training does differs between worlds."""
        return 0.1 * each.replicate + (0 if each.norm == "none" else 0.05 + 0.02 * each.replicate)

    row = by_name(reliance.claims(measured(models, "imagenet9", "bg_gap", value, images=0.01), study(models)))[KEY]
    assert row.value == pytest.approx(0.09, abs=1e-3)
    assert row.replicates == 3
    assert row.ci_low is not None
    assert row.ci_low < 0.08  # worlds differ by 0.02


def test_more_replicates_narrow_the_interval() -> None:
    widths = []
    for replicates in (1, 2, 4, 8):
        models = grid(BOTH, replicates)
        found = measured(models, "imagenet9", "bg_gap", gap, trainings=0.02, images=0.01)
        row = by_name(reliance.claims(found, study(models)))[KEY]
        assert row.ci_low is not None
        assert row.ci_high is not None
        widths.append(row.ci_high - row.ci_low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.6 * widths[0]


def test_other_photographs_than_those_of_all_replicates_would_change_more() -> None:
    models = grid(replicates=5)
    found = measured(models, "imagenet9", "bg_gap", gap, images=0.02)
    of_grid = contrasts(compare(found, models, GAP))
    these, others = effect(of_grid, 0.0), on_other_photographs(of_grid, 0.0)
    assert these is not None
    assert others is not None
    assert others.value == these.value
    assert others.standard_error == pytest.approx(0.02, rel=0.15)
    assert these.standard_error < 0.012
    assert on_other_photographs(of_grid[:1], 0.0) is None
    row = by_name(reliance.claims(found, study(models)))[KEY]
    low, high = others.interval()
    assert f"on other photographs than the replicates' [{low:+.3f}, {high:+.3f}]" in row.evidence


def test_images_of_one_world_do_not_average_out_over_replicates() -> None:
    own, shared = grid(replicates=5), grid(replicates=5, one_world=True)
    errors = []
    for models in (own, shared):
        # Of the same draws in every replicate where the images are the same.
        found = measured([each._replace(replicate=1) for each in models], "imagenet9", "bg_gap", gap, images=0.02)
        if models is own:
            found = measured(models, "imagenet9", "bg_gap", gap, images=0.02)
        one = effect(contrasts(compare(found, models, GAP)), 0.0)
        assert one is not None
        errors.append(one.standard_error)
    assert errors[1] == pytest.approx(0.02, rel=0.15)
    assert errors[0] < 0.012


def test_one_standard_model_is_taken_to_vary_as_an_adversarially_trained_one() -> None:
    models = grid(BOTH, copies=("",))
    found = measured(models, "imagenet9", "bg_gap", gap, trainings=0.03)
    compared = compare(found, models, GAP)
    assert compared.noise[1].standard is None
    (one,) = contrasts(compared)
    assert one.standard.variance == pytest.approx(8 * one.adversarial.variance)  # 1 / 2 against 1 / 16
    # One estimate tells of both: counted as two that are independent, it would have more degrees of freedom.
    (both,) = one.trained
    assert both == (pytest.approx(one.standard.variance + one.adversarial.variance), 4)
    assert by_name(reliance.claims(found, study(models)))[KEY].p_value is not None


def test_a_null_study_gives_few_verdicts() -> None:
    """60 studies without effect, five headlines each: Holm keeps studies with any verdict at about one in twenty."""
    models = grid(BOTH)
    names = [benchmark.reliance[0] for benchmark in study(models).benchmarks if benchmark.reliance]
    wrong = 0
    for seed in range(60):
        found: Measurements = {}
        for number, metric in enumerate(names):
            found |= measured(
                models,
                metric.benchmark,
                metric.name,
                lambda _: 0.3,
                trainings=0.02,
                images=1e-3,
                seed=10 * seed + number,
            )
        verdicts = headlines(found, study(models), 0.05)
        assert len(verdicts) == 5
        wrong += {each.verdict for each in verdicts.values()} != {"undecided"}
    assert wrong <= 8  # probability below .01 at one in twenty


def waterbirds(first: float, last: float) -> dict[str, Claim]:
    """``first``, ``last``: oriented slopes of the two metrics of Waterbirds."""
    models = grid(BOTH)
    found = measured(models, "waterbirds", "background_swap_gap", lambda m: 0.5 + first * (gap(m) - 0.2))
    found |= measured(models, "waterbirds", "worst_group_accuracy", lambda m: 0.5 - last * (gap(m) - 0.2))
    return by_name(reliance.claims(found, study(models)))


def test_overall_claim_rests_on_the_first_metric_of_a_benchmark() -> None:
    helped, harmed = waterbirds(1, -1), waterbirds(-1, 1)
    assert helped["background_reliance.waterbirds.worst_group_accuracy"].verdict == "contradicted"
    assert helped["background_reliance.waterbirds.worst_group_accuracy"].scope == "exploratory"
    assert (helped["background_reliance"].verdict, helped["background_reliance"].value) == ("supported", 1)
    assert harmed["background_reliance.waterbirds.worst_group_accuracy"].verdict == "supported"
    assert (harmed["background_reliance"].verdict, harmed["background_reliance"].value) == ("contradicted", 0)
    assert helped["background_reliance"].evidence == "waterbirds background_swap_gap: supported"
    assert next(iter(helped)) == "background_reliance"


def test_overall_claim_over_several_benchmarks() -> None:
    models = grid(BOTH)
    found = measured(models, "waterbirds", "background_swap_gap", gap)
    found |= measured(models, "salient_imagenet", "rcs", lambda each: -gap(each))
    both = by_name(reliance.claims(found, study(models)))["background_reliance"]
    assert (both.verdict, both.value, both.scope) == ("supported", 1, "headline")
    found |= measured(models, "imagenet9", "bg_gap", lambda _: 0.5, images=0.1)
    row = by_name(reliance.claims(found, study(models)))["background_reliance"]
    assert (row.verdict, row.value) == ("undecided", pytest.approx(2 / 3))
    assert row.p_value is not None
    assert row.p_value > 0.05


def test_all_headlines_within_their_margins_are_an_equivalence() -> None:
    models = grid(BOTH)
    found = measured(models, "waterbirds", "background_swap_gap", lambda _: 0.3)
    found |= measured(models, "imagenet9", "bg_gap", lambda _: 0.3)
    rows = by_name(reliance.claims(found, study(models, margins={"other": 0.05, "bg_gap": 0.02})))
    assert rows[KEY].margin == 0.02
    assert rows["background_reliance.waterbirds.background_swap_gap"].margin == 0.05
    assert {rows[name].verdict for name in (KEY, "background_reliance")} == {"equivalent"}
    assert rows["background_reliance"].rerun == pytest.approx(1, abs=0.01)


# Against standard models of equal accuracy.


def with_controls(architectures: tuple[str, ...] = BOTH) -> list[Model]:
    weak = [
        model(f"{name}_standard_images{images}", "control", architecture=name, images=images)
        for name in architectures
        for images in (500, 1000, 2000)
    ]
    return grid(architectures) + weak


def accuracy(each: Model) -> float:
    """Adversarially trained models are less accurate, and so are those that saw few images."""
    return 0.95 - 0.15 * strength(each) - (0.00008 * (2500 - each.images) if each.images else 0)


def logit(value: float) -> float:
    return float(np.log(value / (1 - value)))


def at_equal_accuracy(beyond: float, trainings: float = 0.0) -> tuple[Measurements, list[Model]]:
    """A gap that accuracy explains but for ``beyond``, in adversarially trained models."""
    models = with_controls()
    found = measured(models, "imagenet", "accuracy", accuracy, images=1e-4)

    def value(each: Model) -> float:
        extra = beyond if each.norm != "none" else 0.0
        return 0.4 - 0.1 * logit(found[each.id, "imagenet", "accuracy"].value) + extra

    found |= measured(models, "imagenet9", "bg_gap", value, trainings=trainings, images=1e-3)
    return found | beyond_accuracy.of_models(found, models, [GAP]), models


@pytest.mark.parametrize(("beyond", "verdict"), [(0.0, "equivalent"), (0.08, "supported"), (-0.08, "contradicted")])
def test_what_accuracy_explains_is_no_reliance_beyond_it(beyond: float, verdict: str) -> None:
    found, models = at_equal_accuracy(beyond, trainings=0.003)
    rows = by_name(reliance.claims(found, study(models, margins={"bg_gap": 0.03})))
    row = rows[f"{KEY}_beyond_accuracy"]
    assert row.value == pytest.approx(beyond, abs=0.01)
    assert (row.verdict, row.scope, row.margin) == (verdict, "headline", 0.03)
    assert "of equal accuracy" in row.statement
    if beyond == 0:
        assert rows[KEY].verdict == "supported"  # raw, it is accuracy that speaks


def test_noise_of_the_line_is_part_of_the_variance() -> None:
    found, models = at_equal_accuracy(0.05, trainings=0.02)
    compared = compare_beyond_accuracy(found, models, GAP)
    (one,) = contrasts(compared)
    line = beyond_accuracy.line(found, models, GAP, "default")
    assert line is not None
    assert one.noise == (pytest.approx(np.square(line.residuals).sum() / 9), 9)  # 12 models, two intercepts, one slope
    expected = sum(line.shares[each.model.id] / 16 for each in compared.grid[1])
    assert list(one.weights.values()) == pytest.approx(expected.tolist())
    assert sum(one.weights.values()) == pytest.approx(1)
    # The effect beyond accuracy is the same contrast of the measure itself.
    y = {each.id: found[each.id, "imagenet9", "bg_gap"].value for each in models}
    ours = np.mean([y[each.model.id] for each in compared.grid[1]])
    assert one.value == pytest.approx(ours - sum(weight * y[name] for name, weight in one.weights.items()))


def test_an_architecture_that_shares_its_line_may_be_off_it_with_all_of_its_models() -> None:
    """Standard networks of other architectures are off their line by 0.02: so may those be that are judged by it."""
    models = grid(BOTH, copies=("",)) + [model(f"other{n}", "control", architecture=f"other{n}") for n in range(12)]
    found = measured(models, "imagenet", "accuracy", lambda m: 0.7 + 0.01 * int(m.id[5:] if m.role == "control" else 6))
    found |= measured(models, "imagenet9", "bg_gap", lambda m: 0.1 + (0.02 if m.id[-1:] in "13579" else -0.02))
    found |= beyond_accuracy.of_models(found, models, [GAP])
    compared = compare_beyond_accuracy(found, models, GAP)
    (one,) = contrasts(compared)
    assert {name: one.weights[name] for name in one.weights if " " in name} == pytest.approx(
        {"architecture basic": 0.5, "architecture bottleneck": 0.5}
    )
    assert one.noise.variance == pytest.approx(0.02**2, rel=0.3)
    assert one.standard.variance > one.noise.variance / 2  # which more budgets and norms do not average out
    (single,) = contrasts(compared, ("basic", "linf"))
    assert single.weights["architecture basic"] == pytest.approx(1)


def test_where_there_is_no_line_a_row_says_why() -> None:
    models = grid(BOTH)
    rows = by_name(reliance.claims(measured(models, "imagenet9", "bg_gap", gap), study(models)))
    row = rows[f"{KEY}_beyond_accuracy"]
    assert (row.value, row.verdict, row.scope) == (None, "undecided", "headline")
    assert "clean accuracy" in row.evidence


def test_effective_robustness_is_beyond_accuracy_already() -> None:
    models = grid(BOTH)
    rows = by_name(reliance.claims(measured(models, "objectnet", "effective_robustness_official", gap), study(models)))
    assert "background_reliance.objectnet.effective_robustness_official" in rows
    assert not any("beyond_accuracy" in name for name in rows)


# What cannot be tested.


def test_too_few_budgets_say_nothing_of_trainings() -> None:
    models = grid(budgets={"linf": (1.0, 2.0)})
    row = by_name(reliance.claims(measured(models, "imagenet9", "bg_gap", gap), study(models)))[KEY]
    assert (row.value, row.p_value, row.verdict) == (None, None, "undecided")
    assert "three budgets or more" in row.evidence
    assert "basic linf 2" in row.evidence


def test_two_replicates_say_what_too_few_budgets_do_not() -> None:
    models = grid(budgets={"linf": (1.0,)}, copies=("",), replicates=3)
    row = by_name(reliance.claims(measured(models, "imagenet9", "bg_gap", gap, trainings=0.001), study(models)))[KEY]
    assert (row.df, row.verdict) == (2, "supported")


@pytest.mark.parametrize(
    ("models", "missing"),
    [
        (grid(budgets={}), "no adversarially trained model"),
        (grid(budgets={}, copies=("",)), "no adversarially trained model"),
        (grid(copies=()), "no standard model"),
    ],
)
def test_a_study_without_anything_to_compare_says_what_is_missing(models: list[Model], missing: str) -> None:
    rows = by_name(reliance.claims(measured(models, "imagenet9", "bg_gap", gap), study(models)))
    assert set(rows) == {"background_reliance", KEY}
    assert rows[KEY].verdict == rows["background_reliance"].verdict == "undecided"
    assert (rows[KEY].value, rows["background_reliance"].p_value) == (None, None)
    assert missing in rows[KEY].evidence


def test_a_benchmark_on_which_nothing_was_measured_has_no_row() -> None:
    assert reliance.claims({}, study(grid())) == []


def test_a_model_that_was_not_measured_has_no_part() -> None:
    models = grid()
    found = measured(models, "imagenet9", "bg_gap", gap)
    assert len(reliance_effects.differences(found, models, GAP)) == 8
    del found["basic_linf_eps2", "imagenet9", "bg_gap"]
    assert len(reliance_effects.differences(found, models, GAP)) == 7
    for copy in ("", "_copy2", "_copy3"):
        del found[f"basic_standard{copy}", "imagenet9", "bg_gap"]
    assert reliance_effects.differences(found, models, GAP) == []


# Models of the user's own.

OWN = [
    model("other", "extra", architecture="deit"),
    model("first", "extra", architecture="vit"),
    model("second", "extra", architecture="vit"),
    model("mine", "extra", architecture="vit", norm="l2", epsilon=1.0),
    model("like_the_grid", "extra", norm="linf", epsilon=2.0),
    model("standard_like_the_grid", "extra"),
    model("alone", "extra", architecture="swin", norm="l2", epsilon=1.0),
    model("weak", "control", architecture="swin"),
]


def test_own_models_are_compared_with_the_grid_else_with_the_first_listed_standard_one() -> None:
    models = grid(copies=("", "_copy2")) + OWN
    named = {each.id: reliance_effects.baseline(models, each) for each in models}
    assert named["mine"] == ("first",)
    assert named["like_the_grid"] == ("basic_standard", "basic_standard_copy2")
    assert named["alone"] == ()
    assert named["basic_linf_eps2"] == ("basic_standard", "basic_standard_copy2")
    values = {"first": 0.1, "second": 0.3, "mine": 0.55, "like_the_grid": 0.7}
    found = measured(
        models, "imagenet9", "bg_gap", lambda m: values.get(m.id, gap(m) if m.role == "main" else 0.4), trainings=0.002
    )
    rows = by_name(reliance.claims(found, study(models)))
    mine, like = rows[f"{KEY}.mine"], rows[f"{KEY}.like_the_grid"]
    value = {each.id: found[each.id, "imagenet9", "bg_gap"].value for each in models}
    assert mine.value == pytest.approx(value["mine"] - value["first"])
    assert like.value == pytest.approx(
        value["like_the_grid"] - np.mean([value["basic_standard"], value["basic_standard_copy2"]])
    )
    assert (mine.scope, mine.norm, mine.verdict) == ("exploratory", "l2", "supported")
    # Its noise is that of one training of the grid, and of one of its standard models.
    compared = compare(found, models, GAP)
    noise = compared.noise[1]
    (own,) = (each for each in compared.own if each.model.id == "mine")
    one = contrast([own], noise)
    expected = estimate([Replicate(one.value, (one.images, noise.adversarial, noise.standard))])
    assert expected is not None
    assert mine.p_value == pytest.approx(expected.p_value())
    assert rows["background_reliance.alone"].verdict == "undecided"
    assert "no standard model of architecture swin" in rows["background_reliance.alone"].evidence


def test_without_a_grid_nothing_says_how_an_own_model_varies() -> None:
    models = [model("first", "extra"), model("mine", "extra", norm="l2", epsilon=1.0)]
    found = measured(models, "salient_imagenet", "rcs", lambda each: 0.5 - 0.1 * each.epsilon)
    overall, headline, row = reliance.claims(found, study(models))
    assert row.claim == "background_reliance.salient_imagenet.rcs.mine"
    assert {(each.value, each.verdict) for each in (overall, headline, row)} == {(None, "undecided")}
    assert "trained once" in row.evidence
    assert "no adversarially trained model of a grid was measured" in headline.missing
    assert row.statistic.startswith("minus (rcs")
    (line,) = difference_rows(found, study(models))
    assert line[9] == pytest.approx(0.1, abs=1e-9)
    # What images alone would change, of these two networks.
    (own,) = compare(found, models, METRIC["salient_imagenet", "rcs"]).own
    reach = stats.t(own.df).ppf(0.975) * own.draws.std(ddof=1)
    assert line[10:12] == pytest.approx((0.1 - reach, 0.1 + reach))
    assert line[-2:] == ("first", "images")


def test_without_a_grid_a_model_of_ones_own_is_set_beside_the_line_of_standard_ones_too() -> None:
    """Its row beyond accuracy is there, and none about a grid beyond accuracy."""
    standard = [model(f"own_standard{number}", "extra") for number in range(4)]
    models = [*standard, model("mine", "extra", norm="l2", epsilon=1.0)]
    of = {each.id: 0.9 - 0.05 * number for number, each in enumerate(models)}
    found = measured(models, "imagenet", "accuracy", lambda each: of[each.id], images=1e-4)
    found |= measured(models, "imagenet9", "bg_gap", lambda each: 1 - of[each.id])
    found |= beyond_accuracy.of_models(found, models, [GAP])
    rows = by_name(reliance.claims(found, study(models)))
    assert f"{KEY}_beyond_accuracy.mine" in rows
    assert f"{KEY}_beyond_accuracy" not in rows
    assert "trained once" in rows[f"{KEY}_beyond_accuracy.mine"].evidence


def test_a_model_trained_with_another_objective_is_no_standard_model() -> None:
    """Nothing is compared with it; it is compared, and so is a standard model that names a reference."""
    other = model("advprop", "extra", architecture="vit")._replace(objective="AdvProp")
    models = [*grid(), other, *OWN, model("named", "extra", architecture="deit")._replace(reference="other")]
    assert baseline(models, models[-2]) == ()
    assert baseline(models, next(each for each in models if each.id == "mine")) == ("first",)
    values = {"advprop": 0.2, "named": 0.5}
    found = measured(models, "imagenet9", "bg_gap", lambda m: values.get(m.id, gap(m) if m.role == "main" else 0.4))
    rows = by_name(reliance.claims(found, study(models)))
    assert "advprop (trained with AdvProp, a model of your own)" in rows[f"{KEY}.advprop"].statement
    compared = compare(found, models, GAP)
    own = {each.model.id: each for each in compared.own}
    assert own["advprop"].standard == {"first": 1.0}
    assert own["named"].standard == {"other": 1.0}
    standard = compared.noise[1].standard
    assert standard is not None
    assert noise_of(compared, own["named"].model) == Noise(standard, None)
    assert noise_of(compared, own["advprop"].model).adversarial == compared.noise[1].adversarial


def test_differences_have_intervals_over_images_and_trainings() -> None:
    models = grid(replicates=2)
    found = measured(models, "salient_imagenet", "rcs", lambda each: -gap(each), trainings=0.01)
    rows = list(difference_rows(found, study(models)))
    assert [row[1] for row in rows] == [each.id for each in models if each.norm != "none"]
    compared = compare(found, models, METRIC["salient_imagenet", "rcs"])
    for row in rows:
        number = row[SUMMARY_COLUMNS.index("replicate")]
        own = next(each for each in compared.grid[number] if each.model.id == row[1])
        noise = compared.noise[number]
        third = Part(noise.standard.variance / 3, noise.standard.df)
        images = Part(float(own.draws.var(ddof=1)), 9.0)
        expected = estimate([Replicate(own.value, (images, noise.adversarial, third))])
        assert expected is not None
        assert row[7:9] == ("salient_imagenet", "rcs")
        assert row[9:13] == pytest.approx((own.value, *expected.interval(), 500))
        assert row[-2:] == (" ".join(own.standard), "images and trainings")


def test_saturated_values_are_named() -> None:
    models = grid(BOTH)
    found = measured(models, "salient_imagenet", "rcs", lambda each: -gap(each))
    found["basic_l2_eps1", "salient_imagenet", "rcs"] = Measured(1.0, np.ones(200), 500, 9.0)
    rows = by_name(reliance.claims(found, study(models)))
    key = "background_reliance.salient_imagenet.rcs"
    named = {name for name, row in rows.items() if "saturated" in row.evidence}
    assert {key, f"{key}.basic.l2"} <= named
    assert f"{key}.basic.linf" not in named
