"""A model of the user's keeps its logits, or is refused in one line."""

import json
import urllib.error

import pytest
import torch

from models.converting import tensors_of
from tradeoffs.models.conversion import Preprocessing, probe
from tradeoffs.models.networks import build, load
from tradeoffs.models.normalised import wrap
from tradeoffs.models.sources import architecture, torchvision
from tradeoffs.runner import commands
from tradeoffs.step.errors import InputError

SMALL = "shufflenet_v2_x0_5"
CPU = torch.device("cpu")
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.3, 0.25]
SPEC = {
    "source": "torchvision",
    "name": SMALL,
    "classes": 10,
    "pretrained": None,
    "mean": MEAN,
    "std": STD,
    "input_size": None,
    "weights": None,
}


def saved(path, content):
    torch.save(content, path)
    return path


def loaded(tensors, path, spec):
    return load(saved(path, tensors), architecture(spec["source"], spec["name"]), spec["classes"], CPU)


@pytest.mark.parametrize(
    "nested",
    [
        lambda tensors: tensors,
        lambda tensors: {"state_dict": tensors, "epoch": 3},
        lambda tensors: {"model": {f"module.{name}": tensor for name, tensor in tensors.items()}},
    ],
    ids=["plain", "checkpoint", "parallel"],
)
@pytest.mark.parametrize(("source", "name"), [("torchvision", SMALL), ("state_dict", f"torchvision/{SMALL}")])
def test_a_file_of_torchvisions_tensors_keeps_its_logits(
    nested, source, name, torchvision_network, by_hand, images, tmp_path
):
    own = torchvision_network()
    spec = SPEC | {"source": source, "name": name}
    tensors = tensors_of(spec, saved(tmp_path / "user.pt", nested(own.state_dict())))
    network = loaded(tensors, tmp_path / "w.pt", spec)
    torch.testing.assert_close(network(images), by_hand(own, images, MEAN, STD), rtol=1e-3, atol=1e-3)
    assert network.features(images).shape == (3, 1024)


def test_the_command_writes_weights_and_a_card(torchvision_network, tmp_path):
    checkpoint = saved(tmp_path / "user.pt", torchvision_network().state_dict())
    weights, card = tmp_path / "w.pt", tmp_path / "card.json"
    files = ["--checkpoint", checkpoint, "--weights", weights, "--card", card]
    spec = json.dumps({key: value for key, value in SPEC.items() if key != "source"})
    assert commands.main(["convert", SPEC["source"], "--spec", spec, *map(str, files)]) == 0
    written = json.loads(card.read_text())
    assert written["architecture"] == f"torchvision/{SMALL}"
    assert written["features"] is True
    assert written["source"]["file"] == "user.pt"
    assert len(written["source"]["sha256"]) == 64
    assert set(torch.load(weights, weights_only=True)) >= {"mean", "std", "classifier.weight"}


def test_weights_of_this_workflow_are_taken_whole(images, tmp_path):
    spec = SPEC | {"source": "state_dict", "name": "basic", "mean": None, "std": None}
    network = build("basic", 10).eval()
    tensors = tensors_of(spec, saved(tmp_path / "user.pt", network.state_dict()))
    torch.testing.assert_close(loaded(tensors, tmp_path / "w.pt", spec)(images), network(images), rtol=1e-3, atol=1e-3)
    with pytest.raises(InputError, match="brings its own normalisation"):
        tensors_of(spec | {"mean": MEAN, "std": STD}, tmp_path / "user.pt")


def test_wrapped_weights_keep_their_own_normalisation(torchvision_network, by_hand, images, tmp_path):
    own = torchvision_network()
    expected = by_hand(own, images, MEAN, STD)
    spec = SPEC | {"source": "state_dict", "name": f"torchvision/{SMALL}", "mean": None, "std": None}
    tensors = tensors_of(spec, saved(tmp_path / "user.pt", wrap(own, 10, MEAN, STD).state_dict()))
    torch.testing.assert_close(loaded(tensors, tmp_path / "w.pt", spec)(images), expected, rtol=1e-3, atol=1e-3)


def test_a_scripted_network_keeps_its_logits_and_says_what_needs_features(
    torchvision_network, by_hand, images, script, tmp_path
):
    own = torchvision_network()
    spec = SPEC | {"source": "torchscript", "name": None, "input_size": 64}
    tensors = tensors_of(spec, script(own))
    network = loaded(tensors, tmp_path / "w.pt", spec)
    torch.testing.assert_close(network(images), by_hand(own, images, MEAN, STD), rtol=1e-3, atol=1e-3)
    with pytest.raises(InputError, match=r"logits only.*fits a linear head"):
        network.features(images)


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Return a function that puts a network's tensors where torchvision keeps downloads: no network is needed."""

    def place(name, tensors):
        from torchvision import models

        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        folder = tmp_path / "hub/checkpoints"
        folder.mkdir(parents=True)
        weights = models.get_model_weights(name)["IMAGENET1K_V1"]
        saved(folder / weights.url.rsplit("/", 1)[1], tensors)

    return place


