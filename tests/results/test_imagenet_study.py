"""Results of a study without sweeps, with data sets missing, and with models of the user's own beside the grid."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from results.synthetic_study import (
    CONFIG,
    EXTRAS,
    Run,
    Study,
    assert_drawn,
    benchmarks_told,
    metrics_told,
    table,
    verdicts,
)
from tradeoffs.claims import reliance_effects
from tradeoffs.figures import adversarial, benchmark, claims, overview
from tradeoffs.figures.settings import Settings
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.study import Model
from tradeoffs.study.specification import declared

Make = Callable[..., Study]
Tables = Callable[[Study], Path]
ALL_TOLD = Settings(declared(CONFIG))
ALL = ("imagenet", "rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet", "adversarial")
MANY = [(f"my_network_{number}", f"network{number}", "none", 0.0) for number in range(12)]


def test_summary_has_every_model_and_the_sweeps_none(
    make_imagenet_study: Make, run_summary: Run, tmp_path: Path
) -> None:
    assert run_summary(make_imagenet_study()) == 0
    rows = table(tmp_path / "out")
    assert {r["study"] for r in rows} == {"imagenet"}
    for name in ALL:
        assert len({r["model"] for r in rows if r["benchmark"] == name}) == 22 + len(EXTRAS)
    own = next(r for r in rows if r["model"] == "madry_linf_eps4")
    assert (own["architecture"], own["norm"], own["epsilon"]) == ("resnet50", "linf", "4")
    assert table(tmp_path / "sweeps") == []
    assert (tmp_path / "sweeps").read_text().startswith("study,model,")


def test_effective_robustness_takes_the_users_standard_models_into_its_baseline(
    make_imagenet_study: Make, run_summary: Run, tmp_path: Path
) -> None:
    """Standard models lie on one line (accuracies of one odds ratio); the user's robust one loses 0.1 against it."""

    def plan(model: Model, benchmark: str, metric: str) -> float:
        validation = {"resnet18": 0.6, "resnet50": 0.7, "convnext_tiny": 0.8}[model.architecture]
        if metric.startswith("validation_accuracy") or benchmark == "imagenet":
            return validation
        if benchmark != "objectnet":
            return 0.5
        odds = 0.3 * validation / (1 - validation)
        return odds / (1 + odds) - (0.1 if model.id == "madry_linf_eps4" else 0)

    assert run_summary(make_imagenet_study(plan, noise=1e-6)) == 0
    rows = table(tmp_path / "out")
    found = {r["model"]: float(r["value"]) for r in rows if r["metric"] == "effective_robustness_official"}
    assert len(found) == 24
    assert found.pop("madry_linf_eps4") == pytest.approx(-0.1, abs=1e-6)
    assert list(found.values()) == pytest.approx([0] * 23, abs=1e-6)
    assert json.loads((tmp_path / "card").read_text())["left_out"] == {}


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ({"extras": EXTRAS[1:]}, "there are 2, expected at least 3"),
        ({"benchmarks": ("imagenet9",)}, "ObjectNet was not measured"),
    ],
)
def test_effective_robustness_that_cannot_be_had_is_left_out_with_the_reason(
    make_imagenet_study: Make, run_summary: Run, tmp_path: Path, choices: dict[str, Any], reason: str
) -> None:
    assert run_summary(make_imagenet_study(**choices)) == 0
    assert not [r for r in table(tmp_path / "out") if r["metric"].startswith("effective")]
    assert reason in json.loads((tmp_path / "card").read_text())["left_out"]["effective_robustness"]


@pytest.mark.parametrize(
    ("measured", "titles"),
    [
        (("imagenet9", "waterbirds"), "ImageNet-9, Waterbirds"),
        (("objectnet",), "ObjectNet"),
        (("imagenet", "adversarial", "rival10"), "RIVAL10"),
    ],
)
def test_claims_are_about_what_was_measured_and_nothing_else(
    make_imagenet_study: Make, run_claims: Run, tmp_path: Path, measured: Sequence[str], titles: str
) -> None:
    assert run_claims(make_imagenet_study(benchmarks=measured)) == 0
    rows = {row["claim"]: row for row in table(tmp_path / "out")}
    assert rows["background_reliance"]["statement"].endswith(f"on every benchmark ({titles}).")
    about = {name.split(".")[1] for name in rows if "." in name}
    assert about == {name for name in measured if name not in ("imagenet", "adversarial")}
    assert not [name for name in rows if name.startswith(("spurious_correlation", "background_scale"))]


