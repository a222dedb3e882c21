"""The mutation tool: which changes it makes, and that it makes them in a copy."""

import ast

import pytest

from mutation import run

SOURCE = '''
"""A module of 3 things."""
LIMIT = 4


def pick(values: list[int], least: int = 0) -> bool:
    """Whether 1 of them is right."""
    if not values:
        raise ValueError(f"{least - 1} or more")
    total = values[0] + sum(values, start=least)
    print("found", total + 5)
    return min(values) < total and least >= 2
'''


@pytest.fixture
def found(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "ROOT", tmp_path)
    (tmp_path / "module.py").write_text(SOURCE)
    yield [change for place in run.changes("module.py") for change in place]
    assert (tmp_path / "module.py").read_text() == SOURCE


def test_each_change_is_one_change_of_what_decides_and_reads_as_it_says(found):
    said = {(change.line, change.what) for change in found}
    for line, what in (
        (3, "4 -> 5"),
        (6, "0 -> -1"),
        (8, "not values -> values"),
        (8, "if not values: ... -> if False: ..."),
        (9, "raise ValueError(f'{least - 1} or more') -> (nothing)"),
        (10, "values[0] + sum(values, start=least) -> values[0] - sum(values, start=least)"),
        (10, "sum(values, start=least) -> sum(values)"),
        (10, "0 -> 1"),
        (12, "min(values) -> max(values)"),
        (12, "min(values) < total -> min(values) <= total"),
        (12, "min(values) < total and least >= 2 -> min(values) < total or least >= 2"),
        (12, "min(values) < total and least >= 2 -> least >= 2"),
    ):
        assert (line, what) in said
    assert not {line for line, _ in said} & {2, 7, 11}  # docstrings and messages
    plain = ast.dump(ast.parse(SOURCE))
    assert all(ast.dump(ast.parse(change.source)) != plain for change in found)
    assert len({change.source for change in found}) == len(found)
    assert {change.everywhere for change in found if change.line in (3, 6)} == {True}
    assert not any(change.everywhere for change in found if change.line > 7)


def test_the_same_seed_draws_the_same_changes(found):
    drawn = [run.draw(["module.py"], 6, seed, None) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len({(change.line, change.what) for change in drawn[0]}) == 6
    assert {change.line for change in run.draw(["module.py"], 6, 0, "module.py:3")} == {3}


def test_every_module_that_decides_has_tests_that_are_there():
    for path in run.modules(sorted(run.TESTS)):
        assert all((run.ROOT / tests).exists() for tests in run.tests_of(path))
