"""Networks of torchvision with random weights, and files that are no weights."""

import io
import os
import pickle
import warnings

import pytest
import torch

from models.published_format import patches, trained_like

SMALL = "shufflenet_v2_x0_5"  # 5 MB: quick to save and to damage


@pytest.fixture
def images():
    return patches(3, torch.Generator().manual_seed(1))


@pytest.fixture
def torchvision_network():
    """Return a function that makes torchvision's own network of a name, its weights random but not trivial."""

    def make(name=SMALL, classes=10):
        from torchvision import models

        torch.manual_seed(0)
        extra = {"init_weights": False} if name == "googlenet" else {}
        return trained_like(models.get_model(name, weights=None, num_classes=classes, **extra))

    return make


@pytest.fixture
def by_hand():
    """Return a function of network, images, mean and std: logits with normalisation done outside the network."""

    @torch.no_grad()
    def logits(network, x, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)):
        channels = [(x[:, c] - mean[c]) / std[c] for c in range(3)]
        return network(torch.stack(channels, 1))

    return logits


class Code:
    """Runs a command when unpickled carelessly."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.system, (f"touch {self.path}",))


@pytest.fixture
def damaged(tmp_path):
    """Return a function that writes a file of a kind that is no weights, from a valid one's content."""

    def write(kind, content):
        path = tmp_path / f"{kind.replace(' ', '_')}.pt"
        saved = io.BytesIO()
        torch.save(content, saved)
        if kind == "web page":
            path.write_text("\n<!DOCTYPE html><html><body>Sign in to download</body></html>")
        elif kind == "empty":
            path.touch()
        elif kind == "truncated":
            path.write_bytes(saved.getvalue()[:-5000])
        elif kind == "pickle with code":
            torch.save({"model": content, "run": Code(tmp_path / "ran")}, path)
        elif kind == "bare pickle with code":
            path.write_bytes(pickle.dumps(Code(tmp_path / "ran")))
        elif kind == "text":
            path.write_text("version 1\noid sha256:0000\n")
        elif kind == "tensor":
            torch.save(torch.zeros(3), path)
        else:
            assert kind == "missing"
        return path

    return write


@pytest.fixture
def script(tmp_path):
    """Return a function that saves a network as TorchScript."""

    def write(network, name="script.pt"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated, and what users have
            traced = torch.jit.trace(network, torch.rand(2, 3, 64, 64), check_trace=False)  # some answer at random
            torch.jit.save(traced, tmp_path / name)
        return tmp_path / name

    return write


NO_WEIGHTS = {
    "missing": "file not found",
    "empty": "empty",
    "web page": "a web page",
    "truncated": "damaged",
    "text": "not weights saved by torch",
    "pickle with code": "could run code",
    "bare pickle with code": "not weights|could run code",
    "tensor": "expected a",
}


@pytest.fixture(params=NO_WEIGHTS)
def no_weights(request, damaged, tmp_path):
    """Return a function that takes a valid content and returns a path with no weights and what must be said of it."""
    yield lambda content: (damaged(request.param, content), NO_WEIGHTS[request.param])
    assert not (tmp_path / "ran").exists()
