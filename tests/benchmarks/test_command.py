"""The command line that all benchmarks share: its card, its outcomes, one line for what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.conftest import MODEL, SMALL
from tradeoffs.benchmarks import attack_metrics, ranges, waterbirds
from tradeoffs.benchmarks.evaluate import step
from tradeoffs.models.networks import load
from tradeoffs.runner import commands
from tradeoffs.step.cards import check, digests, read_card, write_card
from tradeoffs.step.command import execute
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import sha256


def test_the_command_writes_a_card_and_outcomes(weights, miniature, tmp_path):
    spec = MODEL | SMALL["waterbirds"]
    card, outcomes = tmp_path / "card.json", tmp_path / "outcomes.npz"
    arguments = ["--spec", json.dumps(spec), "--weights", str(weights), "--card", str(card)]
    arguments += ["--outcomes", str(outcomes), "--data", f"waterbirds={miniature / 'waterbirds'}"]
    execute(step("waterbirds"), "evaluate waterbirds", arguments)
    written = json.loads(card.read_text())
    assert written["benchmark"] == "waterbirds"
    assert written["model"] == "m"
    assert written["spec"] == spec
    fingerprint = json.loads((miniature / "waterbirds/fingerprint.json").read_text())["fingerprint"]
    assert written["data"] == {"waterbirds": fingerprint}
    assert {"code", "versions", "device", "seconds", "seed"} <= written.keys()
    with np.load(outcomes) as arrays:
        assert set(arrays["group"]) == {0, 1, 2, 3}
        low, high = np.quantile(arrays["draws/worst_group_accuracy"], [0.025, 0.975])
    metric = written["metrics"]["worst_group_accuracy"]
    assert (low, high) == pytest.approx((metric["ci_low"], metric["ci_high"]), abs=1e-6)
    assert check(outcomes) == (sha256(outcomes), card)
    assert written["weights"] == {"sha256": sha256(weights), "checked": "not: no card beside the file"}


@pytest.mark.parametrize("where", ["value", "draw"])
def test_a_metric_that_is_no_number_is_one_line_that_names_it(weights, miniature, tmp_path, monkeypatch, capsys, where):
    """As in a benchmark of one's own that divides by what may be nothing."""
    evaluated = waterbirds.evaluate

    def with_nan(*given):
        found = evaluated(*given)
        if where == "value":
            found.metrics["worst_group_accuracy"]["value"] = float("nan")
        else:
            found.draws["worst_group_accuracy"][3] = np.inf
        return found

    monkeypatch.setattr(waterbirds, "evaluate", with_nan)
    words = ["--spec", json.dumps(MODEL | SMALL["waterbirds"]), "--weights", str(weights)]
    words += ["--outcomes", str(tmp_path / "o.npz"), "--data", f"waterbirds={miniature / 'waterbirds'}"]
    assert commands.main(["evaluate", "waterbirds", *words, "--card", str(tmp_path / "card.json")]) == 2
    assert "metrics: worst_group_accuracy is not finite" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_of_weights_that_could_not_be_had_there_are_no_metrics_and_the_card_says_why(miniature, tmp_path):
    own = tmp_path / "model" / "weights.pt"
    own.parent.mkdir()
    torch.save({}, own)
    card = own.with_name("card.json")
    write_card(card, spec={}, code="c", data={}, started=0.0, files=digests(own), unavailable="no route")
    arguments = ["--spec", json.dumps(MODEL | SMALL["waterbirds"]), "--weights", str(own)]
    arguments += ["--card", str(tmp_path / "m.json"), "--outcomes", str(tmp_path / "m.npz")]
    execute(step("waterbirds"), "evaluate waterbirds", [*arguments, "--data", f"waterbirds={miniature / 'waterbirds'}"])
    written = read_card(tmp_path / "m.json")
    assert (written["unavailable"], written["metrics"], written["model"]) == ("no route", {}, "m")
    with np.load(tmp_path / "m.npz") as arrays:
        assert not arrays.files


