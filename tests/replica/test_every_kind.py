"""A model of every kind that a user may have, on the published layouts: the module, and what stands for it."""

import inspect
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import tradeoffs
from models.published_format import trained_like
from replica.test_one_call import Colours, by_hand
from replica.test_one_call import site as site
from tradeoffs.models.networks import unwrapped
from tradeoffs.runner import commands

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
