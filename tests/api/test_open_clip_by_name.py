"""Zero-shot classifiers by their names in open_clip, and from a file of both towers: a stand-in for the library."""

import sys

import pytest
import torch

import tradeoffs
from benchmarks.conftest import SMALL
from models.test_open_clip import CLASSES, MEAN, STD, stand_in
from tradeoffs.runner import commands, listing

TOLD = {"study": "miniature", "settings": SMALL["waterbirds"] | {"bootstrap": 50}, "progress": False, "classes": 5}


@pytest.fixture
def network(monkeypatch):
    """Return the network that the library gives, with the published weights or fresh ones."""
    library = stand_in()
    library.IMAGENET_CLASSNAMES = CLASSES
    torch.manual_seed(0)
    made = library.create_model("tiny")
    library.create_model = lambda name, **_: made
    monkeypatch.setitem(sys.modules, "open_clip", library)
    return made


def test_a_name_and_a_file_of_both_towers_are_the_same_classifier(network, miniature, tmp_path):
    place = miniature / "waterbirds"
    found = tradeoffs.evaluate("open_clip/tiny.laion", "waterbirds", place, **TOLD)
    assert (found.model, found.card["spec"]["architecture"]) == ("open_clip/tiny.laion", "open_clip/tiny")
    assert found.card["source"]["pretrained"] == "laion"
    assert found.card["source"]["zero_shot"]["prompts"] == ["a bad photo of a {}.", "a photo of many {}."]
    torch.save(network.state_dict(), tmp_path / "towers.pt")
    own = {"architecture": "open_clip/tiny", "mean": MEAN, "std": STD}
    of_file = tradeoffs.evaluate(tmp_path / "towers.pt", "waterbirds", place, **TOLD | own)
    assert of_file.card["metrics"] == found.card["metrics"]
    words = ["evaluate", "--model", "open_clip/tiny.laion", "--benchmark", "waterbirds", "--data", str(place)]
    words += ["--study", "miniature", "--out", str(tmp_path / "out"), "--classes", "5", "--settings"]
    assert commands.main([*words, *(f"{key}={value}" for key, value in TOLD["settings"].items())]) == 0
    told = TOLD | {"settings": {"waterbirds": TOLD["settings"]}}
    del told["classes"]
    models = {"of the command": tmp_path / "out", "named": {"model": "open_clip/tiny.laion", "classes": 5}}
    compared = tradeoffs.compare(models, "waterbirds", place, **told)
    assert set(compared.table.difference) == {0.0}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("open_clip/tiny", "model: 'open_clip/tiny'; name the weights too, as open_clip/<name>.<weights>"),
        ("open_clip/tiny.hat", "pretrained: open_clip has no weights 'hat' of tiny; it has openai, laion"),
        ("open_clip/tinny.laion", "architecture: open_clip has no model 'tinny'; did you mean tiny?"),
    ],
)
def test_a_name_that_does_not_fit_is_one_line(name, message, network, miniature):
    with pytest.raises(tradeoffs.InputError) as raised:
        tradeoffs.evaluate(name, "waterbirds", miniature / "waterbirds", **TOLD)
    assert str(raised.value) == message


def test_without_the_library_one_line_says_what_to_install(monkeypatch, miniature):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(tradeoffs.InputError, match="pip install open-clip-torch"):
        tradeoffs.evaluate("open_clip/ViT-B-32.openai", "waterbirds", miniature / "waterbirds", **TOLD)


def test_the_lists_name_these_ways():
    rows = {row[0]: row for row in listing.LISTS["ways"]()}
    assert "published models" in rows["zoo/<name>"][1]
    assert "open_clip/<name>.<weights>" in rows
