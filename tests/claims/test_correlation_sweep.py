"""What spurious correlation does to accuracy under attack, and to what is to be read beside it."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from claims.made_sweeps import CRITERIA, DRAWS, by_name, fitted_change, measured, model, study
from tradeoffs.claims import correlation_effects, correlation_sweep, regime
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model

SWEPT = (0.0, 0.3, 0.5, 0.6, 0.7)
ATTACKS = {"linf_eps1": 0.5, "linf_eps4": 0.3, "l2_eps0.5": 0.4, "linf_eps64": 0.0, "l2_eps0.001": 0.99}
STANDING = ("linf_eps1", "linf_eps4", "l2_eps0.5")  # what leaves something, and not everything
SIGNS = {"preserved": 1, "broken": -1}


def sweep(correlations: Sequence[float] = SWEPT, replicates: int = 1) -> list[Model]:
    return [
        model(
            f"correlation{value:g}_{replicate}",
            "correlation_sweep",
            correlation=value,
            replicate=replicate,
            world=f"correlation{value:g}_{replicate}",
            benchmarks=("adversarial",),
        )
        for replicate in range(1, replicates + 1)
        for value in correlations
    ]


def scatter(each: Model) -> float:
    """What a training adds: small, and no smooth function of the correlation."""
    return 0.004 * np.sin(37 * (each.correlation or 0) + 5 * each.replicate)


def clean(each: Model, sign: int) -> float:
    return 0.7 + sign * 0.2 * (each.correlation or 0) + scatter(each)


def under_attack(each: Model, sign: int, share: float) -> float:
    return share * (1 + sign * 0.3 * (each.correlation or 0)) + (scatter(each) if 0 < share < 0.9 else 0)


def margin(each: Model, sign: int) -> float:
    return 0.5 - sign * 0.1 * (each.correlation or 0) + scatter(each)


def attacked(models: Sequence[Model], noise: float = 1e-3, domains: Sequence[str] = tuple(SIGNS)) -> Measurements:
    """Accuracies that grow with the correlation where it is preserved, fall where it is broken; a margin against it."""
    found: Measurements = {}
    for domain in domains:
        sign = SIGNS[domain]
        found |= measured(models, "adversarial", f"accuracy_{domain}", lambda m, s=sign: clean(m, s), noise)
        found |= measured(models, "adversarial", f"clean_margin_{domain}", lambda m, s=sign: margin(m, s), noise)
        for attack, share in ATTACKS.items():
            name = f"adversarial_accuracy_{domain}_{attack}"
            found |= measured(models, "adversarial", name, lambda m, s=sign, a=share: under_attack(m, s, a), noise)
    return found


def mean_under_attack(sign: int, norm: str) -> Callable[[Model], float]:
    shares = [ATTACKS[attack] for attack in STANDING if attack.startswith(norm)]
    return lambda each: float(np.mean([under_attack(each, sign, share) for share in shares]))


@pytest.mark.parametrize("domain", SIGNS)
@pytest.mark.parametrize("replicates", [1, 3])
def test_every_quantity_is_the_change_along_the_line_oriented_and_averaged(domain: str, replicates: int) -> None:
    models, sign = sweep(replicates=replicates), SIGNS[domain]
    rows = by_name(correlation_sweep.claims(attacked(models), study(models, CRITERIA)))
    mean = mean_under_attack(sign, "")
    quantities: dict[str, Callable[[Model], float]] = {
        "": mean,
        ".clean": lambda each: clean(each, sign),
        ".retained": lambda each: mean(each) / clean(each, sign),
        ".margin": lambda each: margin(each, sign),
        ".linf": mean_under_attack(sign, "linf"),
        ".l2": mean_under_attack(sign, "l2"),
    }
    for suffix, quantity in quantities.items():
        row = rows[f"spurious_correlation.{domain}{suffix}"]
        expected = [
            fitted_change(SWEPT, [quantity(m) for m in models if m.replicate == number])
            for number in range(1, replicates + 1)
        ]
        assert row.value == pytest.approx(sign * np.mean(expected), abs=1e-9)
        assert row.ci_low is not None
        assert row.ci_low < row.value < (row.ci_high or 0)
        assert row.replicates == replicates
        assert row.margin == (None if suffix == ".margin" else 0.02)  # a distance has no smallest relevant difference
        assert row.statistic.startswith("minus the change" if sign < 0 else "the change")
    rank = {name: rows[f"spurious_correlation.{domain}{name}"].scope for name in quantities}
    assert rank == dict.fromkeys(("", ".clean", ".retained", ".margin"), "conclusion") | dict.fromkeys(
        (".linf", ".l2"), "exploratory"
    )


def test_the_overall_claim_is_about_accuracy_and_says_share_and_margin_whatever_they_say() -> None:
    models = sweep()
    rows = by_name(correlation_sweep.claims(attacked(models), study(models)))
    assert rows["spurious_correlation.preserved"].verdict == "supported"
    assert rows["spurious_correlation.preserved.margin"].verdict == "contradicted"
    assert rows["spurious_correlation.broken.margin"].verdict == "contradicted"
    overall = rows["spurious_correlation"]
    assert (overall.verdict, overall.value, overall.scope) == ("supported", 1, "conclusion")
    for domain, sign in SIGNS.items():
        said = overall.evidence.partition(f"{domain}: ")[2].partition(";")[0]
        for name, suffix in {"accuracy under attack": "", "share retained": ".retained", "margin": ".margin"}.items():
            value = sign * (rows[f"spurious_correlation.{domain}{suffix}"].value or 0)
            assert f"{name} {value:+.3f} [" in said


def test_budgets_that_leave_nothing_or_everything_do_not_count() -> None:
    models = sweep()
    row = by_name(correlation_sweep.claims(attacked(models), study(models, CRITERIA)))["spurious_correlation.preserved"]
    assert row.evidence.startswith("mean over linf 1, linf 4, l2 0.5; adversarial: correlation0_1, ")
    # Which count is seen over all correlations and both domains: not where the claim would like it.
    turned = {key: each._replace(value=1 - each.value) for key, each in attacked(models).items() if "eps1" in key[2]}
    changed = attacked(models) | {key: each for key, each in turned.items() if "broken" in key[2]}
    assert "linf 1," in by_name(correlation_sweep.claims(changed, study(models, CRITERIA)))[row.claim].evidence


def test_where_no_budget_leaves_anything_a_row_says_so() -> None:
    models = sweep()
    nothing = {
        key: Measured(0.0, np.zeros(DRAWS), 10) if key[2].startswith("adversarial") else each
        for key, each in attacked(models).items()
    }
    rows = by_name(correlation_sweep.claims(nothing, study(models)))
    for suffix in ("", ".retained"):
        row = rows[f"spurious_correlation.preserved{suffix}"]
        assert (row.value, row.verdict) == (None, "undecided")
        assert "no budget of the attack leaves an accuracy" in row.evidence
    assert rows["spurious_correlation.preserved.clean"].value is not None
    assert (rows["spurious_correlation"].value, rows["spurious_correlation"].verdict) == (None, "undecided")


def test_no_accuracy_at_all_retains_nothing() -> None:
    models = sweep()
    found = attacked(models)
    found[models[0].id, "adversarial", "accuracy_preserved"] = Measured(0.0, np.zeros(DRAWS), 10)
    names = ["adversarial_accuracy_preserved_linf_eps1"]
    share = correlation_effects.value(found, models[0], "preserved", "retained", names)
    assert share.value == 0
    assert not share.draws.any()


@pytest.mark.parametrize("paired", [True, False])
def test_what_draws_have_in_common_cancels_where_they_are_of_the_same_photographs(paired: bool) -> None:
    """The interval does not shrink because the draws of two worlds happen to go together."""
    models = sweep()
    error, of = np.random.default_rng(0).normal(0, 0.1, DRAWS), (0, DRAWS, 10, 1) if paired else None
    shaken = {key: each._replace(draws=each.draws + error, drawn=of) for key, each in attacked(models).items()}
    row = by_name(correlation_sweep.claims(shaken, study(models)))["spurious_correlation.preserved"]
    width = (row.ci_high or 0) - (row.ci_low or 0)
    assert width < 0.05 if paired else width > 0.3


def test_few_photographs_leave_few_degrees_of_freedom() -> None:
    """Where images add nearly all, the degrees are theirs, of each of the points: four photographs, not 100 images."""
    models = sweep()
    found = attacked(models, noise=0.3)
    few = {key: each._replace(df=3.0) for key, each in found.items()}
    many = by_name(correlation_sweep.claims(found, study(models)))
    for name, row in by_name(correlation_sweep.claims(few, study(models))).items():
        if row.df is not None:
            assert row.df <= 3 * len(SWEPT) < (many[name].df or 0), name


def test_accuracy_that_breaks_off_as_the_other_photographs_grow_few_is_no_noise() -> None:
    """A curve in the logarithm of their share; over the correlation itself a quadratic is off by 0.02."""
    x = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9)
    models = sweep(x)
    y = [0.9 - 0.08 * np.log2(1 - value) ** 2 / 2 for value in x]
    of = {each.id: value for each, value in zip(models, y, strict=True)}
    found = attacked(models, noise=0.0) | measured(models, "adversarial", "accuracy_broken", lambda m: of[m.id], 0.0)
    row = by_name(correlation_sweep.claims(found, study(models)))["spurious_correlation.broken.clean"]
    assert row.value == pytest.approx(-fitted_change(x, y))
    assert (row.ci_low, row.ci_high) == pytest.approx((row.value, row.value))
    off = np.sqrt(np.polyfit(x, y, 2, full=True)[1][0] / 3)
    assert off > 0.01


def test_a_correlation_of_one_is_a_point_like_any_other() -> None:
    models = sweep((0.0, 0.5, 0.7, 0.9, 1.0))
    row = by_name(correlation_sweep.claims(attacked(models), study(models)))["spurious_correlation.preserved"]
    assert np.isfinite([row.ci_low or np.nan, row.ci_high or np.nan]).all()


@pytest.mark.parametrize(
    ("correlations", "replicates", "said"),
    [
        ((0.5,), 1, "one correlation, 0.5, has no change"),
        ((0.0, 0.9), 1, "2 correlations in one replicate: two points"),
    ],
)
def test_too_few_points_are_rows_that_say_what_is_missing(
    correlations: Sequence[float], replicates: int, said: str
) -> None:
    models = sweep(correlations, replicates)
    rows = correlation_sweep.claims(attacked(models), study(models))
    assert {row.verdict for row in rows} == {"undecided"}
    assert {(row.value, row.rerun) for row in rows} == {(None, None)}
    assert all(said in row.missing and row.evidence.endswith(row.missing) for row in rows)


def test_two_points_in_two_replicates_have_an_interval() -> None:
    models = sweep((0.0, 0.7), 2)
    row = by_name(correlation_sweep.claims(attacked(models), study(models)))["spurious_correlation.preserved"]
    assert row.df == 1
    assert row.ci_low is not None


def test_domains_that_were_not_attacked_have_no_rows() -> None:
    models = sweep()
    rows = by_name(correlation_sweep.claims(attacked(models, domains=["preserved"]), study(models)))
    assert rows
    assert not any("broken" in name or name == "spurious_correlation" for name in rows)
    unmeasured = [each._replace(benchmarks=()) for each in models]
    assert correlation_sweep.claims(attacked(models), study(unmeasured)) == []


def test_a_dead_regime_is_named_and_draws_no_verdict() -> None:
    models = sweep((*SWEPT, 0.97))
    found = attacked(models)
    key = ("correlation0.97_1", "adversarial", "accuracy_broken")
    found[key] = Measured(0.11, 0.11 + np.random.default_rng(0).normal(0, 0.02, DRAWS), 100)
    assert {row.warning for row in correlation_sweep.claims(found, study(models))} == {None}
    for row in correlation_sweep.claims(found, study(models, CRITERIA)):
        assert row.warning == "object is not read: correlation 0.97, accuracy_broken 0.11 (limit 0.15)"
        assert row.verdict == "undecided"
        assert row.value is not None
    checked = [check for check in regime.checks(found, study(models, CRITERIA)) if not check.passed]
    assert [(check.criterion, check.place) for check in checked] == [("object is read", 0.97)]
