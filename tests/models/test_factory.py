"""A network that a Python function of the user's makes: its logits, its code's digest, and a line for what is wrong."""

import json
import pickle
import re
import sys

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.conftest import MODEL, SMALL
from models.converting import converted
from models.published_format import trained_like
from pretended_gpu import GPU, pretended_gpu
from tradeoffs.models import convert, factory, user_code
from tradeoffs.models.factory import Factory
from tradeoffs.models.networks import load
from tradeoffs.runner import commands
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json

NETS = """
import torch
from torch import nn
from blocks import block

class Own(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.stem, self.head = block(width), nn.Linear(width, 10)
    def forward(self, x):
        return self.head(self.stem(x))

class Scaled(Own):  # its last layer cannot be set apart: something comes after it
    def forward(self, x):
        return 3 * super().forward(x).tanh()

def build(width=6): return Own(width)
def scaled(width=6): return Scaled(width)
def seeded():
    torch.manual_seed(0)
    return Own(6)
def number(): return 3
def failing(): raise ValueError("no\\nway")
def leaving(): raise SystemExit(4)
def unloaded(): return Own(6).to("meta")
def changing():
    with open("calls", "a+") as calls:
        calls.write("x")
        calls.seek(0)
        times = len(calls.read())
    network = Own(6)
    network.forward = lambda x: times * Own.forward(network, x) ** times
    return network
"""
KINDS = {"ReLU", "GELU", "SiLU", "Tanh"}
BLOCKS = """
from torch import nn

def block(width):
    convolution = nn.Conv2d(3, width, 3, stride=2, padding=1)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """Write the user's two files, and work in their folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # forgets what of theirs was imported, too
    monkeypatch.delitem(__import__("sys").modules, "blocks", raising=False)
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "blocks.py").write_text(BLOCKS)
    return tmp_path


def spec(function="nets.py:build", **settings):
    given = {"source": "python", "factory": function, "classes": 10, "mean": list(MEAN), "std": list(STD)}
    return given | settings


def trained(function, **arguments):
    network = trained_like(factory.make(Factory(function, arguments)))
    torch.save(network.state_dict(), "w.pt")
    return network.eval()


@pytest.mark.parametrize(
    ("function", "arguments", "features"),
    [
        ("nets.py:build", {"width": 8}, 8),
        ("nets:build", {}, 6),
        ("nets.py:Own", {"width": 4}, 4),
        ("nets.py:scaled", {}, 0),
    ],
)
def test_it_keeps_its_logits_and_shows_its_features_where_it_can(function, arguments, features, nets, images, by_hand):
    network = trained(function, **arguments)
    found = converted(spec(function, arguments=arguments), nets / "w.pt")
    convert.write(found.tensors, nets / "out.pt")
    again = load(nets / "out.pt", found.architecture, 10, torch.device("cpu"))
    torch.testing.assert_close(again(images), by_hand(network, images, MEAN, STD), rtol=1e-5, atol=1e-6)
    if features:
        normalised = (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        torch.testing.assert_close(again.features(images), network.stem(normalised), rtol=1e-5, atol=1e-6)
    else:
        with pytest.raises(InputError, match="gives logits only"):
            again.features(images)


def test_on_a_gpu_its_weights_lie_as_those_of_other_networks(nets):
    trained("nets.py:build")
    convert.write(converted(spec("nets.py:build"), nets / "w.pt").tensors, nets / "out.pt")
    with pretended_gpu():
        on_gpu = load(nets / "out.pt", "python", 10, GPU)
        assert on_gpu.backbone.stem[0].weight.is_contiguous()
    on_cpu = load(nets / "out.pt", "python", 10, torch.device("cpu"))
    assert on_cpu.backbone.stem[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_what_the_function_does_to_its_arguments_is_its_own(nets):
    (nets / "greedy.py").write_text(
        "from nets import build as plain\n\n"
        "def build(settings):\n    settings['seen'] = True\n    return plain(width=settings.pop('width'))\n"
    )
    given = {"settings": {"width": 8}}
    network = trained("greedy.py:build", **given)
    assert given == {"settings": {"width": 8}}
    found = converted(spec("greedy.py:build", arguments=given), nets / "w.pt")
    assert given == {"settings": {"width": 8}}
    assert found.source["factory"]["arguments"] == given
    assert network.training is False


def test_the_card_names_the_function_its_arguments_and_its_code(nets):
    trained("nets.py:build", width=3)
    given = (
        '{"factory": "nets.py:build", "arguments": {"width": 3}, "classes": 10, "mean": [0, 0, 0], "std": [1, 1, 1]}'
    )
    out = ["--weights", "out.pt", "--card", "card.json"]
    assert commands.main(["convert", "python", "--spec", given, "--checkpoint", "w.pt", *out]) == 0
    card = read_json(nets / "card.json")
    digest = user_code.digest("nets.py:build")
    assert card["source"]["factory"] == {"function": "nets.py:build", "arguments": {"width": 3}, "sha256": digest}
    assert (card["architecture"], card["features"], card["source"]["file"]) == ("python", True, "w.pt")
    assert "confined" not in card


def test_the_function_may_bring_its_own_weights(nets, images, by_hand):
    network = factory.make(Factory("nets.py:seeded", {}))
    found = converted(spec("nets.py:seeded"), None)
    again = factory.unpack(found.tensors, 10, nets / "out.pt")
    torch.testing.assert_close(again(images), by_hand(network, images, MEAN, STD), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"function": "nets.py:number"}, r"factory: nets.py:number\(\) returned int; expected a torch.nn.Module"),
        ({"function": "nets.py:failing"}, r"nets.py:failing\(\) raised ValueError at nets.py:\d+ \(no way\)"),
        ({"function": "nets.py:leaving"}, r"nets.py:leaving\(\) raised SystemExit at nets.py:\d+ \(4\)"),
        ({"function": "nets.py:unloaded"}, r"unloaded\(\): its network is on the device meta, which holds no values"),
        ({"function": "nets.py:changing"}, "makes a network with other weights each time"),
        ({"function": "nets.py:nobody"}, "nets.py has no function 'nobody'; it has block, build, "),
        ({"function": "nobody.py:build"}, "no file nobody.py; correct the path"),
        ({"function": "nobody.nets:build"}, "no module nobody.nets is installed"),
        ({"function": "nets.py"}, "'nets.py'; expected file.py:function or package.module:function"),
        ({"function": "broken.py:build"}, r"broken.py:1: not Python 3 \(invalid syntax\); correct it"),
        (
            {"function": "lost.py:build"},
            r"its module raised ModuleNotFoundError at lost.py:1 \(No module named 'nowhere",
        ),
        ({"arguments": {"depth": 3}}, r"wants other arguments \(.*'depth'\): it is build\(width=6\); correct the arg"),
        ({}, "with other weights each time .* give the trained ones as file"),
        ({"function": None}, "factory: None; source python needs a Python function"),
        ({"source": "state_dict", "name": "basic"}, "factory: 'nets.py:build'; source state_dict has none, use null"),
        ({"name": "resnet50"}, "name: 'resnet50' has no meaning for source python"),
        ({"mean": None}, r"mean: null, but nets.py:build\(\) does not say how its images were normalised"),
    ],
)
def test_what_is_wrong_is_one_line(settings, said, nets):
    (nets / "broken.py").write_text("def build(:\n")
    (nets / "lost.py").write_text("import nowhere\n")
    given = spec(settings.pop("function", "nets.py:build"), **settings)
    checkpoint = None
    if "mean" in settings or "name" in settings:
        trained("nets.py:build")
        checkpoint = nets / "w.pt"
    with pytest.raises(InputError, match=said) as raised:
        converted(given, checkpoint)
    assert "\n" not in str(raised.value)


