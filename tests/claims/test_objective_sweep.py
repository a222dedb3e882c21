"""Rows about other trainings: known effects are found, what they are compared with, and what is missing is said."""

import numpy as np
import pytest

from claims.hand_made import grid, measured, model, study
from results.synthetic_study import metrics_told
from tradeoffs.claims import objective_sweep
from tradeoffs.claims.reliance_effects import compare
from tradeoffs.claims.variance import Part, Replicate, estimate

BENCHMARK, METRIC = "imagenet9", "bg_gap"
STANDARD, PLAIN, TRADES, OF_L1 = 0.2, 0.3, 0.5, 0.4


def swept(replicates=1):
    found = []
    for number in range(1, replicates + 1):
        suffix = f"_rep{number}" if number > 1 else ""
        about = {"replicate": number, "world": f"default{suffix}", "benchmarks": (BENCHMARK,)}
        for norm, epsilon in (("linf", 8.0), ("l1", 12.0)):
            trained = about | {"norm": norm, "epsilon": epsilon}
            name = f"basic_{norm}_eps{epsilon:g}"
            if norm == "l1":  # the grid has none
                found.append(model(f"{name}{suffix}", "objective_sweep", **trained))
            found.append(model(f"{name}_trades{suffix}", "objective_sweep", objective="trades", **trained))
    return found


def value(each):
    """As it is in the first replicate; worlds differ by more than trainings, which pairs cancel."""
    return of_first(each) + 0.3 * (each.replicate - 1)


def of_first(each):
    if each.objective == "trades":
        return TRADES
    if each.norm == "l1":
        return OF_L1
    return STANDARD if each.norm == "none" else PLAIN


def rows(models, **how):
    found = measured(models, BENCHMARK, METRIC, value, trainings=0.003, **how)
    return {row.claim: row for row in objective_sweep.claims(found, study(models, margins={"other": 0.03}))}


@pytest.mark.parametrize("replicates", [1, 3])
def test_each_training_is_compared_with_standard_and_with_plain_training(replicates):
    found = rows([*grid(replicates=replicates), *swept(replicates)])
    name = f"objectives.trades.{{}}.{BENCHMARK}.{METRIC}"
    expected = {
        name.format("linf"): TRADES - STANDARD,
        name.format("linf") + "_than_plain": TRADES - PLAIN,
        f"objectives.plain.l1.{BENCHMARK}.{METRIC}": OF_L1 - STANDARD,
        name.format("l1"): TRADES - STANDARD,
        name.format("l1") + "_than_plain": TRADES - OF_L1,
    }
    assert found.keys() == expected.keys()
    for claim, effect in expected.items():
        row = found[claim]
        assert row.value == pytest.approx(effect, abs=0.02)
        assert row.ci_low < effect < row.ci_high
        assert (row.verdict, row.scope, row.replicates) == ("supported", "exploratory", replicates)
        assert row.norm == claim.split(".")[2]
        assert (row.margin, row.level) == (0.03, 0.05)
    evidence = found[name.format("linf") + "_than_plain"].evidence
    ours, theirs = evidence.partition(";")[0].split(" against ")
    assert ours.endswith("basic_linf_eps8_trades" + ("_rep3" if replicates > 1 else ""))
    assert theirs.split(", ")[0] == "basic_linf_eps8"


def test_against_plain_training_both_vary_as_adversarially_trained_models_do():
    """Images, and one estimate of the noise of a training, twice: the standard models' noise has no part in it."""
    models = [*grid(), *swept()]
    found = measured(models, BENCHMARK, METRIC, value, trainings=0.01, seed=1)
    noise = compare(found, models, metrics_told()[BENCHMARK, METRIC]).noise[1]
    assert noise.standard.variance != pytest.approx(noise.adversarial.variance, rel=0.1)
    ours, theirs = (found[f"basic_linf_eps8{name}", BENCHMARK, METRIC] for name in ("_trades", ""))
    images = Part(float(np.var(ours.draws - theirs.draws, ddof=1)), ours.freedom)
    trainings = Part(2 * noise.adversarial.variance, noise.adversarial.df)
    expected = estimate([Replicate(ours.value - theirs.value, (images, trainings))])
    rows = {row.claim: row for row in objective_sweep.claims(found, study(models))}
    row = rows[f"objectives.trades.linf.{BENCHMARK}.{METRIC}_than_plain"]
    assert (row.ci_low, row.ci_high) == pytest.approx(expected.interval())
    assert row.df == pytest.approx(expected.df)


def test_a_difference_within_the_margin_is_none_and_a_smaller_level_asks_for_more():
    models = [*grid(), *swept()]

    def verdicts(said, trades=PLAIN):
        found = measured(models, BENCHMARK, METRIC, lambda m: trades if m.objective else value(m), trainings=0.003)
        rows = objective_sweep.claims(found, said)
        return {row.verdict for row in rows if row.claim.endswith("linf.imagenet9.bg_gap_than_plain")}

    assert verdicts(study(models, margins={"other": 0.05})) == {"equivalent"}
    assert verdicts(study(models)) == {"undecided"}
    assert verdicts(study(models), trades=PLAIN + 0.05) == {"supported"}
    assert verdicts(study(models, level=1e-12), trades=PLAIN + 0.05) == {"undecided"}


def test_without_such_models_there_are_no_rows():
    assert rows(grid()) == {}


def test_without_a_plain_model_the_row_says_so():
    models = [*grid(), *(m for m in swept() if m.objective is not None)]
    row = rows(models)[f"objectives.trades.l1.{BENCHMARK}.{METRIC}_than_plain"]
    assert (row.value, row.verdict) == (None, "undecided")
    assert "nothing to compare with" in row.evidence


def test_a_grid_that_shows_no_noise_of_training_decides_nothing():
    models = [*grid(budgets={"linf": (8.0,)}, copies=[""]), *swept()]
    assert {row.verdict for row in rows(models).values()} == {"undecided"}
