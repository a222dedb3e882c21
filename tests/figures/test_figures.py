"""Every figure is drawn from the tables, is the same for the same tables, and says what is wrong with a broken one."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from results.synthetic_study import CONFIG, Run, Study, assert_drawn, flat
from tradeoffs.benchmarks import attack_metrics
from tradeoffs.data import objectnet
from tradeoffs.figures import (
    background_scale,
    catalogue,
    claims,
    contact_sheets,
    correlation,
    training,
)
from tradeoffs.figures.drawing import averaged, over_replicates
from tradeoffs.results.study import Model
from tradeoffs.step.cards import sealed
from tradeoffs.study.specification import declared

BENCHMARKS = ("rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet")
FIGURES = (
    *("overview", "claims", "claims_theory", *(f"benchmark_{name}" for name in BENCHMARKS)),
    *("adversarial", "correlation", "background_scale", "training"),
)


def plan(model: Model, benchmark: str, metric: str) -> float:
    """Something to see: metrics move with the budget."""
    return flat(model, benchmark, metric) + 0.02 * model.epsilon


def write_histories(tmp_path: Path, study: Study) -> None:
    """Write the training cards of the main models."""
    row = {"loss": 1.0, "validation_accuracy": 0.5, "validation_adversarial_accuracy": 0.4}
    for model in study.models:
        if model.role == "main":
            card = tmp_path / "models" / model.id / "card.json"
            card.parent.mkdir(parents=True)
            history = [{"epoch": float(epoch), **row} for epoch in (1, 2, 3)]
            card.write_text(json.dumps(sealed({"history": history})))


@pytest.fixture
def tables(make_study: Callable[..., Study], make_tables: Callable[[Study], Path], tmp_path: Path) -> Path:
    """A folder with the tables and the training cards of a synthetic study."""
    study = make_study(plan)
    make_tables(study)
    write_histories(tmp_path, study)
    return tmp_path


def test_every_figure_is_drawn_and_the_same_again(tables: Path, run_figure: Run) -> None:
    for name in FIGURES:
        assert run_figure(name, tables, tables / "figures") == 0
        card = json.loads((tables / "figures" / "card.json").read_text())
        assert set(card["files"]) == {f"{name}.svg", f"{name}.png"}
        assert_drawn(tables / "figures" / f"{name}.png")
        assert "<dc:date>" not in (tables / "figures" / f"{name}.svg").read_text()
    name = "background_scale"
    run_figure(name, tables, tables / "again")
    for ending in ("svg", "png"):
        file = f"{name}.{ending}"
        assert (tables / "again" / file).read_bytes() == (tables / "figures" / file).read_bytes()


STANDARD_ONLY = {"budgets": {"linf": [], "l2": []}}


@pytest.mark.parametrize(
    ("changes", "figures"),
    [
        (STANDARD_ONLY, ("overview", "claims", "adversarial", "correlation", "background_scale", "training")),
        ({"adversarial": {"budgets": {"linf": [], "l2": []}}}, ("adversarial", "correlation")),
        ({"adversarial": {"domains": {"first": "val", "second_one": "val"}}}, ("adversarial", "correlation", "claims")),
        ({"adversarial": {"budgets": {"linf": [0.0001], "l2": [1000]}}}, ("adversarial", "correlation")),
        ({"scales": [0.0001]}, ("background_scale", "claims")),
    ],
)
def test_a_study_without_budgets_attacks_or_the_usual_domains_has_its_figures(
    make_study: Callable[..., Study],
    make_tables: Callable[[Study], Path],
    tmp_path: Path,
    run_figure: Run,
    config: dict[str, Any],
    changes: dict[str, Any],
    figures: tuple[str, ...],
) -> None:
    changed = copy.deepcopy(config["miniature"])
    changed["budgets"] |= changes.get("budgets", {})
    changed["sweeps"]["background_scale"]["values"] = changes.get("scales", [0.2, 1])
    if "budgets" in changes:
        changed["sweeps"]["background_scale"]["budgets"] = changes["budgets"]
    study = make_study(plan, changes=changed, adversarial=changes.get("adversarial", {}))
    make_tables(study)
    write_histories(tmp_path, study)
    for name in figures:
        assert run_figure(name, tmp_path, tmp_path / "figures") == 0
        assert (tmp_path / "figures" / f"{name}.png").stat().st_size > 0


def test_domains_of_other_names_are_drawn_under_their_names() -> None:
    styles = correlation.styles(["second_one", "broken", "first"])
    assert [label for label, _ in styles.values()] == [
        "correlation broken at test",
        "domain second_one",
        "domain first",
    ]
    assert len({style for _, style in styles.values()}) == 3


SHEETS = {name: (name,) for name in ("imagenet", *BENCHMARKS)} | {"objectnet": ("objectnet", "imagenet")}


def test_contact_sheets_of_the_miniature(miniature: Path, tmp_path: Path, run_figure: Run) -> None:
    for name, read in SHEETS.items():
        assert run_figure(f"contact_sheet_{name}", {each: miniature / each for each in read}, tmp_path) == 0
        assert_drawn(tmp_path / f"contact_sheet_{name}.png")
        assert (tmp_path / f"contact_sheet_{name}.svg").stat().st_size > 0
    # ObjectNet's licence asks for its red border on every published image.

    def red(name: str) -> float:
        with Image.open(tmp_path / f"contact_sheet_{name}.png") as image:
            pixels = np.asarray(image.convert("RGB")).astype(int)
        return float(((pixels[..., 0] > 240) & (pixels[..., 1] < 40) & (pixels[..., 2] < 40)).mean())

    assert red("objectnet") > 0.02 > red("imagenet")


def test_large_images_are_shown_small_and_those_of_objectnet_with_their_border(tmp_path: Path) -> None:
    pixels = np.full((900, 1600, 3), 90, dtype=np.uint8)
    pixels[[0, -1]] = pixels[:, [0, -1]] = (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "photograph.png")
    reduced = contact_sheets.shown(tmp_path / "photograph.png")
    assert max(reduced.shape) <= 192
    assert reduced.shape[1] / reduced.shape[0] == pytest.approx(16 / 9, rel=0.02)
    framed = objectnet.framed(reduced)
    for edge in (framed[0], framed[-1], framed[:, 0], framed[:, -1]):
        assert (edge == (255, 0, 0)).all()
    np.testing.assert_array_equal(framed[4:-4, 4:-4], reduced[4:-4, 4:-4])


def test_contact_sheet_of_masks_that_are_of_another_size_than_their_images(
    copy_of: Callable[[str], Path], tmp_path: Path, run_figure: Run
) -> None:
    folder = copy_of("rival10")
    for path in (folder / "RIVAL10/test/entire_object_masks").iterdir():
        with Image.open(path) as mask:
            smaller = mask.resize((20, 24))
        smaller.save(path)
    assert run_figure("contact_sheet_rival10", {"rival10": folder}, tmp_path / "figures") == 0
    assert [path.name for path in (tmp_path / "figures").glob("*.png")] == ["contact_sheet_rival10.png"]


def test_contact_sheet_of_a_missing_folder_is_one_line(
    miniature: Path, tmp_path: Path, run_figure: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = {"objectnet": tmp_path / "nowhere", "imagenet": miniature / "imagenet"}
    assert run_figure("contact_sheet_objectnet", folders, tmp_path / "figures") == 2
    assert re.fullmatch(r"error: .*nowhere.*\n", capsys.readouterr().err)
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize(
    "content", [None, "", "study,model\n", "study,model\nx,y\n", 'a,b\n"1', "\x00\xff"], ids=lambda c: repr(c)[:20]
)
@pytest.mark.parametrize("name", ["overview", "claims", "benchmark_imagenet9", "adversarial", "correlation"])
def test_broken_table_is_one_line(
    tmp_path: Path, run_figure: Run, capsys: pytest.CaptureFixture[str], name: str, content: str | None
) -> None:
    table = tmp_path / "table.csv"
    if content is not None:
        table.write_text(content, encoding="latin-1")
    assert run_figure(name, dict.fromkeys(catalogue.entry(name).reads, table), tmp_path / "figures") == 2
    assert re.fullmatch(r"error: .*table.csv.*\n", capsys.readouterr().err)
    assert not (tmp_path / "figures").exists()


def test_table_without_the_sweep_is_one_line(tables: Path, run_figure: Run, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (tables / "sweeps").read_text().splitlines()
    kept = [row for row in rows if ",background_scale," not in row or row.startswith("study,model")]
    (tables / "sweeps").write_text("\n".join(kept) + "\n")
    assert run_figure("background_scale", tables, tables / "figures") == 2
    assert "no bg_gap in the background_scale sweep" in capsys.readouterr().err


@pytest.mark.parametrize("damage", [lambda card: card.pop("history"), lambda card: card["history"][0].pop("loss")])
def test_model_card_without_history_is_one_line(
    tables: Path,
    run_figure: Run,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Any], object],
) -> None:
    path = tables / "models" / "basic_linf_eps1" / "card.json"
    card = json.loads(path.read_text())
    damage(card)
    path.write_text(json.dumps(sealed(card)))
    assert run_figure("training", tables, tables / "figures") == 2
    assert "basic_linf_eps1/card.json" in capsys.readouterr().err


def test_no_training_curve_is_cut_off_at_the_end_of_another(tables: Path) -> None:
    cards = sorted((tables / "models").glob("*/card.json"))
    longest = cards[len(cards) // 2]
    card = json.loads(longest.read_text())
    rows = card["history"]
    card["history"] = rows + [rows[-1] | {"epoch": epoch} for epoch in range(len(rows) + 1, 41)]
    longest.write_text(json.dumps(sealed(card)))
    figure = training.draw(summary=tables / "summary", models=tables / "models")
    drawn = [x for axes in figure.axes for line in axes.lines for x in line.get_xdata()]
    assert max(drawn) == 40
    assert {axes.get_xlim() for axes in figure.axes} == {(1, 40)}


def test_training_curves_of_standard_models_alone(tables: Path, run_figure: Run) -> None:
    keep_rows(tables / "summary", lambda row: row[4] == "none")
    assert run_figure("training", tables, tables / "figures") == 0
    assert_drawn(tables / "figures" / "training.png")


def told(ceiling: float = 0.98) -> correlation.Settings:
    """What the correlation's figure is told of the synthetic study."""
    return correlation.Settings(declared(CONFIG), ceiling)


