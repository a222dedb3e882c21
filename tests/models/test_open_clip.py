"""Zero-shot classifiers of open_clip, with random weights: the logits of both towers are those of encoder and head.

The library itself is tested where it is installed; everywhere, a stand-in with its published interface.
"""

import importlib
import importlib.util
import json
import sys
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from models.converting import converted
from tradeoffs.models import convert
from tradeoffs.models.networks import load
from tradeoffs.runner import commands
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json

CLASSES = ["tench", "goldfish", "great white shark", "tiger shark", "ray"]
MEAN, STD = [0.48, 0.46, 0.41], [0.27, 0.26, 0.28]
PROMPTS = ["a photo of a {}.", "a drawing of a {}."]
CONFIG = {"embed_dim": 12, "vision_cfg": {"image_size": 32}, "text_cfg": {}}


class Towers(nn.Module):
    """The interface of open_clip's networks: ``visual``, ``encode_text``, ``logit_scale``."""

    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, 8, 4, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 12)]
        self.visual = nn.Sequential(*layers)
        self.visual.preprocess_cfg = {"size": (32, 32), "mean": tuple(MEAN), "std": tuple(STD)}
        self.text = nn.EmbeddingBag(256, 12)
        self.logit_scale = nn.Parameter(torch.tensor(2.5))

    def encode_text(self, text, normalize=False):
        return F.normalize(self.text(text), dim=-1)


def stand_in():
    """The functions of the library that are used, on networks of a few weights."""
    library = ModuleType("open_clip")

    def zero_shot(model, tokenizer, classnames, templates, num_classes_per_batch, use_tqdm):
        found = []
        for name in classnames:
            each = model.encode_text(tokenizer([template.format(name) for template in templates]), normalize=True)
            found.append(F.normalize(each.mean(0), dim=0))
        return torch.stack(found, 1)

    library.list_models = lambda: ["tiny", "ViT-S-32-alt"]
    library.get_model_config = lambda name: dict(CONFIG)
    library.create_model = lambda name, **_: Towers()
    library.get_tokenizer = lambda name: lambda texts: torch.tensor([list(text.encode().ljust(40)) for text in texts])
    library.get_model_preprocess_cfg = lambda model: model.visual.preprocess_cfg
    library.list_pretrained_tags_by_model = lambda name: ["openai", "laion"]
    library.get_pretrained_cfg = lambda name, tag: {"quick_gelu": tag == "openai"}
    library.build_zero_shot_classifier = zero_shot
    library.OPENAI_IMAGENET_TEMPLATES = (lambda c: f"a bad photo of a {c}.", lambda c: f"a photo of many {c}.")
    return library


@pytest.fixture(params=["stand-in", "open_clip"])
def library(request, monkeypatch):
    """Return the library, with five classes, and a small network of it."""
    if request.param == "stand-in":
        found, name = stand_in(), "tiny"
        monkeypatch.setitem(sys.modules, "open_clip", found)
    elif importlib.util.find_spec("open_clip"):
        found, name = importlib.import_module("open_clip"), "ViT-S-32-alt"
    else:
        pytest.skip("open_clip is not installed")
    monkeypatch.setattr(found, "IMAGENET_CLASSNAMES", CLASSES, raising=False)
    torch.manual_seed(0)
    network = found.create_model(name, **({} if request.param == "stand-in" else {"load_weights": False}))
    return found, name, network.eval()


def spec(name, **settings):
    given = {"source": "open_clip", "name": name, "classes": 5, "prompts": PROMPTS, "mean": MEAN, "std": STD}
    return given | settings


