"""Claim (iii) on networks: what a shift of the correlation adds to the risk of adversarially trained ones."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from claims.hand_made import by_name, grid, measured, model, strength, study
from results.synthetic_study import benchmarks_told
from tradeoffs.claims import regime, shifted_correlation
from tradeoffs.claims.variance import UNSEEN_DF
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Benchmark, Metric
from tradeoffs.results.study import Model, Study

NAME = "shifted_correlation"
ACCURACIES = tuple(
    f"{kind}accuracy_{domain}" for kind in ("", "adversarial_") for domain in shifted_correlation.DOMAINS
)
EXCESS = tuple(f"{kind}excess_risk_{domain}" for kind in ("", "adversarial_") for domain in ("removed", "reversed"))


def risks(
    models: list[Model], preserved: Callable[[Model], float], added: Callable[[Model, str], float]
) -> Measurements:
    """Measurements of a risk where the correlation is preserved, and what is added elsewhere; as much under attack."""
    found: Measurements = {}
    for kind in ("", "adversarial_"):
        for domain in shifted_correlation.DOMAINS:
            found |= measured(
                models,
                NAME,
                f"{kind}accuracy_{domain}",
                lambda m, d=domain: 1 - preserved(m) - added(m, d),
                trainings=0.01,
            )
        for domain in ("removed", "reversed"):
            found |= measured(
                models, NAME, f"{kind}excess_risk_{domain}", lambda m, d=domain: added(m, d), trainings=0.01
            )
    return found


def told(models: list[Model], **said: object) -> Study:
    """The study, with the benchmark as the declaration has it."""
    names = [*ACCURACIES, *EXCESS]
    listed = Benchmark(NAME, "Shifted", tuple(Metric(NAME, name) for name in names), ACCURACIES[:3], 0.1)
    return study(models, **said)._replace(benchmarks=[*benchmarks_told().values(), listed])


@pytest.mark.parametrize(("sign", "verdict"), [(1, "supported"), (-1, "contradicted"), (0, "equivalent")])
def test_the_excess_is_that_of_adversarially_trained_networks_less_standard_ones(sign: int, verdict: str) -> None:
    models = grid(("basic", "bottleneck"))

    def added(each: Model, domain: str) -> float:
        return {"preserved": 0.0, "removed": 0.2, "reversed": 0.3}[domain] * (1 + sign * strength(each))

    found = risks(models, lambda _: 0.1, added)
    rows = by_name(shifted_correlation.claims(found, told(models, margins={"other": 0.03})))
    for domain, size in (("removed", 0.2), ("reversed", 0.3)):
        for kind in ("", "adversarial_"):
            row = rows[f"{NAME}.{kind}excess_risk_{domain}"]
            assert row.value == pytest.approx(sign * size * np.mean([0.25, 0.5, 0.75, 1]), abs=0.02)
            assert (row.verdict, row.scope, row.margin) == (verdict, "exploratory", 0.03)
            of_risk = rows[f"{NAME}.{kind}risk_{domain}"]
            assert of_risk.value == pytest.approx(row.value, abs=0.02)  # as much in the domain as is preserved
            for architecture in ("basic", "bottleneck"):
                for norm in ("linf", "l2"):
                    cell = rows[f"{NAME}.{kind}excess_risk_{domain}.{architecture}.{norm}"]
                    assert (cell.norm, cell.verdict) == (norm, verdict)
    assert rows[f"{NAME}.risk_preserved"].value == pytest.approx(0, abs=0.02)
    assert len(rows) == 4 * (1 + 4) + 6  # without clean accuracy there is nothing at equal accuracy


def test_a_lower_risk_contradicts_that_it_is_higher() -> None:
    models = grid()
    rows = by_name(
        shifted_correlation.claims(risks(models, lambda m: 0.5 - 0.3 * strength(m), lambda *_: 0.1), told(models))
    )
    row = rows[f"{NAME}.adversarial_risk_preserved"]
    assert row.value == pytest.approx(-0.3 * 0.625, abs=0.02)
    assert row.verdict == "contradicted"


def test_at_equal_accuracy_the_line_of_standard_networks_is_taken_out() -> None:
    """What is added follows from clean accuracy alone, so that nothing is left beyond it."""
    controls = [model(f"basic_standard_images{n}", "control", images=n) for n in (1000, 1500, 2000)]
    models = [*grid(), *controls]

    def logit(each: Model) -> float:
        return 2.0 - (2500 - each.images) / 1000 if each.images else 2.0 - strength(each)

    found = risks(models, lambda _: 0.1, lambda m, d: 0 if d == "preserved" else 0.5 - 0.2 * logit(m))
    found |= measured(models, "imagenet", "accuracy", lambda m: 1 / (1 + np.exp(-logit(m))), images=1e-4)
    rows = by_name(shifted_correlation.claims(found, told(models)))
    raw, beyond = (rows[f"{NAME}.excess_risk_removed{suffix}"] for suffix in ("", "_beyond_accuracy"))
    assert raw.value == pytest.approx(0.2 * 0.625, abs=0.02)
    assert raw.verdict == "supported"
    assert beyond.value == pytest.approx(0, abs=0.02)
    assert beyond.verdict != "supported"


def test_few_photographs_leave_few_degrees_of_freedom() -> None:
    """In rows raw and at equal accuracy: where images add nearly all, the degrees are theirs."""
    controls = [model(f"basic_standard_images{n}", "control", images=n) for n in (1000, 1500, 2000)]
    models = [*grid(), *controls]
    accuracy = measured(models, "imagenet", "accuracy", lambda m: 0.9 - (m.images or 0) / 1e4, images=1e-4)

    def degrees(df: float) -> dict[str, float]:
        found = {key: each._replace(df=df) for key, each in risks(models, lambda _: 0.4, lambda *_: 0.1).items()}
        noisy = np.random.default_rng(0).normal(0, 0.5, 200)  # of every image alike, but none of the standard models'
        trained = {m.id for m in models if m.norm != "none"}
        shaken = {key: each._replace(draws=each.draws + noisy * (key[0] in trained)) for key, each in found.items()}
        rows = shifted_correlation.claims(shaken | accuracy, told(models))
        return {row.claim: row.df for row in rows if row.df is not None}

    few, many = degrees(3.0), degrees(50.0)
    assert few.keys() == many.keys()
    assert any(name.endswith("_beyond_accuracy") for name in few)
    for df, found in ((3, few), (50, many)):
        assert found == pytest.approx(dict.fromkeys(few, 1 / (1 / df + 1 / UNSEEN_DF)), rel=0.05)


def test_criteria_that_fail_are_a_warning_and_concern_these_rows() -> None:
    controls = [model(f"basic_standard_images{n}", "control", images=n) for n in (1000, 1500, 2000)]
    models = [each._replace(benchmarks=(NAME,)) for each in [*grid(), *controls]]
    found = risks(models, lambda _: 0.9, lambda *_: 0.0)  # at chance in every domain
    found |= measured(
        models, "imagenet", "accuracy", lambda m: 0.9 - (m.images or 0) / 1e4, images=1e-4, trainings=0.01
    )
    limits = {"chance_margin": 0.05, "standard_errors": 2, "ceiling": 0.98, "convergence": 0.05}
    asked = told(models, criteria=limits)
    rows = shifted_correlation.claims(found, asked)
    assert {row.at_equal_accuracy for row in rows} == {True, False}
    for row in rows:
        assert row.warning is not None
        assert row.warning.startswith("at chance: ")
        assert row.verdict == "undecided"
    concerned = {check.concerns for check in regime.checks(found, asked) if not check.passed}
    assert concerned == {NAME, f"{NAME}.adversarial"}


def test_rows_under_attack_have_no_verdict_where_nothing_stands_and_the_clean_ones_have() -> None:
    models = [each._replace(benchmarks=(NAME,)) for each in grid()]
    fallen = {m.id for m in models if m.norm == "none"}
    found = risks(models, lambda _: 0.3, lambda *_: 0.0)
    for name, domain in itertools.product([m.id for m in models], shifted_correlation.DOMAINS):
        key = (name, NAME, f"adversarial_accuracy_{domain}")
        found[key] = found[key]._replace(value=0.0 if name in fallen else 0.5)
    limits = {"chance_margin": 0.05, "standard_errors": 2, "ceiling": 0.98, "convergence": 0.05}
    for row in shifted_correlation.claims(found, told(models, criteria=limits)):
        under_attack = "adversarial_" in row.claim
        assert (row.warning or "").startswith("at chance: basic standard, adversarial_accuracy_") is under_attack


def test_where_nothing_was_measured_there_is_no_row() -> None:
    models = grid()
    assert shifted_correlation.claims({}, told(models)) == []
    standard = [each for each in models if each.norm == "none"]
    assert shifted_correlation.claims(risks(standard, lambda _: 0.1, lambda *_: 0.1), told(standard)) == []


def test_too_few_budgets_are_a_row_that_says_so() -> None:
    models = grid(budgets={"linf": (4.0,)}, copies=("",))
    rows = shifted_correlation.claims(risks(models, lambda _: 0.1, lambda *_: 0.1), told(models))
    assert {row.verdict for row in rows} == {"undecided"}
    assert all("three budgets" in row.evidence for row in rows)