def attacked(table: Path, values: dict[tuple[str, float], float]) -> None:
    """Write the accuracies under these attacks into the table of the sweeps, for every model and domain of it."""
    rows = pd.read_csv(table, keep_default_na=False)
    sweep = rows[(rows["sweep"] == "correlation") & rows["metric"].str.contains("_eps")]
    first = sweep[sweep["metric"] == sweep["metric"].iloc[0]]
    domain = attack_metrics.read_name(first["metric"].iloc[0]).domain
    attacks = {attack_metrics.metric_name(attack_metrics.Attack(domain, *key)): value for key, value in values.items()}
    new = [first.assign(metric=name, value=value, ci_low=value, ci_high=value) for name, value in attacks.items()]
    pd.concat([rows.drop(sweep.index), *new]).to_csv(table, index=False)


def test_attacks_of_every_norm_that_count_are_named_and_no_others(tables: Path) -> None:
    known = {("l1", 12.0): 0.6, ("l2", 1.0): 0.5, ("linf", 4.0): 0.4, ("linf", 0.1): 0.97, ("linf", 64.0): 0.0}
    attacked(tables / "sweeps", known)
    titles = {
        ceiling: correlation.draw(told(ceiling), sweeps=tables / "sweeps", regime=tables / "regime").get_suptitle()
        for ceiling in (0.9, 0.98)
    }
    assert "mean over $\\ell_\\infty$ 4/255 and $\\ell_2$ 1 and $\\ell_1$ 12" in titles[0.9]
    assert "mean over $\\ell_\\infty$ 0.1, 4/255 and" in titles[0.98]