def test_no_claim_where_no_benchmark_of_a_claim_was_measured(
    make_imagenet_study: Make, run_claims: Run, tmp_path: Path
) -> None:
    assert run_claims(make_imagenet_study(benchmarks=("imagenet", "adversarial"))) == 0
    assert table(tmp_path / "out") == []
    assert table(tmp_path / "differences") == []


def test_one_budget_says_nothing_of_trainings(make_imagenet_study: Make, run_claims: Run, tmp_path: Path) -> None:
    study = make_imagenet_study(extras=(), architectures=("resnet18",), budgets={"l2": (3,)})
    assert run_claims(study) == 0
    rows = {row["claim"]: row for row in table(tmp_path / "out")}
    row = rows["background_reliance.imagenet9.bg_gap"]
    assert (row["value"], row["verdict"], row["scope"]) == ("", "undecided", "headline")
    assert "three budgets or more" in row["evidence"]
    differences = table(tmp_path / "differences")
    assert {row["model"] for row in differences} == {"resnet18_l2_eps3"}
    assert {row["interval_over"] for row in differences} == {"images"}  # which a single training does show
    assert all(float(row["ci_low"]) < float(row["value"]) < float(row["ci_high"]) for row in differences)


def test_own_models_change_no_claim_about_the_grid(make_imagenet_study: Make, run_claims: Run, tmp_path: Path) -> None:
    names = ("rival10", "salient_imagenet", "imagenet9", "waterbirds")  # effective robustness does change: its baseline
    assert run_claims(make_imagenet_study(benchmarks=names, extras=())) == 0
    without = table(tmp_path / "out")
    assert run_claims(make_imagenet_study(benchmarks=names)) == 0
    assert [row for row in table(tmp_path / "out") if not row["claim"].endswith("madry_linf_eps4")] == without


def test_own_model_is_compared_with_the_standard_model_of_its_architecture(
    make_imagenet_study: Make, run_claims: Run, tmp_path: Path
) -> None:
    extras = [
        ("robust", "resnet50", "l2", 1.0),  # the grid's resnet50_standard
        ("vision", "vit", "none", 0.0),  # itself the standard one of ...
        ("robust_vision", "vit", "linf", 4.0),  # ... this
        ("alone", "swin", "linf", 4.0),  # nothing to compare with
    ]
    gaps = {"resnet50_standard": 0.1, "robust": 0.25, "vision": 0.4, "robust_vision": 0.3}

    def plan(model: Model, benchmark: str, metric: str) -> float:
        return gaps.get(model.id, 0.1) if metric == "bg_gap" else 0.5

    assert run_claims(make_imagenet_study(plan, extras=extras, benchmarks=("imagenet9",))) == 0
    rows = {r["model"]: r for r in table(tmp_path / "differences") if r["metric"] == "bg_gap"}
    assert rows.keys() & {name for name, *_ in extras} == {"robust", "robust_vision"}
    assert float(rows["robust"]["value"]) == pytest.approx(0.15)
    assert float(rows["robust_vision"]["value"]) == pytest.approx(-0.1)
    found = verdicts(tmp_path / "out")
    assert found["background_reliance.imagenet9.bg_gap.robust"] == "supported"
    assert found["background_reliance.imagenet9.bg_gap.robust_vision"] == "contradicted"
    assert "background_reliance.imagenet9.bg_gap.alone" not in found
    assert found["background_reliance.alone"] == "undecided"


SCRIPTED = [("plain_script", "plain_script", "none", 0.0), ("robust_script", "robust_script", "linf", 4.0)]


def test_own_model_is_compared_with_the_reference_it_names(
    make_imagenet_study: Make, run_claims: Run, tmp_path: Path
) -> None:
    """A TorchScript network is an architecture of its own, and finds its counterpart by name alone."""
    gaps = {"resnet50_standard": 0.1, "plain_script": 0.4, "robust_script": 0.3, "other": 0.3}

    def plan(model: Model, benchmark: str, metric: str) -> float:
        return gaps.get(model.id, 0.1) if metric == "bg_gap" else 0.5

    extras = [SCRIPTED[0], (*SCRIPTED[1], "plain_script"), ("other", "resnet50", "l2", 1.0, "plain_script")]
    assert run_claims(make_imagenet_study(plan, extras=extras, benchmarks=("imagenet9",))) == 0
    rows = {row["claim"]: row for row in table(tmp_path / "out")}
    for name in ("robust_script", "other"):  # a reference goes before the standard model of the architecture
        row = rows[f"background_reliance.imagenet9.bg_gap.{name}"]
        assert float(row["value"]) == pytest.approx(-0.1)
        assert row["verdict"] == "contradicted"
        assert row["evidence"].startswith(f"imagenet9: {name} against plain_script;")
        assert "than its reference plain_script" in row["statement"]
    assert not {"background_reliance.robust_script", "background_reliance.other"} & rows.keys()


