"""From cards and draws to the rows of the tables: every number where it belongs."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.synthetic_study import DRAWS, Run, Study, flat, table, told
from tradeoffs.results.effective_robustness import Measured, of_models, reason_to_leave_out
from tradeoffs.results.evaluations import FIELDS, Evaluations, draws, metric_value, read
from tradeoffs.results.measurements import CONVERGENCE, measure
from tradeoffs.results.study import Model
from tradeoffs.results.summary import summary_rows, sweep_rows
from tradeoffs.step.cards import sealed
from tradeoffs.step.errors import InputError


def spread(model: Model, benchmark: str, metric: str) -> float:
    """Every model and metric has a value of its own."""
    seed = [ord(letter) for letter in model.id + metric]
    return float(np.random.default_rng(seed).uniform(0.3, 0.7))


def card(study: Study, model: str, benchmark: str) -> Path:
    return study.evaluations / benchmark / f"{model}.json"


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(sealed(content)))


def by_hand(evaluations: Evaluations, kept: Sequence[Model], protocol: str, place: int | None) -> dict[str, float]:
    """Effective robustness by numpy's own line fit, from values (None) or from one draw."""

    def accuracies(model: Model, kind: str) -> float:
        name = f"{kind}_accuracy_{protocol}"
        found = evaluations[model.id, "objectnet"]
        return metric_value(found, name) if place is None else float(draws(found, [name])[name][place])

    def logit(accuracy: float) -> float:
        return float(np.log(accuracy / (1 - accuracy)))

    x = {m.id: logit(accuracies(m, "validation")) for m in kept}
    y = {m.id: logit(accuracies(m, "objectnet")) for m in kept}
    standard = [m.id for m in kept if m.norm == "none"]
    slope, intercept = np.polyfit([x[name] for name in standard], [y[name] for name in standard], 1)
    return {m.id: accuracies(m, "objectnet") - 1 / (1 + np.exp(-(intercept + slope * x[m.id]))) for m in kept}