def test_a_sweep_without_attack_budgets_shows_clean_accuracy_and_any_domain(tables: Path) -> None:
    kept = tables / "clean"
    kept.write_text((tables / "sweeps").read_text().replace("_preserved", "_kept").replace("_broken", "_lost"))
    keep_rows(kept, lambda row: "_eps" not in row[12])
    figure = correlation.draw(told(), sweeps=kept, regime=tables / "regime")
    titles = [axes.get_ylabel() for axes in figure.axes]
    assert titles == ["clean accuracy (fraction)", "distance to the boundary\n(pixel units)"]
    assert {line.get_label() for line in figure.axes[0].lines} >= {"domain kept", "domain lost"}


def test_marks_and_intervals_of_every_correlation_lie_within_the_picture(tables: Path) -> None:
    rows = pd.read_csv(tables / "sweeps", keep_default_na=False)
    swept = rows["sweep"] == "correlation"
    ends = rows["correlation"][swept].agg(["min", "max"])
    rows = rows[~swept | rows["correlation"].isin(ends)].replace({"correlation": {ends["min"]: 0.0, ends["max"]: 1.0}})
    rows.to_csv(tables / "ends", index=False)
    figure = correlation.draw(told(), sweeps=tables / "ends", regime=tables / "regime")
    for axes in figure.axes:
        low, high = axes.get_xlim()
        places = [float(x) for line in axes.lines for x in line.get_xdata()]
        assert {round(x) for x in places} == {0, 1}
        assert low < min(places)
        assert max(places) < high


