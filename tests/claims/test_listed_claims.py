"""The list of claims: a module and a line for each; what a row is about is in its columns."""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

from project_root import ROOT
from results.synthetic_study import Run, Study, table
from tradeoffs.claims import catalogue, command
from tradeoffs.runner import commands
from tradeoffs.step.code_id import code_id


def test_every_module_that_claims_is_listed_and_part_of_the_step_s_code() -> None:
    folder = ROOT / "workflow/tradeoffs/claims"
    claiming = {path.stem for path in folder.glob("*.py") if "\ndef claims(" in path.read_text()}
    assert set(catalogue.catalogue()) == claiming
    step = commands.step("claims", None)
    assert step.code == ("tradeoffs.claims.command", *catalogue.modules())
    assert code_id(*step.code) != code_id("tradeoffs.claims.command")
    for name in command.CODE:
        assert list(inspect.signature(importlib.import_module(name).claims).parameters) == ["measured", "study"]


def test_headlines_conclusions_and_many_looks_are_told_apart_by_a_column(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    run_claims(make_study())
    rows = table(tmp_path / "out")
    assert {row["subject"] for row in rows} == {"networks"}
    first = [
        *("rival10.rfs_linf", "salient_imagenet.rcs", "imagenet9.bg_gap", "waterbirds.background_swap_gap"),
        "objectnet.drop_official",
    ]
    assert {row["claim"] for row in rows if row["scope"] == "headline"} == {
        "background_reliance",
        *(f"background_reliance.{metric}" for metric in first),
        *(f"background_reliance.{metric}_beyond_accuracy" for metric in first),
    }
    conclusions = {row["claim"] for row in rows if row["scope"] == "conclusion"}
    assert conclusions >= {"spurious_correlation", "spurious_correlation.preserved", "spurious_correlation.broken"}
    assert conclusions >= {"background_scale.linf", "background_scale.linf.growth", "background_scale.l2"}
    assert {row["scope"] for row in rows} == {"headline", "conclusion", "exploratory"}


def test_a_row_about_one_norm_or_scale_alone_says_which(
    make_study: Callable[..., Study], run_claims: Run, tmp_path: Path
) -> None:
    run_claims(make_study())
    rows = {row["claim"]: (row["norm"], row["background_scale"]) for row in table(tmp_path / "out")}
    assert rows["background_reliance.imagenet9.bg_gap"] == ("", "")
    assert rows["background_reliance.imagenet9.bg_gap.basic.l2"] == ("l2", "")
    assert rows["spurious_correlation.preserved.linf.retained"] == ("linf", "")
    assert rows["background_scale.l2.scale0.4"] == ("l2", "0.4")
