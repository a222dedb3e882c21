"""Any model on the published data in one call: fetched by the command, and as it was unpacked by hand."""

import importlib
import inspect
import tarfile
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import tradeoffs
from counted import Counted
from models.published_format import trained_like
from replica import world
from replica.server import Replica
from tradeoffs.api import fetch
from tradeoffs.benchmarks import work
from tradeoffs.models.networks import unwrapped
from tradeoffs.runner import commands
from tradeoffs.step.declarations import benchmarks, data

READ = ("rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet")


class Colours(nn.Module):
    """A network of a thousand classes that sees colours."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.head = nn.Conv2d(3, 16, 7, 4), nn.Linear(16, 1000)

    def features(self, x):
        """Colours, where they change."""
        return torch.relu(self.first(x)).mean((2, 3))

    def forward(self, x):
        """Logits."""
        return self.head(self.features(x))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The archives as published, and a copy of ImageNet; without the released models."""
    folder = tmp_path_factory.mktemp("site")
    world._data(folder, 0)
    return folder


@pytest.fixture
def declared(site, monkeypatch):
    """What is declared of each data set, at the addresses of a server on this machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    files = {address: site / "site" / file for file, address in world.ADDRESSES.items()}
    with Replica({address: file for address, file in files.items() if file.exists()}) as server:
        found = {}
        for name, each in data().items():
            archive = each.archive and replace(each.archive, urls=list(map(server.local, each.archive.urls)), md5=None)
            beside = {place: list(map(server.local, urls)) for place, urls in each.files.items()}
            found[name] = replace(each, archive=archive, files=beside)
        monkeypatch.setattr(fetch, "data", lambda: found)
        yield found


def by_hand(name, site, folder):
    """Unpack an archive as a person does, and put beside it what is published beside it."""
    archive = site / "site" / data()[name].archive.file
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder, pwd=(data()[name].archive.password or "").encode() or None)
    else:
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
    for place in data()[name].files:
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes((site / "site" / place.rpartition("/")[2]).read_bytes())
    if data()[name].imagenet:
        (folder / data()[name].imagenet).symlink_to(site / "imagenet" / data()[name].imagenet)


@pytest.mark.parametrize("name", READ)
def test_what_is_fetched_and_what_is_unpacked_by_hand_give_the_same(name, site, declared, tmp_path, capsys):
    words = ["fetch", name, "--out", str(tmp_path / "data"), "--accept-licence", "--imagenet", str(site / "imagenet")]
    assert commands.main(words) == 0
    folder = tmp_path / "by hand"
    by_hand(name, site, folder)
    found = []
    for place in (tmp_path / "data" / name, folder, folder / data()[name].folder):
        places = {name: place, "imagenet": site / "imagenet"}
        found.append(tradeoffs.evaluate(Colours(), name, places, settings={"bootstrap": 50}, progress=False))
    assert all(each.card["metrics"] == found[0].card["metrics"] for each in found)
    assert found[1].card["data"] == found[2].card["data"] != found[0].card["data"]
    assert found[1].card["data"][name].startswith("listing:")


def test_imagenet_is_the_user_s_own_copy(site):
    found = tradeoffs.evaluate(Colours(), "imagenet", site / "imagenet", settings={"bootstrap": 50}, progress=False)
    assert found.card["metrics"]["accuracy"]["n"] == 1000
    with pytest.raises(tradeoffs.InputError, match="val: folder not found"):
        tradeoffs.evaluate(Colours(), "imagenet", site, progress=False)


SETTINGS = {"classes": 1000, "seed": 0, "bootstrap": 10, "unreadable": "fail", "model": "m", "architecture": "colours"}
LESS = {
    "salient_imagenet": {"trials": 2},
    "imagenet9": {"challenge_foregrounds": 6, "challenge_backgrounds": 5},
    "adversarial": {"images": 12, "restarts": 2, "steps": 3},
}


@pytest.mark.parametrize("benchmark", sorted(set(benchmarks()) - {"shifted_correlation"}))
def test_passes_of_a_benchmark_are_what_was_said_before(benchmark, site, tmp_path):
    declared = benchmarks()[benchmark]
    roots = {}
    for name in declared.data:
        roots[name] = site / "imagenet"
        if name != "imagenet":
            roots[name] = tmp_path / name
            by_hand(name, site, roots[name])
    spec = SETTINGS | {key: setting["imagenet"] for key, setting in declared.settings.items()} | LESS.get(benchmark, {})
    network = Counted(Colours().eval().requires_grad_(False))
    module, formula = importlib.import_module(f"tradeoffs.benchmarks.{benchmark}"), work.find(benchmark)
    said = formula.estimate(spec, formula.counted(spec, roots))
    module.evaluate(network, module.Settings(**spec), roots, torch.device("cpu"))
    done = network.count
    if said.expected == said.most:
        assert (done["forward"], done["gradients"]) == (said.most.forward, said.most.gradients)
    else:
        assert done["gradients"] <= said.most.gradients
        assert done["forward"] + done["gradients"] <= said.most.forward + said.most.gradients


COLOURS = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def networks(kind, folder):
    """A network as a module, and as what the user may have in its place, each with what is said of it."""
    torch.manual_seed(0)
    if kind == "a class of one's own":
        (folder / "nets.py").write_text("import torch\nfrom torch import nn\n\n\n" + inspect.getsource(Colours))
        return Colours(), f"{folder / 'nets.py'}:Colours", {"trust": True}
    if kind == "TorchScript":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is deprecated, and what people have
            torch.jit.save(torch.jit.trace(Colours().eval(), torch.rand(2, 3, 224, 224)), folder / "net.pt")
        return Colours(), folder / "net.pt", {"trust": True, "input_size": 224}
    name = {"torchvision": "torchvision/shufflenet_v2_x0_5", "timm": "timm/mobilenetv3_small_050"}[kind]
    network = unwrapped(name, 1000)
    if kind == "torchvision":
        trained_like(network)
    save_file(network.state_dict(), folder / "net.safetensors")
    return network, folder / "net.safetensors", {"architecture": name}


@pytest.mark.parametrize("kind", ["a class of one's own", "TorchScript", "torchvision", "timm"])
def test_a_module_and_what_stands_for_it_give_the_same_on_the_published_layouts(kind, site, tmp_path):
    """In a call, by the command, and compared; a TorchScript network shows no features, so on ImageNet-9."""
    benchmark = "imagenet9" if kind == "TorchScript" else "waterbirds"
    by_hand(benchmark, site, tmp_path / "data")
    network, other, said = networks(kind, tmp_path)
    settings = {"bootstrap": 50} | ({"challenge_backgrounds": 0} if benchmark == "imagenet9" else {})
    told = {"settings": settings, "progress": False}
    expected = tradeoffs.evaluate(network, benchmark, tmp_path / "data", **told, **COLOURS)
    found = tradeoffs.evaluate(other, benchmark, tmp_path / "data", out=tmp_path / "out", **told, **COLOURS, **said)
    rounding = 1e-7 if kind == "TorchScript" else 0  # its convolutions see images laid out otherwise
    values = found.table.value.to_numpy()
    np.testing.assert_allclose(values, expected.table.value.to_numpy(), rtol=0, atol=rounding)
    if kind == "TorchScript":
        return  # its command confines this process for good: tests/api/test_call.py
    words = ["evaluate", "--model", str(other), "--benchmark", benchmark, "--data", str(tmp_path / "data")]
    words += ["--out", str(tmp_path / "of command"), "--settings"]
    words += [f"{key}={value}" for key, value in settings.items()]
    for key, value in (COLOURS | said).items():
        words += [f"--{key.replace('_', '-')}", *([] if value is True else map(str, np.atleast_1d(value)))]
    assert commands.main(words) == 0
    models = {"call": tmp_path / "out", "command": tmp_path / "of command"}
    assert set(tradeoffs.compare(models, benchmark, tmp_path / "data").table.difference) == {0.0}