def test_a_network_that_its_tensors_do_not_determine_is_refused(nets):
    trained("nets.py:build")
    with pytest.raises(InputError, match=r"changing\(\): made again with the same tensors it is another network"):
        converted(spec("nets.py:changing"), nets / "w.pt")


class Code:
    def __reduce__(self):
        return (exec, ("open('ran', 'w').close()",))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda tensors: {name: tensor for name, tensor in tensors.items() if name != "head.bias"},
            r"not weights of what nets.py:build\(\) makes \(missing: head.bias",
        ),
        (lambda tensors: tensors | {"head.bias": torch.full((10,), torch.nan)}, "w.pt: head.bias is not finite"),
        (lambda tensors: tensors | {"run": Code()}, "holds more than tensors .* could run code"),
    ],
)
def test_weights_that_do_not_fit_or_could_run_code_are_one_line(damage, said, nets):
    torch.save(damage(dict(trained("nets.py:build").state_dict())), nets / "w.pt")
    with pytest.raises(InputError, match=said):
        converted(spec(), nets / "w.pt")
    assert not (nets / "ran").exists()
    pickle.loads(pickle.dumps(Code()))
    assert (nets / "ran").exists()  # so it would have been seen


def test_other_code_does_not_evaluate_the_weights_that_were_made_with_it(nets):
    trained("nets.py:build")
    convert.write(converted(spec(), nets / "w.pt").tensors, nets / "out.pt")
    (nets / "blocks.py").write_text(BLOCKS.replace("ReLU", "GELU"))
    with pytest.raises(InputError, match=r"out.pt: the code of nets.py:build is not what it was"):
        load(nets / "out.pt", "python", 10, torch.device("cpu"))
    (nets / "blocks.py").write_text(BLOCKS)
    assert isinstance(load(nets / "out.pt", "python", 10, torch.device("cpu")), nn.Module)


