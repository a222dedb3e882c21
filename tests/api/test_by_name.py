"""Networks by their names in a library: whose weights, and that they are those; without them one line."""

import urllib.error

import pytest
import torch

import tradeoffs
from benchmarks.conftest import SMALL
from models.published_format import trained_like
from tradeoffs.models.conversion import Preprocessing
from tradeoffs.models.networks import unwrapped
from tradeoffs.models.sources import timm as of_timm
from tradeoffs.models.sources import torchvision as of_torchvision

PUBLISHED = Preprocessing([0.5, 0.4, 0.3], [0.2, 0.3, 0.25], 48)
TOLD = {"study": "miniature", "settings": SMALL["rival10"] | {"bootstrap": 50}, "progress": False, "classes": 10}


@pytest.mark.parametrize(
    ("text", "source", "called"),
    [
        ("torchvision/shufflenet_v2_x0_5", of_torchvision, "torchvision/shufflenet_v2_x0_5.IMAGENET1K_V1"),
        ("timm/test_resnet", of_timm, "timm/test_resnet.r160_in1k"),
        ("timm/test_resnet.hat", of_timm, "timm/test_resnet.hat"),
    ],
)
def test_the_library_s_weights_and_preprocessing_are_taken_and_named(text, source, called, miniature, monkeypatch):
    asked = []

    def fetch(name, pretrained, classes):
        asked.append((name, pretrained))
        torch.manual_seed(1)
        network = unwrapped(text.partition(".")[0], classes)
        return trained_like(network) if "shuffle" in name else network, PUBLISHED

    monkeypatch.setattr(source, "fetch", fetch)
    found = tradeoffs.evaluate(text, "rival10", miniature / "rival10", **TOLD)
    library, _, rest = called.partition("/")
    assert asked == [tuple(rest.split("."))]
    assert found.model == called
    assert found.card["spec"]["architecture"] == f"{library}/{rest.partition('.')[0]}"
    assert found.card["source"]["pretrained"] == rest.partition(".")[2]
    plain, preprocessing = fetch(*asked[0], 10)
    said = {"mean": preprocessing.mean, "std": preprocessing.std, "input_size": preprocessing.input_size}
    expected = tradeoffs.evaluate(plain, "rival10", miniature / "rival10", **TOLD | said)
    assert found.card["metrics"] == expected.card["metrics"]


def test_weights_that_are_not_named_are_those_that_the_library_takes():
    assert of_torchvision.usual("resnet50") == "IMAGENET1K_V2"
    assert of_timm.usual("vit_base_patch16_224") == "augreg2_in21k_ft_in1k"


def test_weights_that_cannot_be_fetched_are_one_line(miniature, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise urllib.error.URLError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.download_url_to_file", fail)
    told = TOLD | {"classes": None}
    with pytest.raises(
        tradeoffs.InputError, match="IMAGENET1K_V1 of shufflenet_v2_x0_5 could not be downloaded"
    ) as said:
        tradeoffs.evaluate("torchvision/shufflenet_v2_x0_5", "rival10", miniature / "rival10", **told)
    assert "\n" not in str(said.value)


def test_a_network_without_published_weights_is_one_line(miniature):
    with pytest.raises(tradeoffs.InputError, match="timm has no model 'resnet10t_hat'; did you mean resnet10t"):
        tradeoffs.evaluate("timm/resnet10t_hat", "rival10", miniature / "rival10", **TOLD)
    name = next(name for name in __import__("timm").list_models() if not of_timm_has(name))
    with pytest.raises(tradeoffs.InputError, match=f"timm publishes no weights of {name}; give a file of yours"):
        tradeoffs.evaluate(f"timm/{name}", "rival10", miniature / "rival10", **TOLD)


def of_timm_has(name):
    import timm

    return bool(timm.list_pretrained(f"{name}.*"))
