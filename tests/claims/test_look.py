"""The step that says after a replicate whether another one is worth it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from results.studies import config, make_study
from results.synthetic_study import Study, flat
from tradeoffs.claims import headlines
from tradeoffs.claims import look as module
from tradeoffs.claims.sequential import levels
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import Finding
from tradeoffs.results.metrics import Metric
from tradeoffs.results.study import Model
from tradeoffs.runner import commands

__all__ = ["config", "make_study"]
HEADLINES = {
    "rival10.rfs_linf",
    "salient_imagenet.rcs",
    "imagenet9.bg_gap",
    "waterbirds.background_swap_gap",
}


def look(study: Study, card: Path, **changes: Any) -> int:
    spec = (
        json.loads(study.spec)
        | {"margins": {}, "criteria": {}, "unseen_variance": 0.0, "look": 1, "looks": 5, "hypotheses": 5}
        | changes
    )
    spec["models"] = [model for model in spec["models"] if model["replicate"] <= spec["look"]]
    words = ["--spec", json.dumps(spec), "--evaluations", str(study.evaluations), "--card", str(card)]
    return commands.main(["look", *words])


def strong(model: Model, benchmark: str, metric: str) -> float:
    """Every headline tells of more reliance, far beyond the noise, and the more so the larger the budget."""
    lower = metric in ("rfs_linf", "rcs") or metric.startswith("objectnet_accuracy")
    budget = model.epsilon * {"none": 0, "linf": 1 / 8, "l2": 1 / 2}[model.norm]
    return flat(model, benchmark, metric) + (-0.3 if lower else 0.3) * budget


def with_verdicts(**verdicts: str) -> dict[str, headlines.Tested]:
    """Headlines with these verdicts."""
    effect, metric = Estimate(0.1, 0.05, 10.0, 2), Metric("rival10", "rfs_linf")
    return {
        name: headlines.Tested(metric, [], Finding(effect, 0.05, each, 0.5), None) for name, each in verdicts.items()
    }


@pytest.mark.parametrize(("plan", "decided"), [(strong, True), (flat, False)])
def test_a_look_says_whether_every_headline_is_decided(
    make_study: Callable[..., Study], tmp_path: Path, plan: Callable[..., float], decided: bool
) -> None:
    card = tmp_path / "1.json"
    assert look(make_study(plan), card) == 0
    found = json.loads(card.read_text())
    assert (found["kind"], found["replicates"], found["decided"]) == ("look", 1, decided)
    assert found["level"] == pytest.approx(levels(5, 5)[0])
    named = {name.removeprefix("background_reliance.") for name in found["headlines"]}
    assert named >= HEADLINES
    assert len(named) == 5
    assert decided == ("undecided" not in found["headlines"].values())


def test_what_one_replicate_cannot_see_asks_for_another(make_study: Callable[..., Study], tmp_path: Path) -> None:
    assert look(make_study(strong), tmp_path / "1.json", unseen_variance=1e4) == 0
    found = json.loads((tmp_path / "1.json").read_text())
    assert (found["decided"], set(found["headlines"].values())) == (False, {"undecided"})


def test_one_undecided_headline_is_enough_for_another_replicate(
    make_study: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "headlines", lambda *_: with_verdicts(a="supported", b="undecided", c="equivalent"))
    assert look(make_study(changes={"replicates": 2}), tmp_path / "2.json", look=2) == 0
    found = json.loads((tmp_path / "2.json").read_text())
    assert (found["replicates"], found["decided"]) == (2, False)
    assert found["level"] == pytest.approx(levels(5, 5)[1])


def test_a_headline_that_no_replicate_can_decide_asks_for_none(
    make_study: Callable[..., Study], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its accuracy is at the ceiling by a criterion that all others meet."""
    study, card = make_study(strong), tmp_path / "1.json"
    told = json.loads(study.spec)["benchmarks"]
    benchmarks = [each | {"rests_on": [], "chance": 0.1} for each in told]
    (of_rival,) = (each for each in benchmarks if each["name"] == "rival10")
    of_rival["rests_on"] = ["accuracy"]
    criteria = {"chance_margin": 0.05, "standard_errors": 2, "ceiling": 0.0, "convergence": 0.05}
    assert look(study, card, benchmarks=benchmarks, criteria=criteria) == 0
    found = json.loads(card.read_text())
    key = "background_reliance.rival10.rfs_linf"
    assert found["decided"]
    assert found["headlines"].pop(key) == "undecided"
    assert "undecided" not in found["headlines"].values()
    assert list(found["no_verdict"]) == [key]
    assert "at the ceiling: basic" in found["no_verdict"][key]
    said = capsys.readouterr().out
    assert "undecided none" in said
    assert f"no verdict, however many replicates there are: {key} (at the ceiling" in said


def test_a_criterion_that_fails_within_its_error_asks_for_another_replicate(
    make_study: Callable[..., Study], tmp_path: Path
) -> None:
    """Whether an accuracy is off chance by standard errors, of which replicates make less, is not known yet."""
    told = json.loads(make_study(strong).spec)["benchmarks"]
    benchmarks = [each | {"rests_on": ["accuracy"] * (each["name"] == "rival10"), "chance": 0.1} for each in told]
    criteria = {"chance_margin": 0.0, "standard_errors": 1e6, "ceiling": 1.0, "convergence": 0.05}
    assert look(make_study(strong), tmp_path / "1.json", benchmarks=benchmarks, criteria=criteria) == 0
    found = json.loads((tmp_path / "1.json").read_text())
    assert found["headlines"]["background_reliance.rival10.rfs_linf"] == "undecided"
    assert (found["decided"], found["no_verdict"]) == (False, {})


@pytest.mark.parametrize("changes", [{"look": 0}, {"look": 6}, {"hypotheses": 0}])
def test_a_look_that_there_is_not_is_one_line(
    make_study: Callable[..., Study], tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, int]
) -> None:
    assert look(make_study(), tmp_path / "card.json", **changes) == 2
    assert "expected look 1 to the last" in capsys.readouterr().err
    assert not (tmp_path / "card.json").exists()
