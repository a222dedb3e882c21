"""Summary and claims as commands, from cards in the real format."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from results.synthetic_study import CLAIMS, DRAWS, Run, Study, flat, table, verdicts
from tradeoffs.results.study import Model
from tradeoffs.results.table import summary_row, sweep_row
from tradeoffs.step.cards import digests, sealed

SUMMARY = [
    *["study", "model", "role", "architecture", "norm", "epsilon", "seed"],
    *["benchmark", "metric", "value", "ci_low", "ci_high", "n", "replicate"],
]
WRITTEN = [*SUMMARY, "objective"]
SWEPT = ["sweep", "correlation", "background_scale", "images", "objective"]


def budget(model: Model) -> float:
    """Relative budget in [0, 1] of a main model: both norms span a factor of 16."""
    return {"none": 0, "linf": model.epsilon / 8, "l2": model.epsilon / 2}[model.norm]


def test_summary_has_the_columns_and_every_adversarial_model_under_every_benchmark(
    make_study: Callable[..., Study], run_summary: Run, tmp_path: Path
) -> None:
    assert run_summary(make_study()) == 0
    rows = table(tmp_path / "out")
    assert list(rows[0]) == WRITTEN
    for benchmark in (
        "rival10",
        "salient_imagenet",
        "imagenet9",
        "waterbirds",
        "objectnet",
        "shifted_correlation",
        "adversarial",
    ):
        assert len({r["model"] for r in rows if r["benchmark"] == benchmark and r["norm"] != "none"}) == 20
    standard = next(r for r in rows if r["model"] == "basic_standard")
    assert (standard["norm"], standard["epsilon"]) == ("none", "0")
    assert any(r["model"] == "basic_linf_eps0.5" and r["epsilon"] == "0.5" for r in rows)
    assert json.loads((tmp_path / "card").read_text())["rows"] == len(rows)


def test_sweeps_name_what_is_swept(make_study: Callable[..., Study], run_summary: Run, tmp_path: Path) -> None:
    study = make_study()
    run_summary(study)
    rows = table(tmp_path / "sweeps")
    assert list(rows[0]) == [*SUMMARY[:2], *SUMMARY[3:7], *SWEPT, *SUMMARY[7:]]
    assert {r["correlation"] for r in rows if r["sweep"] == "correlation"} == {
        f"{model.correlation:g}" for model in study.models if model.role == "correlation_sweep"
    }
    assert {r["background_scale"] for r in rows if r["sweep"] == "background_scale"} == {"0.2", "0.4", "0.7", "1"}
    assert {r["images"] for r in rows if r["sweep"] == "control"} == {
        str(model.images) for model in study.models if model.role == "control"
    }
    assert {r["benchmark"] for r in rows if r["sweep"] == "control"} == {
        *("imagenet", "rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet"),
        "shifted_correlation",
    }


def test_effective_robustness_is_added_and_right(
    make_study: Callable[..., Study], run_summary: Run, tmp_path: Path
) -> None:
    """All models are on one level but an l2 one, which loses 0.1 more than a standard model would."""

    def plan(model: Model, benchmark: str, metric: str) -> float:
        if metric.startswith("objectnet_accuracy") and model.id == "basic_l2_eps1":
            return 0.4
        return flat(model, benchmark, metric)

    run_summary(make_study(plan, noise=1e-6))
    found = {r["model"]: r for r in table(tmp_path / "out") if r["metric"] == "effective_robustness_official"}
    assert len(found) == 26  # twenty, and three standard ones of each architecture
    assert float(found["basic_l2_eps1"]["value"]) == pytest.approx(-0.1, abs=1e-6)
    assert float(found["basic_l2_eps2"]["value"]) == pytest.approx(0, abs=1e-6)
    low, high = (float(found["basic_l2_eps1"][key]) for key in ("ci_low", "ci_high"))
    assert low < -0.1 < high


def test_effective_robustness_needs_three_standard_models(
    make_study: Callable[..., Study], run_summary: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(lambda model, benchmark, metric: 0.5)
    assert run_summary(study) == 0
    assert not [r for r in table(tmp_path / "out") if r["metric"].startswith("effective")]
    assert "effective robustness is left out" in capsys.readouterr().out


def test_same_cards_give_the_same_bytes(make_study: Callable[..., Study], run_claims: Run, tmp_path: Path) -> None:
    study = make_study()
    run_claims(study)
    before = (tmp_path / "out").read_bytes()
    run_claims(study)
    assert (tmp_path / "out").read_bytes() == before


def test_more_reliance_with_the_budget_is_supported_with_its_size(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    lower = {"rfs_linf", "rfs_l2", "rcs", "worst_group_accuracy"}

    def plan(model: Model, benchmark: str, metric: str) -> float:
        if model.role != "main" or metric.startswith("validation"):
            return flat(model, benchmark, metric)
        if metric.startswith("objectnet_accuracy"):
            return 0.5 - 0.2 * budget(model)
        return 0.5 + (-0.2 if metric in lower else 0.2) * budget(model)

    assert run_claims(make_study(plan)) == 0
    rows = {row["claim"]: row for row in table(tmp_path / "out")}
    assert list(rows["background_reliance"]) == CLAIMS
    raw = {name: r for name, r in rows.items() if name.startswith("background_reliance") and "beyond" not in name}
    assert {r["verdict"] for r in raw.values()} == {"supported"}
    effect = rows["background_reliance.imagenet9.bg_gap.basic.linf"]
    expected = 0.2 * (1 + 2 + 4 + 8 + 16) / 16 / 5
    assert float(effect["value"]) == pytest.approx(expected, abs=1e-6)
    assert float(effect["ci_low"]) < expected < float(effect["ci_high"])
    assert float(effect["p_value"]) < 0.01
    # The shared error of all models cancels: the interval is far narrower than that of one model's value.
    assert float(effect["ci_high"]) - float(effect["ci_low"]) < 0.06
    summary_row = rows["background_reliance.imagenet9.bg_gap"]
    assert float(summary_row["p_adjusted"]) >= float(summary_row["p_value"])
    assert (summary_row["scope"], effect["scope"]) == ("headline", "exploratory")


def test_less_reliance_is_shown_as_contradicted(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    def plan(model: Model, benchmark: str, metric: str) -> float:
        fall = 0.2 * budget(model) if metric == "bg_gap" and model.role == "main" else 0
        return flat(model, benchmark, metric) - fall

    run_claims(make_study(plan))
    found = verdicts(tmp_path / "out")
    assert found["background_reliance.imagenet9.bg_gap"] == "contradicted"
    assert found["background_reliance.imagenet9.bg_gap.bottleneck.l2"] == "contradicted"
    assert found["background_reliance"] == "contradicted"
    assert found["background_reliance.rival10.rfs_linf"] == "undecided"


def test_no_effect_is_undecided(make_study: Callable[..., Study], run_claims: Run, tmp_path: Path) -> None:
    run_claims(make_study())
    found = verdicts(tmp_path / "out")
    assert {verdict for claim, verdict in found.items() if claim.startswith("background_reliance")} == {"undecided"}
    assert {verdict for claim, verdict in found.items() if claim.startswith("spurious")} == {"undecided"}
    assert found["background_scale.linf"] == "undecided"


def test_replicates_are_compared_each_within_itself(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    """Each shifts all of its models by as much as the whole effect; within one the gap rises with the budget."""

    def plan(model: Model, benchmark: str, metric: str) -> float:
        rise = 0.2 * budget(model) + 0.2 * model.replicate if metric == "bg_gap" else 0
        return flat(model, benchmark, metric) + rise

    run_claims(make_study(plan, changes={"replicates": 3}))
    row = next(r for r in table(tmp_path / "out") if r["claim"] == "background_reliance.imagenet9.bg_gap.basic.l2")
    assert row["verdict"] == "supported"
    assert float(row["value"]) == pytest.approx(0.2 * 31 / 16 / 5, abs=1e-6)
    assert (float(row["p_value"]) < 0.01, row["replicates"]) == (True, "3")


def test_correlation_that_helps_where_preserved_and_harms_where_broken(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    def plan(model: Model, benchmark: str, metric: str) -> float:
        if model.role != "correlation_sweep" or not metric.startswith("adversarial"):
            return flat(model, benchmark, metric)
        assert model.correlation is not None
        return 0.5 + (0.3 if "preserved" in metric else -0.3) * model.correlation

    run_claims(make_study(plan))
    rows = {row["claim"]: row for row in table(tmp_path / "out")}
    for claim in ("spurious_correlation", "spurious_correlation.preserved.l2", "spurious_correlation.broken.linf"):
        assert rows[claim]["verdict"] == "supported"
    assert float(rows["spurious_correlation.preserved"]["value"]) == pytest.approx(0.3 * 0.9, abs=1e-6)
    assert float(rows["spurious_correlation.broken"]["value"]) == pytest.approx(0.3 * 0.9, abs=1e-6)


def test_correlation_that_helps_everywhere_contradicts(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    def plan(model: Model, benchmark: str, metric: str) -> float:
        return flat(model, benchmark, metric) + (0.3 * (model.correlation or 0) if metric.startswith("adv") else 0)

    run_claims(make_study(plan))
    found = verdicts(tmp_path / "out")
    assert found["spurious_correlation.preserved"] == "supported"
    assert found["spurious_correlation.broken"] == "contradicted"
    assert found["spurious_correlation"] == "contradicted"


@pytest.mark.parametrize(
    ("linf_at_smallest", "expected"), [(-0.2, "supported"), (0.2, "contradicted"), (0.0, "undecided")]
)
def test_background_scale(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path, linf_at_smallest: float, expected: str
) -> None:
    def plan(model: Model, benchmark: str, metric: str) -> float:
        effect = 0.0
        if model.role == "background_scale_sweep" and metric == "bg_gap" and model.norm != "none":
            assert model.background_scale is not None
            along = (model.background_scale - 0.2) / 0.8  # from 0 at the smallest scale to 1 at the largest
            effect = linf_at_smallest + along * (0.2 - linf_at_smallest) if model.norm == "linf" else 0.2
        return flat(model, benchmark, metric) + effect

    run_claims(make_study(plan, noise=0.02))
    found = verdicts(tmp_path / "out")
    assert found["background_scale.linf"] == expected
    assert found["background_scale.l2"] == "supported"
    assert found["background_scale.linf.scale1"] == "supported"


def test_differences_are_oriented_and_listed_for_every_adversarial_model(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    def plan(model: Model, benchmark: str, metric: str) -> float:
        return flat(model, benchmark, metric) - (0.1 if metric == "rcs" and model.norm != "none" else 0)

    run_claims(make_study(plan))
    rows = [r for r in table(tmp_path / "differences") if r["metric"] == "rcs"]
    assert list(rows[0]) == [*WRITTEN, "reference", "interval_over"]
    assert {r["interval_over"] for r in rows} == {"images and trainings"}
    assert {r["reference"] for r in rows if "basic" in r["model"]} == {
        "basic_standard basic_standard_copy2 basic_standard_copy3"
    }
    assert len(rows) == 20
    assert all(float(r["value"]) == pytest.approx(0.1) for r in rows)


def test_theory_rows_are_taken_over_unchanged(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    row = (
        'theory.i,"A statement, with a comma.",count,1,,,,contradicted,,,,,,,linear model,conclusion,,,,exact,,,,False,'
    )
    assert run_claims(make_study(), ",".join(CLAIMS) + f"\n{row}\n") == 0
    assert row in (tmp_path / "out").read_text().splitlines()


# Faults: one line that names the file, exit code 2 and no output.


def first_card(study: Study) -> Path:
    return study.evaluations / "rival10" / "basic_linf_eps1.json"


def edit(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(sealed(card)))


def vouched(path: Path, content: bytes) -> None:
    """Replace outcomes, and let their card vouch for what is there now."""
    path.write_bytes(content)
    edit(path.with_suffix(".json"), lambda card: card.update(files=digests(path)))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(), "not found"),
    "truncated": (lambda path: path.write_text(path.read_text()[:100]), "not valid JSON"),
    "another model": (lambda path: edit(path, lambda card: card.update(model="basic_standard")), "basic_linf_eps1"),
    "a list": (lambda path: path.write_text("[1]"), "damaged, or made by an older version"),
    "no metrics": (lambda path: edit(path, lambda card: card.update(metrics={})), "metrics"),
    "null": (lambda path: edit(path, lambda card: card["metrics"]["rfs_l2"].update(value=None)), "rfs_l2.value"),  # type: ignore[index]
    "other data": (lambda path: edit(path, lambda card: card.update(data={"rival10": "x"})), "data fingerprint"),
    "other seed": (lambda path: edit(path, lambda card: card["spec"].update(seed=5)), "seed"),  # type: ignore[index]
}


@pytest.mark.parametrize("fault", FAULTS)
def test_broken_card_is_one_line(
    make_study: Callable[..., Study],
    run_summary: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    study = make_study()
    damage, expected = FAULTS[fault]
    damage(first_card(study))
    assert run_summary(study) == 2
    message = capsys.readouterr().err
    assert re.fullmatch(r"error: .*\n", message)
    assert "rival10/basic_linf_eps1.json" in message
    assert expected in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda path: path.unlink(), "not found"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "its content is not what"),
        (lambda path: path.write_bytes(b""), "its content is not what"),
        (lambda path: vouched(path, b"PK"), "not a readable npz file"),
    ],
)
def test_broken_draws_are_one_line(
    make_study: Callable[..., Study],
    run_claims: Run,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], object],
    expected: str,
) -> None:
    study = make_study()
    damage(first_card(study).with_suffix(".npz"))
    assert run_claims(study) == 2
    message = capsys.readouterr().err
    assert re.fullmatch(r"error: .*basic_linf_eps1.npz.*\n", message)
    assert expected in message


def test_everything_damaged_is_moved_aside_at_once(
    make_study: Callable[..., Study], run_summary: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study()
    card = first_card(study)
    card.write_text(card.read_text().replace("0", "1", 1))
    outcomes = study.evaluations / "imagenet9" / "bottleneck_standard.npz"
    outcomes.write_bytes(outcomes.read_bytes()[:-1] + b"?")
    assert run_summary(study) == 2
    assert "1 more were damaged and moved likewise" in capsys.readouterr().err
    moved = {path.name for path in study.evaluations.rglob("*.damaged")}
    assert moved == {
        *(f"basic_linf_eps1.{suffix}.damaged" for suffix in ("json", "npz")),
        *(f"bottleneck_standard.{suffix}.damaged" for suffix in ("json", "npz")),
    }


def test_draws_of_a_lost_metric_are_one_line(
    make_study: Callable[..., Study], run_claims: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study()
    edit(first_card(study), lambda card: card["metrics"].update(new=card["metrics"]["rfs_l2"]))  # type: ignore[attr-defined, index]
    assert run_claims(study) == 2
    assert "no array draws/new" in capsys.readouterr().err


@pytest.mark.parametrize(
    "theory", ["", "claim,verdict\n", ",".join(CLAIMS) + "\na,b,c,,,,,perhaps,networks,detail,,,e\n"]
)
def test_broken_theory_claims_are_one_line(
    make_study: Callable[..., Study], run_claims: Run, capsys: pytest.CaptureFixture[str], theory: str
) -> None:
    assert run_claims(make_study(), theory) == 2
    assert re.fullmatch(r"error: .*theory.csv.*\n", capsys.readouterr().err)


def test_unknown_key_in_the_table_of_models(make_study: Callable[..., Study], run_summary: Run) -> None:
    study = make_study()
    broken = json.loads(study.spec)
    broken["models"][0]["colour"] = "red"
    assert run_summary(study._replace(spec=json.dumps(broken))) == 2


def test_sweep_without_its_standard_model_is_one_line(
    make_study: Callable[..., Study], run_claims: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study()
    spec = json.loads(study.spec)
    spec["models"] = [m for m in spec["models"] if m["id"] != "basic_standard_background_scale0.4"]
    assert run_claims(study._replace(spec=json.dumps(spec))) == 2
    assert "has no standard model" in capsys.readouterr().err


def test_synthetic_draws_are_as_many_as_the_cards_say(make_study: Callable[..., Study]) -> None:
    card = json.loads(first_card(make_study()).read_text())
    assert card["spec"]["bootstrap"] == DRAWS


def test_what_rounding_left_of_a_difference_that_is_none_is_zero() -> None:
    model = Model("a", "main", "basic", "none", 0.0, 1, "default", (), None, None, None)
    for row in (
        summary_row("s", model, "b", "m", -9.25e-18, 0.143, float("nan"), 5),
        sweep_row("s", model, "b", "m", -9.25e-18),
    ):
        assert 0.0 in row
        assert -9.25e-18 not in row
    assert summary_row("s", model, "b", "m", 1e-6)[9] == 1e-6
