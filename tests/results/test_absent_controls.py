"""Controls that could not be had: no table needs them, and a table names them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.synthetic_study import Run, Study, table
from tradeoffs.runner import commands
from tradeoffs.step.cards import digests, sealed

WHY = "the weights V1 of net1 could not be downloaded (no route)"
EXTRAS = [(f"control{number}", f"net{number}", "none", 0.0) for number in range(2)]


def without(study: Study, model: str, role: str) -> Study:
    """Make the cards of a model those of one that could not be had, and all extras of a role."""
    for path in study.evaluations.glob(f"*/{model}.json"):
        card: dict[str, Any] = json.loads(path.read_text())
        np.savez(path.with_suffix(".npz"))
        changed = {"metrics": {}, "unavailable": WHY, "files": digests(path.with_suffix(".npz"))}
        path.write_text(json.dumps(sealed({k: v for k, v in card.items() if k != "card_sha256"} | changed)))
    spec = json.loads(study.spec)
    for each in spec["models"]:
        each["role"] = role if each["role"] == "extra" else each["role"]
    return study._replace(spec=json.dumps(spec))


def test_summary_and_claims_do_without(
    make_imagenet_study: Callable[..., Study], run_summary: Run, run_claims: Run, tmp_path: Path
) -> None:
    study = without(make_imagenet_study(extras=EXTRAS), "control1", "control")
    assert run_claims(study) == 0
    assert run_summary(study) == 0
    assert {row["model"] for row in table(tmp_path / "sweeps")} == {"control0"}


def test_any_other_model_is_needed(
    make_imagenet_study: Callable[..., Study], run_summary: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_summary(without(make_imagenet_study(extras=EXTRAS), "control1", "extra")) == 2
    assert "control1.json: metrics" in capsys.readouterr().err


def test_the_table_of_what_is_missing_names_them_with_the_reason(tmp_path: Path) -> None:
    cards = {"net0": {}, "net1": {"unavailable": WHY}}
    for name, said in cards.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.json").write_text(json.dumps(sealed({"kind": "model"} | said)))
    rows = [{"benchmark": "objectnet", "dataset": "objectnet", "reason": "no licence"}]
    arguments = ["missing", "--spec", json.dumps({"missing": rows, "models": {"published": "asks for a browser"}})]
    files = ["--out", str(tmp_path / "out"), "--card", str(tmp_path / "card")]
    listed = ["--controls", *(str(tmp_path / name / "card.json") for name in cards)]
    assert commands.main([*arguments, *listed, *files]) == 0
    assert table(tmp_path / "out") == [
        {"benchmark": "objectnet", "dataset": "objectnet", "model": "", "reason": "no licence"},
        {"benchmark": "", "dataset": "", "model": "published", "reason": "asks for a browser"},
        {"benchmark": "", "dataset": "", "model": "net1", "reason": WHY},
    ]
    assert commands.main([*arguments, *files]) == 0
    assert len(table(tmp_path / "out")) == 2