@pytest.mark.parametrize("damage", [None, "weights", "their card", "fingerprint"])
def test_what_is_read_is_compared_with_its_card_before_anything_is_evaluated(weights, copy_of, tmp_path, damage):
    data, own = copy_of("waterbirds"), tmp_path / "weights.pt"
    own.write_bytes(weights.read_bytes())
    said = {"convergence": 0.02, "history": []}
    write_card(tmp_path / "card.json", spec={}, code="c", data={}, started=0.0, files=digests(own), **said)
    damaged = {"weights": own, "their card": tmp_path / "card.json", "fingerprint": data / "fingerprint.json"}.get(
        damage
    )
    if damaged is not None:
        content = bytearray(damaged.read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
    arguments = ["--spec", json.dumps(MODEL | SMALL["waterbirds"]), "--weights", str(own)]
    arguments += [
        "--card",
        str(tmp_path / "m.json"),
        "--outcomes",
        str(tmp_path / "m.npz"),
        "--data",
        f"waterbirds={data}",
    ]
    if damaged is None:
        execute(step("waterbirds"), "evaluate waterbirds", arguments)
        written = read_card(tmp_path / "m.json")
        assert written["weights"] == {"sha256": sha256(own), "checked": "against card.json"}
        assert written["convergence"] == 0.02  # what claims are told of the training
        assert "history" not in written
        return
    with pytest.raises(InputError, match=rf"{damaged.name}.*run the same command again"):
        execute(step("waterbirds"), "evaluate waterbirds", arguments)
    assert damaged.with_name(f"{damaged.name}.damaged").exists()
    assert not (tmp_path / "m.json").exists()


@pytest.mark.parametrize("damage", ["missing", "text", "other architecture"])
def test_weights_that_do_not_fit_are_one_clear_line(weights, tmp_path, damage):
    path = Path(weights)
    architecture = "basic"
    if damage == "missing":
        path = tmp_path / "none.pt"
    elif damage == "text":
        path = tmp_path / "page.pt"
        path.write_text("<html>not weights</html>")
    else:
        architecture = "bottleneck"
    with pytest.raises(InputError) as raised:
        load(path, architecture, 10, torch.device("cpu"))
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("benchmark", "change", "said"),
    [
        ("waterbirds", {"bootstrap": 0}, "bootstrap = '0'"),
        ("waterbirds", {"seed": -1}, "seed = '-1'"),
        ("waterbirds", {"unreadable": "maybe"}, "unreadable = 'maybe'"),
        ("waterbirds", {"l2_penalty": -1.0}, "l2_penalty = '-1.0'"),
        ("salient_imagenet", {"trials": 0}, "trials = '0'"),
        ("rival10", {"linf_levels": []}, "linf_levels = '[]'"),
        ("rival10", {"linf_levels": ["much"]}, "linf_levels.0 = 'much'"),
        ("adversarial", {"steps": 0}, "steps = '0'"),
        ("adversarial", {"budgets": {"linf": [0]}}, "budgets.linf.0 = '0'"),
    ],
)
def test_a_setting_out_of_its_range_is_one_line_before_anything_is_read(
    weights, tmp_path, capsys, benchmark, change, said
):
    words = ["--spec", json.dumps(MODEL | SMALL[benchmark] | change), "--weights", str(weights), "--data", "x=y"]
    words += ["--card", str(tmp_path / "card.json"), "--outcomes", str(tmp_path / "o.npz")]
    assert commands.main(["evaluate", benchmark, *words]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith(f"error: --spec: {said}")
    assert "\n" not in error


def test_a_whole_number_may_be_written_as_any_number():
    assert ranges.checked("waterbirds", "settings", {"bootstrap": 20.0}, {}) == {"bootstrap": 20}
    assert isinstance(ranges.checked("waterbirds", "settings", {"bootstrap": 20.0}, {})["bootstrap"], int)


def test_a_definition_of_the_configs_schema_that_a_declaration_refers_to_is_left_to_that():
    declared = {
        "seeds": {"$ref": "#/$defs/count", "maximum": 9},
        "parts": {"properties": {"l2": {"$ref": "#/$defs/l2"}}},
    }
    given = {"seeds": 3, "parts": {"l2": [0.5]}}
    assert ranges.checked("own", "settings", given, declared) == given
    for wrong in ({"seeds": 10}, {"parts": {"l2": [0]}}, {"parts": {"l2": [1001]}}, {"parts": {"l3": [1]}}):
        with pytest.raises(InputError, match=r"settings: (seeds|parts)"):
            ranges.checked("own", "settings", wrong, declared)


@pytest.mark.parametrize("epsilon", [1e-5, 5e-5, 0.25, 8.0, 255.0, 1e6])
@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_the_name_of_an_attack_says_its_budget_however_it_is_written(norm, epsilon):
    attack = attack_metrics.Attack("val", norm, epsilon)
    assert attack_metrics.read_name(attack_metrics.metric_name(attack)) == attack
