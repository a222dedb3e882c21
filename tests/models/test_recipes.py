"""What is made again where a table beside the code changes, and what is not."""

import pytest
import yaml

from tradeoffs.models import recipes, zoo

ENTRY = next(entry for entry in zoo.listed() if entry.architecture == "variant/resnet152_gelu")


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Copies of both tables, which the test may change."""
    for name in ("VARIANTS", "KEY_RULES"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(getattr(recipes, name).read_text())
        monkeypatch.setattr(recipes, name, path)
    return tmp_path


def edit(path, change):
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def test_another_network_or_rule_is_another_recipe(tables):
    before = recipes.of_entry(ENTRY), recipes.of_network(ENTRY.architecture), recipes.of_network("resnet50")
    edit(tables / "VARIANTS.yaml", lambda rows: rows["resnet152_gelu"]["arguments"].update(act_layer="silu"))
    after = recipes.of_entry(ENTRY), recipes.of_network(ENTRY.architecture), recipes.of_network("resnet50")
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, True, False]
    edit(tables / "KEY_RULES.yaml", lambda rows: rows[ENTRY.keys]["drop"].append("mask$"))
    assert recipes.of_entry(ENTRY) != after[0]


def test_words_are_no_part_of_it():
    said = recipes.of_entry(ENTRY)
    assert recipes.of_entry(ENTRY._replace(note="reworded", licence="another", also=("x",))) == said
    assert recipes.of_entry(ENTRY._replace(mean=[0.1, 0.2, 0.3])) != said