def test_effective_robustness_is_refitted_in_every_draw_to_all_standard_models(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(spread)
    for model, count in (("basic_l2_eps1", 321), ("basic_standard", 400)):
        change = {"n": count}
        edit(
            card(study, model, "objectnet"),
            lambda content, change=change: content["metrics"]["objectnet_accuracy_official"].update(change),
        )
    evaluations = read(study.evaluations, study.models)
    found = of_models(evaluations, study.models)
    kept = [m for m in study.models if m.role in ("main", "extra", "control") and "objectnet" in m.benchmarks]
    assert {m.role for m in kept} == {"main", "control"}
    for protocol, count in (("official", 321 + 500), ("restricted", 500 + 500)):
        for place in (None, 0, DRAWS - 1):
            expected = by_hand(evaluations, kept, protocol, place)
            for model in kept:
                measured = found.get((model.id, f"effective_robustness_{protocol}"))
                if model.role == "control":
                    assert measured is None
                    continue
                assert measured is not None
                assert (measured.n, measured.draws.shape) == (count, (DRAWS,))
                value = measured.value if place is None else measured.draws[place]
                assert value == pytest.approx(expected[model.id], abs=1e-6)


@pytest.mark.parametrize(("distinct", "there"), [(1, False), (2, False), (3, True)])
def test_three_standard_models_that_differ_are_the_fewest(
    make_imagenet_study: Callable[..., Study], distinct: int, there: bool
) -> None:
    extras = [(f"own{number}", f"net{number}", "none", 0.0) for number in range(3)]

    def plan(model: Model, benchmark: str, metric: str) -> float:
        if metric.startswith("validation") and model.norm == "none":
            return 0.5 + 0.1 * (int(model.id[-1]) % distinct if model.role == "extra" else 0)
        return spread(model, benchmark, metric)

    study = make_imagenet_study(plan, benchmarks=("objectnet",), extras=extras)
    evaluations = read(study.evaluations, study.models)
    reason = reason_to_leave_out(evaluations, study.models)
    assert bool(of_models(evaluations, study.models)) == there
    assert (reason is None) == there
    if reason is not None:
        assert f"there are {distinct}, expected at least 3" in reason


def test_each_world_has_a_line_of_its_own_through_its_standard_models(
    make_imagenet_study: Callable[..., Study],
) -> None:
    """Where standard models of one world are too few, it alone has none; the reason counts those of the world."""
    extras = [(f"own{number}", f"net{number}", "none", 0.0) for number in range(6)] + [("robust", "n", "l2", 1.0)]

    def plan(model: Model, benchmark: str, metric: str) -> float:
        if model.role != "extra" or model.norm != "none":
            return spread(model, benchmark, metric)
        number = int(model.id[-1])
        return (0.5 if metric.startswith("validation") else 0.2 + 0.2 * (number % 2)) + 0.05 * (number // 2)

    study = make_imagenet_study(plan, benchmarks=("objectnet",), architectures=(), extras=extras)
    evaluations = read(study.evaluations, study.models)
    second = [m._replace(world="second") if m.id[-1] in "135" else m for m in study.models]
    found = of_models(evaluations, second)
    for m in second:
        if m.norm == "none":  # both worlds' lie on a line each, one above the other
            assert found[m.id, "effective_robustness_official"].value == pytest.approx(0, abs=0.01)
    together = of_models(evaluations, study.models)
    assert abs(together["own1", "effective_robustness_official"].value) > 0.05
    assert reason_to_leave_out(evaluations, second) is None
    few = [m for m in second if m.id != "own5"]
    assert {name for name, _ in of_models(evaluations, few)} == {m.id for m in few if m.world != "second"}
    assert "there are 2, expected at least 3" in str(reason_to_leave_out(evaluations, few))


def test_effective_robustness_needs_objectnet(make_imagenet_study: Callable[..., Study]) -> None:
    study = make_imagenet_study(benchmarks=("imagenet9",))
    evaluations = read(study.evaluations, study.models)
    assert of_models(evaluations, study.models) == {}
    assert reason_to_leave_out(evaluations, study.models) == "ObjectNet was not measured"


def test_every_metric_of_every_card_is_measured_with_its_draws_and_images(make_study: Callable[..., Study]) -> None:
    study = make_study(spread)
    edit(
        card(study, "basic_l2_eps1", "imagenet9"), lambda content: content["metrics"]["bg_gap"].update(n=123, value=0.9)
    )
    evaluations = read(study.evaluations, study.models)
    found = measure(evaluations, study.models, told(study.spec).reliance)
    for (model, benchmark), evaluation in evaluations.items():
        for name, metric in evaluation.metrics.items():
            value, drawn, count, df, of = found[model, benchmark, name]
            assert (value, count, df, of) == (metric["value"], metric["n"], evaluation.df, evaluation.drawn)
            np.testing.assert_array_equal(drawn, np.load(evaluation.outcomes)[f"draws/{name}"].astype(float))
    changed = found["basic_l2_eps1", "imagenet9", "bg_gap"]
    assert (changed.value, changed.n) == (0.9, 123)
    added = set(found) - {(m, b, name) for (m, b), e in evaluations.items() for name in e.metrics}
    mains = {m.id for m in study.models if m.role == "main"}
    assert {key for key in added if not key[2].endswith("_beyond_accuracy")} == {
        (model, "objectnet", f"effective_robustness_{protocol}")
        for model in mains
        for protocol in ("official", "restricted")
    }
    assert {model for model, *_ in added} == mains


def test_draws_of_two_worlds_are_of_the_same_where_cards_say_so(make_study: Callable[..., Study]) -> None:
    """The same seed, number of draws, units and strata, and no image left out; and never where a card is silent."""
    study = make_study(spread)
    says = {"resampled": {"units": 8, "strata": 4}, "skipped": []}
    told_of = {"0.2": says, "0.4": says, "0.7": says | {"skipped": ["a.png"]}, "1": says | {"resampled": None}}
    for scale, changes in told_of.items():
        name = f"basic_standard_background_scale{scale}"
        edit(card(study, name, "imagenet9"), lambda content, changes=changes: content.update(changes))
    found = measure(read(study.evaluations, study.models), study.models, told(study.spec).reliance)
    drawn = [found[f"basic_standard_background_scale{scale}", "imagenet9", "bg_gap"].drawn for scale in told_of]
    assert drawn == [(0, DRAWS, 8, 4), (0, DRAWS, 8, 4), None, None]


def test_summary_and_sweep_rows_are_the_cards_cell_by_cell(make_study: Callable[..., Study]) -> None:
    study = make_study(spread)
    evaluations = read(study.evaluations, study.models)
    added: dict[tuple[str, str], Measured] = of_models(evaluations, study.models)
    measured_ones = measure(evaluations, study.models, told(study.spec).reliance)
    summary = list(summary_rows("name", study.models, evaluations, measured_ones))
    sweeps = list(sweep_rows("name", study.models, evaluations))
    expected: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
    for model in study.models:
        main = model.role == "main"
        identity = (
            "name",
            model.id,
            *((model.role,) if main else ()),
            model.architecture,
            model.norm,
            float(model.epsilon),
            model.seed,
        )
        role = {"correlation_sweep": "correlation", "background_scale_sweep": "background_scale"}.get(
            model.role, model.role
        )
        swept = () if main else (role, model.correlation, model.background_scale, model.images, model.objective)
        for benchmark in model.benchmarks:
            rows = {
                name: tuple(metric[field] for field in FIELDS)
                for name, metric in evaluations[model.id, benchmark].metrics.items()
            }
            rows |= {
                name: (each.value, *np.quantile(each.draws, [0.025, 0.975]), each.n)
                for (owner, where, name), each in measured_ones.items()
                if main and (owner, where) == (model.id, benchmark) and name.endswith("_beyond_accuracy")
            }
            if main and benchmark == "objectnet":
                for protocol in ("official", "restricted"):
                    measured = added[model.id, f"effective_robustness_{protocol}"]
                    low, high = np.quantile(measured.draws, [0.025, 0.975])
                    rows[f"effective_robustness_{protocol}"] = (measured.value, low, high, measured.n)
            last = (model.replicate, *((model.objective,) if main else ()))
            expected[main] += [(*identity, *swept, benchmark, name, *rows[name], *last) for name in sorted(rows)]
    assert summary == expected[True]
    assert sweeps == expected[False]
    assert {type(row[5]) for row in summary} == {float}


def test_a_card_of_the_summary_says_what_is_left_out(
    make_study: Callable[..., Study], run_summary: Run, tmp_path: Path
) -> None:
    def accuracies(model: Model, benchmark: str, metric: str) -> float:
        less = (model.images or 0) / 1e5 if benchmark == "imagenet" else 0.0
        return flat(model, benchmark, metric) + less

    run_summary(make_study(accuracies))
    assert json.loads((tmp_path / "card").read_text())["left_out"] == {}
    run_summary(make_study(lambda model, benchmark, metric: 0.5))
    content = json.loads((tmp_path / "card").read_text())
    assert {name for name in content["left_out"] if "beyond" not in name} == {"effective_robustness"}
    assert "imagenet9.bg_gap_beyond_accuracy" in content["left_out"]
    assert content["rows"] == len(table(tmp_path / "out"))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [True, "0.5", None, [0.5]])
def test_every_field_of_every_metric_is_a_finite_number(
    make_imagenet_study: Callable[..., Study], field: str, value: object
) -> None:
    study = make_imagenet_study(benchmarks=("imagenet9",), architectures=("resnet18",), extras=())
    edit(
        card(study, "resnet18_linf_eps8", "imagenet9"),
        lambda content: content["metrics"]["bg_gap"].update({field: value}),
    )
    with pytest.raises(InputError, match=rf"resnet18_linf_eps8\.json: bg_gap\.{field} is .*expected a number"):
        read(study.evaluations, study.models)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(data={"imagenet9": "other"}),
        lambda content: content["spec"].update(seed=1),
        lambda content: content["spec"].update(bootstrap=DRAWS + 1),
        lambda content: content["spec"].pop("seed"),
    ],
)
def test_cards_of_one_world_are_of_the_same_data_seed_and_draws(
    make_study: Callable[..., Study], change: Callable[[dict[str, Any]], object]
) -> None:
    study = make_study(flat)
    last = [m for m in study.models if m.role == "main"][-1]
    edit(card(study, last.id, "imagenet9"), change)
    with pytest.raises(InputError, match=rf"{last.id}\.json: .* in the card of .*evaluate both on the same data"):
        read(study.evaluations, study.models)


