"""The sweep over trainings: which models it has, what each begins with, what it cannot have."""

import json
from copy import deepcopy

import pytest
import yaml

from project_root import ROOT
from tradeoffs.results.study import Settings, study_of
from tradeoffs.step.errors import InputError
from tradeoffs.study import plan, specification
from tradeoffs.study.config import checked

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


@pytest.fixture(scope="module")
def config():
    return checked(yaml.safe_load((ROOT / "config.yaml").read_text()), SCHEMA)


def test_trainings_of_the_sweep_are_models_of_their_own_and_off_by_default(config):
    def swept(config):
        return {m.id: m for m in plan.models(config).values() if m.role == "objective_sweep"}

    assert swept(config) == {}
    changed = deepcopy(config)
    changed["miniature"]["sweeps"]["objectives"]["values"] = ["trades", "finetuned"]
    found = swept(changed)
    # The main grid has linf 8 and l2 1 already, and no l1.
    assert list(found) == [
        "basic_l1_eps12",
        *("basic_linf_eps8_trades", "basic_l2_eps1_trades", "basic_l1_eps12_trades"),
        *("basic_linf_eps8_finetuned", "basic_l2_eps1_finetuned", "basic_l1_eps12_finetuned"),
    ]
    assert found["basic_linf_eps8_trades"].spec["objective"] == "trades"
    assert found["basic_linf_eps8_trades"].start is None
    assert found["basic_l1_eps12"].spec["objective"] == "pgd"
    fine_tuned = found["basic_l2_eps1_finetuned"]
    assert fine_tuned.start == "basic_standard"
    assert "start" not in fine_tuned.spec
    assert "adversarial" not in fine_tuned.benchmarks
    assert len({m.seed for m in plan.models(changed).values()}) == len(plan.models(changed))


@pytest.mark.parametrize(
    ("change", "norms"),
    [
        ({"attack_steps": 7, "attack_step_size": 0.3}, {"linf", "l2"}),
        ({"objective": "trades"}, {"linf", "l2"}),
        ({"objective": "noise"}, {"linf", "l2"}),
        ({"trades_beta": 2.0}, set()),
        ({"attack_warm_up": 0.4}, {"linf", "l2"}),
        ({"epochs": 9}, {"none", "linf", "l2"}),
    ],
)
def test_a_setting_of_trainings_makes_those_stale_in_which_it_changes_something(config, change, norms):
    changed = deepcopy(config)
    changed["miniature"]["training"] |= change
    before, after = plan.models(config), plan.models(changed)
    stale = {name for name, model in after.items() if model.spec != before[name].spec and model.role == "main"}
    assert stale == {name for name, model in before.items() if model.norm in norms and model.role == "main"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": ["tradse"]}, "objectives.values: 'tradse' is no training; expected of pgd10, trades"),
        ({"values": ["rep2"], "trainings": {"rep2": {"objective": "trades"}}}, "'rep2' is how ids say .* give the"),
        ({"values": ["plain"], "trainings": {"plain": {"attack_steps": 3}}}, "'plain' is what claims call .* another"),
        (
            {"values": ["pgd10"], "budgets": {"linf": [], "l2": [], "l1": []}},
            r"objectives\.budgets: none, so that",
        ),
        ({"values": ["x"], "trainings": {"x": {"trades_beta": 3.0}}}, r"trainings\.x: changes nothing in the grid's"),
        ({"values": ["x"], "trainings": {"x": {"start": "scratch"}}}, r"trainings\.x: changes nothing in the grid's"),
        ({"values": ["noise"], "architecture": "bottleneck"}, "expected of miniature.architectures, basic"),
    ],
)
def test_a_sweep_of_trainings_that_cannot_be_made_is_one_line(config, change, message):
    changed = deepcopy(config)
    changed["miniature"]["architectures"] = ["basic"]
    changed["miniature"]["sweeps"]["objectives"] |= change
    with pytest.raises(InputError, match=message):
        plan.models(changed)


def test_an_l1_budget_of_0_is_one_line(config):
    changed = deepcopy(config)
    changed["miniature"]["benchmarks"]["adversarial"]["budgets"]["l1"] = [0]
    with pytest.raises(InputError, match=r"budgets\.l1\.0 = '0'; expected more than 0"):
        checked(changed, SCHEMA)


def test_claims_are_told_which_models_had_no_adversary(config):
    assert "on_noise" not in json.loads(specification.of_claims(config))
    changed = deepcopy(config)
    changed["miniature"]["training"]["overrides"] = {"basic_l2_eps1": {"objective": "noise"}}
    changed["miniature"]["sweeps"]["objectives"]["values"] = ["noise"]  # says so by its name
    assert json.loads(specification.of_claims(changed))["on_noise"] == ["basic_l2_eps1"]
    changed["miniature"]["training"]["objective"] = "noise"
    changed["miniature"]["sweeps"]["objectives"]["values"] = ["trades"]
    told = json.loads(specification.of_claims(changed))
    roles = {row["id"]: row["role"] for row in told["models"]}
    assert {roles[name] for name in told["on_noise"]} == {"main", "background_scale_sweep"}
    assert study_of(Settings(**told)).on_noise == told["on_noise"]
    assert json.loads(specification.of_look(changed, 1))["on_noise"] == told["on_noise"]