def test_points_that_fail_a_criterion_are_hollow(tables: Path) -> None:
    failing = tables / "failing"
    header = "criterion,concerns,subject,value,limit,passed,meaning,place,final"
    rows = [
        "object is read,spurious_correlation,clean accuracy,0.1,0.2,False,why,0.9,False",
        "object is read,spurious_correlation,clean accuracy,0.9,0.2,True,why,0.5,False",
        "converged,background_scale,a model,0.1,0.05,False,why,0.2,True",
        "converged,background_reliance,a model of the grid,0.1,0.05,False,why,,False",
    ]
    failing.write_text("\n".join([header, *rows, ""]))
    drawn = {
        0.9: correlation.draw(told(), sweeps=tables / "sweeps", regime=failing),
        0.2: background_scale.draw(sweeps=tables / "sweeps", claims=tables / "claims", regime=failing),
    }
    for place, figure in drawn.items():
        hollow = [line for axes in figure.axes for line in axes.lines if line.get_markerfacecolor() == "white"]
        places = [float(x) for line in hollow for x in line.get_xdata()]
        assert places
        assert places == pytest.approx([place] * len(places), abs=0.02)


def test_intervals_of_means_over_replicates_are_as_wide_as_those_of_one() -> None:
    rows = pd.DataFrame(
        {"x": [2.0, 1.0, 1.0], "value": [0.3, 0.4, 0.6], "ci_low": [0.2, 0.1, 0.2], "ci_high": [0.4, 0.7, 1.0]}
    )
    assert over_replicates(rows, ["x"]).to_numpy().tolist() == [
        pytest.approx([1.0, 0.5, 0.15, 0.85]),
        pytest.approx([2.0, 0.3, 0.2, 0.4]),
    ]


def test_a_figure_of_several_replicates_says_what_its_intervals_are() -> None:
    one, three = (pd.DataFrame({"replicate": [1, 1, number]}) for number in (1, 3))
    assert averaged(one) == ""
    assert averaged(three) == "\n(means over 2 replicates; an interval is that of one model)"


def test_the_picture_of_the_claims_shows_headlines_and_every_verdict(tables: Path) -> None:
    rows = pd.read_csv(tables / "claims")
    shown = rows[(rows["subject"] == "networks") & rows["scope"].isin(["headline", "conclusion"])]
    rows.loc[shown.index[0], "verdict"] = "equivalent"
    rows.to_csv(tables / "changed", index=False)
    figure = claims.draw(claims=tables / "changed")
    texts = {"".join(text.get_text().split()) for axes in figure.axes for text in axes.texts}
    assert {"".join(statement.split()) for statement in shown["statement"]} <= texts
    assert "equivalent" in texts
    assert figure.get_suptitle() == claims.TITLE
    rows.loc[rows["level"].notna(), "level"] = 0.0139
    rows.to_csv(tables / "changed", index=False)
    assert "(verdicts at level 0.0139, that of the last look)" in claims.draw(claims=tables / "changed").get_suptitle()


def keep_rows(path: Path, keep: Callable[[list[str]], bool]) -> None:
    """Leave the header and the rows that ``keep`` is true for."""
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(row for row in rows if keep(row.split(",")))]) + "\n")