def test_cards_of_other_worlds_are_of_other_data(make_study: Callable[..., Study]) -> None:
    study = make_study(flat)
    alone = [m for m in study.models if m.world == "background_scale0.4"]
    for model in alone:
        edit(card(study, model.id, "imagenet9"), lambda content: content.update(data={"imagenet9": "other"}))
    assert len(read(study.evaluations, study.models)) == sum(len(m.benchmarks) for m in study.models)


@pytest.mark.parametrize(
    "drawn", [np.zeros((2, 3)), np.zeros(0), np.array([0.5, np.nan]), np.array([np.inf]), np.float64(0.5)]
)
def test_draws_are_a_list_of_numbers(make_study: Callable[..., Study], tmp_path: Path, drawn: Any) -> None:
    study = make_study(flat)
    found = read(study.evaluations, study.models)["basic_l2_eps1", "imagenet9"]
    arrays = dict(np.load(found.outcomes))
    np.savez(tmp_path / "broken.npz", **arrays | {"draws/bg_gap": drawn})
    broken = found._replace(outcomes=tmp_path / "broken.npz")
    with pytest.raises(InputError, match=r"broken\.npz"):
        draws(broken, ["bg_gap"])


def test_what_a_card_says_of_the_training_is_measured_and_where_it_says_nothing_nothing_is(
    make_study: Callable[..., Study],
) -> None:
    study = make_study()
    trained, other = (model for model in study.models[:2])
    for benchmark in trained.benchmarks:
        edit(study.evaluations / benchmark / f"{trained.id}.json", lambda card: card.update(convergence=0.02))
    found = measure(read(study.evaluations, study.models), study.models, [])
    assert found[trained.id, *CONVERGENCE].value == 0.02
    assert (other.id, *CONVERGENCE) not in found


@pytest.mark.parametrize("said", ["0.02", True, [0.02]])
def test_a_convergence_that_is_no_number_is_one_line(make_study: Callable[..., Study], said: Any) -> None:
    study = make_study()
    path = study.evaluations / study.models[0].benchmarks[0] / f"{study.models[0].id}.json"
    edit(path, lambda card: card.update(convergence=said))
    with pytest.raises(InputError, match=r"convergence is .*; expected a number, or none; make the card again"):
        read(study.evaluations, study.models)


def test_a_metric_that_a_card_lacks_is_named_with_those_it_has(make_study: Callable[..., Study]) -> None:
    study = make_study(flat)
    found = read(study.evaluations, study.models)["basic_l2_eps1", "salient_imagenet"]
    assert metric_value(found, "rcs") == 0.5
    expected = re.escape("basic_l2_eps1.json: no metric nothing; expected one of accuracy, core_accuracy")
    with pytest.raises(InputError, match=expected):
        metric_value(found, "nothing")