def test_a_comparison_that_cannot_be_made_is_a_row_that_says_why(
    make_imagenet_study: Make, make_tables: Tables
) -> None:
    extras = [*SCRIPTED, ("net.v1.2", "net.v1.2", "l2", 0.5)]
    folder = make_tables(make_imagenet_study(extras=extras, benchmarks=("imagenet9", "waterbirds", "adversarial")))
    rows = {row["claim"]: row for row in table(folder / "claims")}
    for name in ("robust_script", "net.v1.2"):
        row = rows[f"background_reliance.{name}"]
        assert (row["value"], row["ci_low"], row["p_value"], row["verdict"]) == ("", "", "", "undecided")
        assert row["evidence"].startswith("imagenet9, waterbirds: no standard model")
        assert f"key reference in the entry of {name}" in row["evidence"]
        assert row["statement"].startswith(f"{name} (")
        assert "not compared on ImageNet-9, Waterbirds" in row["statement"]
    assert "background_reliance.plain_script" not in rows


def test_a_benchmark_that_only_the_robust_model_went_through_is_named(
    make_imagenet_study: Make, run_claims: Run, tmp_path: Path
) -> None:
    study = make_imagenet_study(
        extras=[SCRIPTED[0], (*SCRIPTED[1], "plain_script")], benchmarks=("imagenet9", "waterbirds")
    )
    spec = json.loads(study.spec)
    plain = next(row for row in spec["models"] if row["id"] == "plain_script")
    plain["benchmarks"] = ["imagenet9"]
    assert run_claims(study._replace(spec=json.dumps(spec))) == 0
    rows = {row["claim"]: row for row in table(tmp_path / "out")}
    assert "background_reliance.imagenet9.bg_gap.robust_script" in rows
    evidence = rows["background_reliance.robust_script"]["evidence"]
    assert evidence.startswith("waterbirds: its standard model plain_script was not measured there")


UNTESTED = "can be tested, and claims.csv says of each what is missing: no adversarially trained model of a grid"
NOTHING = "there is no adversarially trained model in the study"


@pytest.mark.parametrize(
    ("choices", "overview_says", "claims_say"),
    [
        ({"budgets": {}, "extras": ()}, NOTHING, UNTESTED),
        ({"budgets": {}, "extras": SCRIPTED[:1]}, NOTHING, UNTESTED),
        (
            {"budgets": {}, "extras": SCRIPTED},
            r"no adversarially trained model has a standard counterpart.*robust_script",
            UNTESTED,
        ),
        (
            {"extras": (), "benchmarks": ("imagenet", "adversarial")},
            "no adversarially trained model went through a benchmark that measures reliance",
            "none: no adversarially trained model was measured on a benchmark that a claim is about",
        ),
    ],
    ids=["standard models alone", "own standard model", "no counterpart", "no benchmark of reliance"],
)
def test_figures_with_nothing_to_show_say_the_true_reason(
    make_imagenet_study: Make,
    make_tables: Tables,
    run_figure: Run,
    choices: dict[str, Any],
    overview_says: str,
    claims_say: str,
) -> None:
    folder = make_tables(make_imagenet_study(**{"benchmarks": ("imagenet9", "adversarial")} | choices))
    shown = overview.draw(ALL_TOLD, differences=folder / "differences", summary=folder / "summary")
    assert re.search(overview_says, shown.get_suptitle())
    figure = claims.draw(claims=folder / "claims")
    assert claims_say in " ".join(figure.get_suptitle().split())
    measured = {row["benchmark"] for row in table(folder / "summary")} - {"adversarial"}
    for name in ("overview", "claims", "claims_theory", "adversarial", *(f"benchmark_{each}" for each in measured)):
        assert run_figure(name, folder, folder / "figures") == 0


def test_a_benchmark_of_standard_models_alone_says_so(make_imagenet_study: Make, make_tables: Tables) -> None:
    folder = make_tables(make_imagenet_study(budgets={}, extras=(), benchmarks=("imagenet", "imagenet9")))
    for name in ("imagenet", "imagenet9"):
        figure = drawn_benchmark(folder, name)
        assert "no adversarially trained model, and none of your own" in figure.get_suptitle()


