"""A published model of the zoo by its name, from a server with files in the published format."""

import hashlib

import numpy as np
import pytest
import torch

import tradeoffs
from acquisition.conftest import site as site
from acquisition.faulty_server import Page
from benchmarks.conftest import SMALL
from models.published_format import IMAGENET, checkpoint_of, trained_like
from tradeoffs.api.result import Result
from tradeoffs.models import zoo
from tradeoffs.models.networks import unwrapped
from tradeoffs.runner import commands

NAME = "Salman2020_shufflenet_l2_eps3"
BY_HAND = "Wong2020Fast"
TOLD = {"study": "miniature", "settings": SMALL["waterbirds"] | {"bootstrap": 50}, "progress": False}


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """Where torch keeps what it downloads."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch/hub/checkpoints"


@pytest.fixture
def network():
    torch.manual_seed(0)
    return trained_like(unwrapped("torchvision/shufflenet_v2_x1_0", 1000))


@pytest.fixture
def published(site, cache, network, tmp_path, monkeypatch):
    """Publish a file at the address of an entry; returns the server."""
    torch.save(checkpoint_of(network), tmp_path / "file.ckpt")
    content = (tmp_path / "file.ckpt").read_bytes()
    site.pages["/shufflenet_l2_eps3.ckpt"] = Page(content)
    known = {"address": site.url("/{file}"), "sha256": hashlib.sha256(content).hexdigest()}
    monkeypatch.setitem(zoo._by_name(), NAME, zoo.find(NAME)._replace(**known))
    return site


def test_it_is_downloaded_once_and_is_the_network_that_was_published(published, network, cache, miniature, tmp_path):
    place = miniature / "waterbirds"
    found = tradeoffs.evaluate(f"zoo/{NAME}", "waterbirds", place, **TOLD)
    own = {"mean": IMAGENET[0], "std": IMAGENET[1]}
    expected = tradeoffs.evaluate(network, "waterbirds", place, **TOLD | own)
    assert found.card["metrics"] == expected.card["metrics"]
    assert found.model == f"zoo/{NAME}"
    assert found.card["source"]["zoo"] == NAME
    assert found.card["published_clean_accuracy"] == 0.4332
    words = ["evaluate", "--model", f"zoo/{NAME}", "--benchmark", "waterbirds", "--data", str(place), "--study"]
    words += ["miniature", "--out", str(tmp_path / "out"), "--settings", "bootstrap=50", "resize=32", "crop=32"]
    assert commands.main([*words, "l2_penalty=0.01"]) == 0
    again = np.load(tmp_path / "out/waterbirds.npz")
    np.testing.assert_array_equal(again["correct"], found.outcomes["correct"])
    assert len(published.requests) == 1
    assert (cache / "shufflenet_l2_eps3.ckpt").is_file()


@pytest.mark.parametrize(
    ("name", "said", "message"),
    [
        (NAME, {"mean": [0.5] * 3, "std": [0.5] * 3}, f"mean, std: given beside zoo/{NAME}, whose entry says that"),
        (NAME, {"architecture": "resnet50"}, "architecture: given beside zoo/"),
        ("Wong2020Fas", {}, "'Wong2020Fas' is no model of the zoo; did you mean Wong2020Fast"),
        (BY_HAND, {}, f"zoo/{BY_HAND}: drive.google.com asks for a browser: get https://drive.google.com"),
        ("all linf", {}, "'all linf' is no model of the zoo"),
    ],
)
def test_what_does_not_fit_is_one_line(name, said, message, cache, miniature):
    with pytest.raises(tradeoffs.InputError) as raised:
        tradeoffs.evaluate(f"zoo/{name}", "waterbirds", miniature / "waterbirds", **TOLD | said)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
    if name == BY_HAND:
        assert f"put it at {cache / zoo.find(BY_HAND).file}, where it is verified" in str(raised.value)
    assert not cache.exists()


def test_a_file_got_by_hand_is_verified_and_another_one_is_refused(cache, miniature):
    cache.mkdir(parents=True)
    (cache / zoo.find(BY_HAND).file).write_bytes(b"<!doctype html><title>Sign in</title>")
    with pytest.raises(tradeoffs.InputError) as raised:
        tradeoffs.evaluate(f"zoo/{BY_HAND}", "waterbirds", miniature / "waterbirds", **TOLD)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("n", "value", "said"),
    [
        (50_000, 0.4352, "published accuracy 0.4332, difference +0.0020: as near as other libraries explain"),
        (50_000, 0.3, "published accuracy 0.4332, difference -0.1332: more than is explained (libraries reading"),
        (500, 0.43, "published accuracy 0.4332, difference -0.0032: not comparable: measured on 500 images"),
    ],
)
def test_on_imagenet_its_accuracy_is_set_beside_the_published_one(n, value, said):
    metrics = {"accuracy": {"value": value, "ci_low": value, "ci_high": value, "n": n}}
    card = {"model": f"zoo/{NAME}", "benchmark": "imagenet", "metrics": metrics, "source": {"zoo": NAME}}
    result = Result(card | {"spec": {"architecture": "resnet18"}}, {}, {})
    assert any(remark.startswith(said) for remark in result.remarks)
    assert said in repr(result)
