"""Any model on the published data in one call: fetched by the command, and as it was unpacked by hand."""

import importlib
import tarfile
import zipfile
from dataclasses import replace

import pytest
import torch
from torch import nn

import tradeoffs
from counted import Counted
from replica import world
from replica.server import Replica
from tradeoffs.api import fetch
from tradeoffs.benchmarks import work
from tradeoffs.runner import commands
from tradeoffs.step.declared_benchmarks import benchmarks
from tradeoffs.step.declared_data import data

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