@pytest.mark.parametrize("named", ["nets.py:build", "mine.nets:build"])
def test_the_code_that_runs_is_that_of_the_digest_whatever_was_imported_before(nets, named):
    package = nets / "mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "nets.py").write_text(NETS.replace("from blocks", "from mine.blocks"))
    folder = package if named.startswith("mine") else nets
    (package / "blocks.py").write_text(BLOCKS)
    kinds = []
    for layer in ("GELU", "ReLU", "SiLU", "ReLU"):  # two of one length, in one second
        (folder / "blocks.py").write_text(BLOCKS.replace("ReLU", layer))
        kinds.append({type(part).__name__ for part in factory.make(Factory(named, {})).modules()} & KINDS)
    assert kinds == [{"GELU"}, {"ReLU"}, {"SiLU"}, {"ReLU"}]


def test_a_file_that_is_called_like_a_module_of_python_s_takes_its_place_no_more_than_elsewhere(nets):
    (nets / "time.py").write_text("raise ValueError('not the clock')\n")
    (nets / "nets.py").write_text(f"import time, json\n{NETS}")
    clock = sys.modules["time"]
    assert isinstance(factory.make(Factory("nets.py:build", {})), nn.Module)
    assert sys.modules["time"] is clock


def test_two_functions_with_modules_of_one_name_have_their_own(nets, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "nets.py").write_text(NETS)
    (other / "blocks.py").write_text(BLOCKS.replace("ReLU", "Tanh"))
    kinds = []
    for named in ("nets.py:build", "other/nets.py:build", "nets.py:build"):
        kinds.append({type(part).__name__ for part in factory.make(Factory(named, {})).modules()} & KINDS)
    assert kinds == [{"ReLU"}, {"Tanh"}, {"ReLU"}]


def test_the_digest_is_of_the_file_and_what_it_imports_of_its_own(nets):
    (nets / "unused.py").write_text("x = 1\n")
    before = user_code.digest("nets.py:build")
    assert [file.name for file in user_code.files("nets.py:build")] == ["blocks.py", "nets.py"]
    (nets / "unused.py").write_text("x = 2\n")
    assert user_code.digest("nets.py:build") == before
    (nets / "blocks.py").write_text(BLOCKS + "\n")
    assert user_code.digest("nets.py:build") != before


def test_a_package_counts_with_its_relative_imports_and_no_other_package(nets):
    folder = nets / "mine" / "parts"
    folder.mkdir(parents=True)
    (nets / "mine/__init__.py").write_text("from mine import start\n")
    (nets / "mine/start.py").write_text("")
    (folder / "__init__.py").write_text("")
    (folder / "net.py").write_text("import blocks, torch\nfrom . import deep\nfrom ..other import x\n")
    for name in (folder / "deep.py", nets / "mine/other.py", nets / "mine/left.py"):
        name.write_text("x = 1\n")
    found = {file.relative_to(nets).as_posix() for file in user_code.files("mine.parts.net:build")}
    assert found == {
        "mine/__init__.py",
        "mine/start.py",
        "mine/other.py",
        "mine/parts/__init__.py",
        "mine/parts/net.py",
        "mine/parts/deep.py",
    }


def test_the_same_code_elsewhere_has_the_same_digest(nets, tmp_path):
    for name in ("nets.py", "blocks.py"):
        (tmp_path / "copy").mkdir(exist_ok=True)
        (tmp_path / "copy" / name).write_text((nets / name).read_text())
    assert user_code.digest("copy/nets.py:build") == user_code.digest("nets.py:build")


def test_what_the_function_changes_of_torch_is_put_back(nets):
    (nets / "nets.py").write_text(
        NETS.replace("def number(): return 3", "def number(): torch.set_default_dtype(torch.float64)")
    )
    with pytest.raises(InputError, match=re.escape("returned NoneType")):
        factory.make(Factory("nets.py:number", {}))
    assert torch.get_default_dtype() == torch.float32


def test_a_network_by_its_name_and_by_a_function_has_the_same_numbers_to_the_last_bit(
    nets, miniature, torchvision_network
):
    torch.save(torchvision_network("resnet18", 10).state_dict(), nets / "w.pt")
    ways = {
        "state_dict": {"name": "resnet18"},
        "python": {"factory": "torchvision.models:resnet18", "arguments": {"num_classes": 10}},
    }
    cards = []
    for source, given in ways.items():
        text = json.dumps(given | {"classes": 10, "mean": list(MEAN), "std": list(STD)})
        out = ["--weights", f"{source}.pt", "--card", f"{source}.json"]
        assert commands.main(["convert", source, "--spec", text, "--checkpoint", "w.pt", *out]) == 0
        named = MODEL | SMALL["waterbirds"] | {"architecture": read_json(nets / f"{source}.json")["architecture"]}
        files = ["--weights", f"{source}.pt", "--data", f"waterbirds={miniature / 'waterbirds'}"]
        files += ["--card", f"{source}_birds.json", "--outcomes", f"{source}_birds.npz"]
        assert commands.main(["evaluate", "waterbirds", "--spec", json.dumps(named), *files]) == 0
        cards.append(read_json(nets / f"{source}_birds.json"))
    one, other = cards
    assert one["metrics"] == other["metrics"]
    with np.load(nets / "state_dict_birds.npz") as ours, np.load(nets / "python_birds.npz") as theirs:
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