@torch.no_grad()
def both_towers(library, name, network, images):
    """Logits by plain loops over both towers."""
    tokenizer = library.get_tokenizer(name)
    texts = []
    for each in CLASSES:
        embedded = network.encode_text(tokenizer([prompt.replace("{}", each) for prompt in PROMPTS]))
        mean = sum(F.normalize(row, dim=0) for row in embedded) / len(PROMPTS)
        texts.append(mean / mean.norm())
    x = (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    embedded = network.visual(x)
    cosines = torch.stack([F.cosine_similarity(embedded, text[None], dim=1) for text in texts], 1)
    return network.logit_scale.exp() * cosines


def test_encoder_and_head_give_the_logits_of_both_towers(library, tmp_path):
    found, name, network = library
    torch.save(
        {"epoch": 1, "state_dict": {f"module.{key}": item for key, item in network.state_dict().items()}},
        tmp_path / "w.pt",
    )
    made = converted(spec(name), tmp_path / "w.pt")
    convert.write(made.tensors, tmp_path / "out.pt")
    size = int(made.tensors["_extra_state"])
    images = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(1))
    again = load(tmp_path / "out.pt", made.architecture, 5, torch.device("cpu"))
    expected = both_towers(found, name, network, images)
    torch.testing.assert_close(again(images), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(again.features(images).norm(dim=1), torch.ones(3))
    assert made.architecture == f"open_clip/{name}"
    assert made.source["zero_shot"]["prompts"] == PROMPTS


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"classes": 7}, "classes: 7, but open_clip names 5, those of ImageNet"),
        ({"prompts": ["a photo"]}, "prompts: 'a photo'; expected a text with one {} in the place of the class"),
        ({"prompts": ["a {photo} of {}"]}, "expected a text with one {}"),
        ({"name": "ViT-S-32-atl"}, r"open_clip has no model 'ViT-S-32-atl'; did you mean .*ViT-S-32-alt"),
        ({"mean": None}, "mean: null, but .*w.pt does not say how its images were normalised"),
    ],
)
def test_a_wrong_setting_is_one_line(settings, said, library, tmp_path):
    _, name, network = library
    torch.save(network.state_dict(), tmp_path / "w.pt")
    with pytest.raises(InputError, match=said) as raised:
        converted(spec(name) | settings, tmp_path / "w.pt")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("library", ["stand-in"], indirect=True)
def test_published_weights_bring_their_preprocessing_and_the_card_its_prompts(library, tmp_path):
    out = ["--weights", str(tmp_path / "w.pt"), "--card", str(tmp_path / "card.json")]
    given = {"name": "tiny", "classes": 5, "pretrained": "laion"}
    assert commands.main(["convert", "open_clip", "--spec", json.dumps(given), *out]) == 0
    card = read_json(tmp_path / "card.json")
    assert card["source"]["pretrained"] == "laion"
    assert card["source"]["zero_shot"]["prompts"] == ["a bad photo of a {}.", "a photo of many {}."]
    weights = torch.load(tmp_path / "w.pt")
    assert (weights["mean"].flatten().tolist(), int(weights["_extra_state"])) == (pytest.approx(MEAN), 32)


@pytest.mark.parametrize("library", ["stand-in"], indirect=True)
@pytest.mark.parametrize(
    ("pretrained", "said"),
    [
        ("openai", "the weights openai of tiny need QuickGELU; use the network tiny-quickgelu"),
        ("opneai", "open_clip has no weights 'opneai' of tiny; it has openai, laion"),
    ],
)
def test_weights_that_do_not_go_with_the_network_are_one_line(pretrained, said, library):
    with pytest.raises(InputError, match=said):
        converted(spec("tiny", pretrained=pretrained), None)


@pytest.mark.parametrize("library", ["stand-in"], indirect=True)
def test_a_download_that_fails_is_one_line(library, monkeypatch):
    found, *_ = library

    def fails(name, **_):
        raise OSError("no\nroute")

    monkeypatch.setattr(found, "create_model", fails)
    with pytest.raises(InputError, match=r"weights laion of tiny could not be downloaded \(no route\)"):
        converted(spec("tiny", pretrained="laion"), None)


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(InputError, match=r"open_clip is not installed .* pip install open-clip-torch"):
        converted(spec("ViT-B-32", pretrained="openai"), None)