PUBLISHED = SPEC | {"classes": 1000, "pretrained": "IMAGENET1K_V1", "mean": None, "std": None}


def test_published_weights_bring_their_preprocessing(published, torchvision_network, by_hand, images, tmp_path):
    own = torchvision_network(SMALL, 1000)
    published(SMALL, own.state_dict())
    tensors = tensors_of(PUBLISHED, None)
    assert int(tensors["_extra_state"]) == 224
    x = torch.nn.functional.interpolate(images, (224, 224))
    torch.testing.assert_close(loaded(tensors, tmp_path / "w.pt", PUBLISHED)(x), by_hand(own, x), rtol=1e-3, atol=1e-3)


ANOTHER = r"googlenet .*built again from its tensors alone it is another network"


def test_a_network_with_other_tensors_than_its_name_says_is_refused(published, torchvision_network):
    # With published weights torchvision drops GoogLeNet's auxiliary heads, and rescales its input.
    published("googlenet", torchvision_network("googlenet", 1000).state_dict())
    with pytest.raises(InputError, match=ANOTHER):
        tensors_of(PUBLISHED | {"name": "googlenet"}, None)


def test_a_network_that_its_tensors_do_not_determine_is_refused(monkeypatch, torchvision_network):
    own = torchvision_network("googlenet", 1000)
    monkeypatch.setattr(torchvision, "fetch", lambda *_: (own, Preprocessing(MEAN, STD, 224)))
    tensors_of(PUBLISHED | {"name": "googlenet"}, None)
    own = torchvision_network("googlenet", 1000)
    own.transform_input = True  # the same tensors, another function
    with pytest.raises(InputError, match=ANOTHER):
        tensors_of(PUBLISHED | {"name": "googlenet"}, None)


def test_a_download_that_fails_is_one_line(monkeypatch, tmp_path):
    def fail(*_, **__):
        raise urllib.error.URLError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", fail)
    with pytest.raises(InputError, match=r"IMAGENET1K_V1 of shufflenet_v2_x0_5 could not be downloaded.*no route"):
        tensors_of(PUBLISHED, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"source": "keras"},
            "source: 'keras' is unknown; choose one of released, torchvision, timm, open_clip, state_dict, "
            "torchscript, python, zoo",
        ),
        ({"name": "resnet19"}, "did you mean resnet18"),
        ({"name": None}, "name: missing"),
        ({"classes": 10}, "classes: 10, but .* was published with 1000"),
        ({"pretrained": "DEFAULT"}, "no weights 'DEFAULT' of shufflenet_v2_x0_5; it has IMAGENET1K_V1"),
        ({"pretrained": None}, "pretrained: give either"),
        ({"source": "state_dict", "name": "resnet18"}, "no meaning for source state_dict"),
        ({"source": "torchscript"}, "no meaning for source torchscript"),
    ],
)
def test_a_wrong_setting_is_one_line(change, said):
    with pytest.raises(InputError, match=said) as raised:
        tensors_of(PUBLISHED | change, None)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mean": None}, "mean: null, but .*user.pt does not say how"),
        ({"std": None}, "std: null"),
        ({"mean": [0.5]}, "expected three finite numbers"),
        ({"mean": ["a", "b", "c"]}, "expected three finite numbers"),
        ({"std": [0.2, 0, 0.2]}, "three finite numbers of at least 0.0001"),
        ({"input_size": 0}, "expected a number of pixels"),
        ({"classes": 9}, r"user.pt: not weights of a torchvision/.* with 9 classes .*is \[10"),
        ({"name": "resnet18"}, "user.pt: not weights of a torchvision/resnet18"),
        ({"source": "state_dict", "name": "basic"}, "user.pt: not weights of a basic"),
        ({"source": "torchscript", "name": None}, "user.pt: not a TorchScript file"),
        ({"pretrained": "IMAGENET1K_V1"}, "pretrained: give either"),
    ],
)
def test_a_file_used_with_the_wrong_settings_is_one_line(change, said, torchvision_network, tmp_path):
    path = saved(tmp_path / "user.pt", torchvision_network().state_dict())
    with pytest.raises(InputError, match=said) as raised:
        tensors_of(SPEC | change, path)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_weights_is_one_line(no_weights, torchvision_network):
    path, said = no_weights(torchvision_network().state_dict())
    with pytest.raises(InputError, match=said) as raised:
        tensors_of(SPEC, path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("kind", ["web page", "missing", "truncated"])
def test_a_file_that_is_no_script_is_one_line(kind, damaged):
    path = damaged(kind, build("basic", 10).state_dict())
    with pytest.raises(InputError) as raised:
        tensors_of(SPEC | {"source": "torchscript", "name": None}, path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("classes", "size", "said"), [(9, 64, r"\[2, 10\]; expected logits \[2, 9\]")])
def test_a_scripted_network_of_other_outputs_is_one_line(classes, size, said, torchvision_network, script):
    spec = SPEC | {"source": "torchscript", "name": None, "classes": classes, "input_size": size}
    with pytest.raises(InputError, match=said):
        tensors_of(spec, script(torchvision_network()))


def test_a_network_of_a_fixed_size_asks_for_it(tmp_path):
    from torchvision import models

    own = models.VisionTransformer(32, 16, 1, 2, 16, 16, num_classes=10).eval()
    with pytest.raises(InputError, match=r"fails on 2 images of 224 px, .*if it takes one size alone, set input_size"):
        probe(own, torch.rand(2, 3, 224, 224), 10, "own")


def test_a_network_of_timm_keeps_its_logits(by_hand, images, tmp_path):
    timm = pytest.importorskip("timm")
    own = timm.create_model("resnet10t", num_classes=10).eval()
    spec = SPEC | {"source": "timm", "name": "resnet10t"}
    expected = by_hand(own, images, MEAN, STD)
    network = loaded(tensors_of(spec, saved(tmp_path / "user.pt", own.state_dict())), tmp_path / "w.pt", spec)
    torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-3)


