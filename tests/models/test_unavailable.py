"""Published weights that cannot be had: an error, or where they are not required a card that says so."""

import json
import urllib.error

import pytest
import torch

from tradeoffs.runner import commands
from tradeoffs.step.cards import check, read_card

SPEC = {"name": "shufflenet_v2_x0_5", "classes": 1000, "pretrained": "IMAGENET1K_V1"}


@pytest.fixture
def offline(monkeypatch, tmp_path):
    def fail(*_, **__):
        raise urllib.error.URLError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.download_url_to_file", fail)


def convert(folder, source="torchvision", **changes):
    files = {"weights": folder / "weights.pt", "card": folder / "card.json"}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    return commands.main(["convert", source, "--spec", json.dumps(SPEC | changes), *options])


def test_weights_that_are_not_required_are_marked_as_ones_that_cannot_be_had(offline, tmp_path, capsys):
    assert convert(tmp_path, required=False) == 0
    card = read_card(tmp_path / "card.json")
    assert "IMAGENET1K_V1 of shufflenet_v2_x0_5 could not be downloaded" in card["unavailable"]
    assert f"delete {tmp_path / 'card.json'} and run again" in card["unavailable"]
    assert "\n" not in card["unavailable"]
    assert torch.load(tmp_path / "weights.pt", weights_only=True) == {}
    assert check(tmp_path / "weights.pt")[1] == tmp_path / "card.json"
    assert "left out: " in capsys.readouterr().out


def test_required_weights_end_the_command_in_one_line(offline, tmp_path, capsys):
    assert convert(tmp_path) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: the weights IMAGENET1K_V1 of shufflenet")
    assert not (tmp_path / "card.json").exists()


def test_a_library_that_is_not_installed_is_a_reason_too(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    assert convert(tmp_path, "timm", name="test_resnet", pretrained="r160_in1k", required=False) == 0
    assert read_card(tmp_path / "card.json")["unavailable"].startswith("timm is not installed")


def test_a_mistake_is_none(offline, tmp_path, capsys):
    assert convert(tmp_path, pretrained="V9", required=False) == 2
    assert "no weights 'V9' of shufflenet_v2_x0_5; it has" in capsys.readouterr().err