def test_own_model_is_compared_with_the_mean_of_the_grids_seeds_draw_by_draw() -> None:
    rest = ("default", ("imagenet9",), None, None, None)
    models = [
        *(Model(f"net_standard_seed{seed}", "main", "net", "none", 0.0, seed, *rest) for seed in (0, 1)),
        Model("mine", "extra", "net", "l2", 1.0, 0, *rest),
    ]
    draws = np.random.default_rng(0).normal(size=(3, 50))
    measured = {
        (model.id, "imagenet9", "bg_gap"): Measured(float(number), draws[number], 10)
        for number, model in enumerate(models)
    }
    (found,) = reliance_effects.differences(measured, models, metrics_told()["imagenet9", "bg_gap"])
    assert found.standard == {"net_standard_seed0": 0.5, "net_standard_seed1": 0.5}
    assert found.value == 2 - 0.5
    np.testing.assert_allclose(found.draws, draws[2] - (draws[0] + draws[1]) / 2)


@pytest.mark.parametrize("name", ["resnet50_linf_eps3", "resnet50_linf_eps3_rep2"])
def test_own_model_named_like_one_of_the_grid_is_one_line(
    make_imagenet_study: Make, run_summary: Run, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run_summary(make_imagenet_study(extras=[(name, "resnet50", "linf", 3.0)], benchmarks=("imagenet",))) == 2
    assert re.fullmatch(f"error: .*{name}, a model of your own.*another id.*\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("choices", "shown"),
    [
        ({"benchmarks": ALL[5:]}, ALL[5:]),
        ({"extras": (), "benchmarks": ("imagenet9", "waterbirds")}, ("imagenet9", "waterbirds")),
        ({"extras": (), "architectures": ("resnet18",), "budgets": {"l2": (3,)}, "benchmarks": ALL[2:5]}, ALL[2:5]),
        ({"extras": MANY, "benchmarks": ("imagenet", "adversarial")}, ("imagenet", "adversarial")),
    ],
    ids=["own models", "two data sets", "one of each", "only ImageNet"],
)
def test_figures_are_drawn_from_whatever_there_is(
    make_imagenet_study: Make, make_tables: Tables, run_figure: Run, choices: dict[str, Any], shown: Sequence[str]
) -> None:
    folder = make_tables(make_imagenet_study(**choices))
    expected = {f"benchmark_{name}" for name in shown if name != "adversarial"}
    expected |= {"overview"} | ({"adversarial", "claims", "claims_theory"} if "adversarial" in shown else set())
    for name in expected:
        assert run_figure(name, folder, folder / "figures") == 0
    assert {path.stem for path in (folder / "figures").glob("*.png")} == expected
    for name in expected - {"claims", "claims_theory", "overview"}:
        assert_drawn(folder / "figures" / f"{name}.png")


def drawn_benchmark(folder: Path, name: str) -> Figure:
    """The figure of a benchmark."""
    (own,) = (told for told in ALL_TOLD.benchmarks if told["name"] == name)
    return benchmark.draw(Settings([own]), summary=folder / "summary")


def ticks(figure: Figure) -> set[str]:
    """All labels of all axes."""
    return {label.get_text() for axes in figure.axes for label in (*axes.get_xticklabels(), *axes.get_yticklabels())}


def test_own_models_are_named_in_every_figure(make_imagenet_study: Make, make_tables: Tables) -> None:
    folder = make_tables(make_imagenet_study())
    standard, robust = "convnext_tiny\nstandard", "madry_linf_eps4\n$\\ell_\\infty$ 4/255"
    for name in ALL:
        if benchmarks_told()[name].drawn:
            assert {standard, robust} <= ticks(drawn_benchmark(folder, name))
    assert robust in ticks(overview.draw(ALL_TOLD, differences=folder / "differences"))
    found = ticks(adversarial.draw(summary=folder / "summary"))
    assert {label.replace("\n", ", ") for label in (standard, robust)} <= found


def test_legend_does_not_grow_with_own_models(make_imagenet_study: Make, make_tables: Tables) -> None:
    folder = make_tables(make_imagenet_study(extras=MANY, benchmarks=("imagenet9",)))
    figure = drawn_benchmark(folder, "imagenet9")
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["resnet18", "resnet50"]
    assert len(figure.legends[0].get_texts()) == 3
    assert {f"{name}\nstandard" for name, *_ in MANY} <= ticks(figure)


def test_overview_says_what_was_not_measured(make_imagenet_study: Make, make_tables: Tables) -> None:
    folder = make_tables(make_imagenet_study(benchmarks=("imagenet9", "waterbirds")))
    figure = overview.draw(ALL_TOLD, differences=folder / "differences")
    assert "not measured: RIVAL10, Salient ImageNet, ObjectNet" in figure.get_suptitle()
    assert "20 adversarially trained models and 1 of your own" in figure.get_suptitle()