class Odd(torch.nn.Module):
    """A small network with one fault."""

    def __init__(self, fault: str):
        super().__init__()
        self.fault = fault
        self.convolution = torch.nn.Conv2d(3, 8, 3, 2)
        self.normalisation = torch.nn.BatchNorm2d(8)
        self.head = torch.nn.Linear(8, 10)

    def forward(self, x):
        x = torch.relu(self.normalisation(self.convolution(x)))
        out = self.head(torch.nn.functional.dropout(x.mean((2, 3)), 0.5, self.fault == "dropout"))
        if self.fault == "integers":
            return (100 * out).long()
        if self.fault == "booleans":
            return out > 0
        if self.fault == "complex":
            return torch.complex(out, out)
        if self.fault == "overflow":
            return (1e6 * out).half()
        if self.fault == "centred over the batch":
            return out - out.mean(0, keepdim=True)
        if self.fault == "nan":
            return out / (out - out)
        return out.half() if self.fault == "none, in 16 bits" else out


def odd(fault):
    torch.manual_seed(0)
    network = Odd(fault).eval()
    if fault == "negative variance":
        network.normalisation.running_var.fill_(-1.0)
    if fault == "training mode":
        network.normalisation.train()
        network.normalisation.track_running_stats = False
        network.normalisation.running_mean = network.normalisation.running_var = None
    return network


FAULTS = {
    "integers": "its output is of type int64; expected logits, floating-point numbers",
    "booleans": "its output is of type bool; expected logits",
    "complex": "its output is of type complex64; expected logits",
    "overflow": r"its logits are not finite \(NaN or infinite\) on 2 of 2 images .*overflow in 16 bits",
    "nan": "its logits are not finite",
    "negative variance": "its logits are not finite .*a negative running variance",
    "dropout": "gives other logits for the same images the second time",
    "training mode": "gives other logits for an image beside other images",
    "centred over the batch": "gives other logits for an image beside other images",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_gives_no_logits_of_each_image_alone_is_refused(fault, script):
    path = script(odd(fault))
    with pytest.raises(InputError, match=FAULTS[fault]) as raised:
        tensors_of(SPEC | {"source": "torchscript", "name": None, "input_size": 64}, path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("fault", ["none", "none, in 16 bits"])
def test_the_same_network_without_a_fault_is_taken(fault, script):
    assert tensors_of(SPEC | {"source": "torchscript", "name": None, "input_size": 64}, script(odd(fault)))


def test_a_state_dict_with_a_negative_running_variance_is_refused(tmp_path):
    tensors = build("basic", 10).state_dict()
    name = next(name for name in tensors if name.endswith("running_var"))
    tensors[name] = torch.full_like(tensors[name], -1.0)
    spec = SPEC | {"source": "state_dict", "name": "basic", "mean": None, "std": None}
    with pytest.raises(InputError, match=r"user.pt: its logits are not finite .* 2 of 2 images"):
        tensors_of(spec, saved(tmp_path / "user.pt", tensors))


def test_a_network_that_changes_its_input_is_probed_with_copies():
    x = torch.rand(2, 3, 8, 8)
    kept = x.clone()

    class Changing(torch.nn.Module):
        def forward(self, x):
            return x.mul_(2).flatten(1)[:, :10]

    torch.testing.assert_close(probe(Changing(), x, 10, "own"), 2 * kept.flatten(1)[:, :10])
    assert torch.equal(x, kept)
