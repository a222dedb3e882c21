"""What numbers a step takes by hand are those that the config may say, and its open ends are open."""

import importlib

import pytest

from project_root import ROOT
from tradeoffs.benchmarks import ranges
from tradeoffs.models import conversion, normalisers
from tradeoffs.study.schema import schema
from tradeoffs.theory import command
from tradeoffs.training import train
from tradeoffs.training.settings import Settings

CONFIG = schema(ROOT / "workflow/schemas/config.schema.yaml")["properties"]
PARTS = [part for part in command.PARTS if part != "model"]


def of_numbers(said):
    """Return the schema of a number, or of the numbers of a list; None for anything else."""
    kinds = {said["type"]} if isinstance(said["type"], str) else set(said["type"])
    if "array" in kinds:
        return of_numbers(said["items"])
    return said if {"number", "integer"} & kinds else None


def check(name, expected, said):
    """Check the least and the largest number that a schema allows, and its open ends."""
    inside = 1 if "integer" in said["type"] else 1e-9
    for closed, opened, inward in (("minimum", "exclusiveMinimum", inside), ("maximum", "exclusiveMaximum", -inside)):
        if closed in said:
            assert expected.holds(said[closed])
        if opened in said:
            assert expected.holds(said[opened] + inward)
        if opened in said and said[opened] in (expected.least, expected.most):
            # A budget of 0 is standard training: no point of a map of changes, and one of a simulation.
            assert name == "budget_fractions" or not expected.holds(said[opened])
    assert expected.times == said.get("multipleOf", 1)


@pytest.mark.parametrize("part", PARTS)
def test_numbers_of_the_theory(part):
    settings = importlib.import_module(f"tradeoffs.theory.{command.PARTS[part]}").Settings._fields
    told = CONFIG["theory"]["properties"][part]["properties"]
    assert set(told) == set(settings)
    seen = {name: found for name, said in told.items() if (found := of_numbers(said)) is not None}
    for name, said in seen.items():
        kind = list if told[name]["type"] == "array" else int
        check(name, command.BUDGETS[kind] if name == "budgets" else command.RANGES[name], said)
    assert len(seen) >= 3


def test_numbers_of_a_training():
    told = CONFIG["miniature"]["properties"]["training"]["properties"]
    known = {name: found for name, said in told.items() if name in Settings._fields and (found := of_numbers(said))}
    assert {*known, "epsilon", "seed"} == set(train.RANGES)
    for name, said in known.items():
        check(name, train.RANGES[name], said)


def test_what_every_benchmark_has_and_networks_preprocessing_are_in_the_same_ranges_by_hand():
    """But for one: fewer draws than the miniature asks for do for a look by hand."""
    written = CONFIG["imagenet"]["properties"]
    same = {"type", "minimum", "maximum"}
    expected = {key: value for key, value in written["bootstrap"].items() if key in same}
    assert expected == ranges.COMMON["bootstrap"]
    assert ranges.COMMON["unreadable"]["enum"] == written["unreadable"]["enum"]
    budgets = CONFIG["imagenet"]["properties"]["benchmarks"]["properties"]["adversarial"]["properties"]["budgets"]
    for norm, largest in ranges._LARGEST.items():
        assert budgets["properties"][norm]["items"]["maximum"] == largest, norm
    own = written["extra"]["items"]["properties"]
    assert own["std"]["items"]["minimum"] == conversion.SMALLEST
    assert own["std"]["items"]["maximum"] == own["mean"]["items"]["maximum"] == normalisers.LARGEST
    assert own["input_size"]["maximum"] == conversion.LARGEST
