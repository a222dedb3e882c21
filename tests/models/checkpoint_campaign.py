"""Checkpoints in each way of wrapping, with each way of damage: the right logits, or one line that names the cause?

    python tests/models/checkpoint_campaign.py                      all, with the package of this project
    PYTHONPATH=other/workflow python tests/models/checkpoint_campaign.py      ... with that of another one

``test_wrappings.py`` runs a part of this.
"""

import gzip
import io
import json
import os
import pickle
import re
import struct
import sys
import tarfile
import tempfile
import warnings
import zipfile
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS)]
sys.path.append(str(TESTS.parent / "workflow"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

from models.converting import tensors_of  # noqa: E402
from models.published_format import patches, trained_like  # noqa: E402
from tradeoffs.models.networks import load, unwrapped  # noqa: E402
from tradeoffs.step.errors import InputError  # noqa: E402

NAME, CLASSES = "torchvision/shufflenet_v2_x0_5", 10
MEAN, STD = [0.48, 0.46, 0.41], [0.23, 0.22, 0.21]
SPEC = {
    "source": "state_dict",
    "name": NAME,
    "classes": CLASSES,
    "pretrained": None,
    "mean": MEAN,
    "std": STD,
    "input_size": 64,
    "weights": None,
}
Tensors = dict[str, Any]


@cache
def original() -> tuple[Tensors, torch.Tensor, torch.Tensor]:
    """The network's tensors, three images, and its logits of them."""
    torch.manual_seed(0)
    network = trained_like(unwrapped(NAME, CLASSES))
    images = patches(3, torch.Generator().manual_seed(1))
    with torch.no_grad():
        x = (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        return dict(network.state_dict()), images, network(x)


def under(prefix: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def values(numbers: list[float], *shape: int) -> torch.Tensor:
    return torch.tensor(numbers).reshape(*shape)


def robustness(tensors: Tensors, start: str = "module.") -> Tensors:
    own = {"new_mean": values(MEAN, 3, 1, 1), "new_std": values(STD, 3, 1, 1)}
    whole = under("normalizer.")(own) | under("model.")(tensors)
    whole |= under("attacker.normalize.")(own) | under("attacker.model.")(tensors)
    return {"model": under(start)(whole), "optimizer": {"state": {}, "param_groups": []}, "epoch": 90, "amp": "N/A"}


def lightning(tensors: Tensors, **settings: Any) -> Tensors:
    return {
        "epoch": 3,
        "global_step": 100,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": under("model.")(tensors),
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_path": "x.ckpt", "current": torch.ones(1)}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]}],
        "lr_schedulers": [],
        "hyper_parameters": {"lr": 0.1, "init": {"mean": 0.0, "std": 0.02}} | settings,
    }


def timm(tensors: Tensors, **settings: Any) -> Tensors:
    given = Namespace(
        model="resnet50", lr=0.1, aa=None, input_size=[3, 224, 224], **({"mean": None, "std": None} | settings)
    )
    return {
        "epoch": 3,
        "arch": "resnet50",
        "state_dict": tensors,
        "optimizer": {"state": {}},
        "args": given,
        "metric": 0.7,
    }


FOUR = (1, 3, 1, 1)
# Without a normaliser, mean and std are given; those below bring it.
PLAIN: dict[str, Callable[[Tensors], Any]] = {
    "plain": dict,
    "state_dict": lambda tensors: {"state_dict": tensors, "epoch": 3},
    "data parallel": lambda tensors: {"model": under("module.")(tensors)},
    "compiled": under("_orig_mod."),
    "compiled in parallel": under("module._orig_mod."),
    "averaged": lambda tensors: {"n_averaged": torch.tensor(7)} | under("module.")(tensors),
    "net": under("net."),
    "backbone": lambda tensors: {"state_dict": under("backbone.")(tensors)},
    "two deep": under("base_model.model."),
    "lightning": lightning,
    "timm": timm,
}
NORMALISED: dict[str, Callable[[Tensors], Any]] = {
    "robustness": robustness,
    "robustness, not parallel": lambda tensors: robustness(tensors, ""),
    "robustbench": lambda tensors: (
        {"normalize.mean": values(MEAN, *FOUR), "normalize.std": values(STD, *FOUR)} | under("model.")(tensors)
    ),
    "mu and sigma": lambda tensors: {"mu": values(MEAN, *FOUR), "sigma": values(STD, *FOUR)} | tensors,
    "mu and sigma, parallel": lambda tensors: under("module.")(
        {"mu": values(MEAN, *FOUR), "sigma": values(STD, *FOUR)} | tensors
    ),
    "sequential": lambda tensors: {"0.mean": values(MEAN, 3), "0.std": values(STD, 3)} | under("1.")(tensors),
    "settings": lambda tensors: lightning(tensors, mean=MEAN, std=STD),
    "timm, settings": lambda tensors: timm(tensors, mean=MEAN, std=STD),
}
WRAPPINGS = PLAIN | NORMALISED


class Code:
    """Writes a file when unpickled carelessly."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.system, (f"touch {self.path}",))


def changed(change: Callable[[torch.Tensor], torch.Tensor], name: str = "fc.weight") -> Callable[[Tensors], Tensors]:
    return lambda tensors: tensors | {name: change(tensors[name])}


def quantised(tensor: torch.Tensor) -> torch.Tensor:
    with warnings.catch_warnings(action="ignore"):
        return torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8)


# Damage to the tensors, before they are wrapped -> what must be said (None: the logits are right).
TENSORS: dict[str, tuple[Callable[[Tensors], Tensors], str | None]] = {
    "none": (dict, None),
    "double": (lambda ts: {n: t.double() if t.is_floating_point() else t for n, t in ts.items()}, None),
    "no counters": (lambda ts: {n: t for n, t in ts.items() if "num_batches" not in n}, None),
    "missing": (lambda ts: {n: t for n, t in ts.items() if n != "fc.bias"}, r"missing: fc\.bias"),
    "surplus": (lambda ts: ts | {"fc2.weight": torch.zeros(9, 9)}, r"surplus: (\S*\.)?fc2\.weight"),
    "other classes": (changed(lambda t: t[:9]), r"fc\.weight is \[9, 1024\] instead of \[10, 1024\].*classes"),
    "integers": (changed(lambda t: t.long()), r"fc\.weight is int64 instead of floating point"),
    "sparse": (changed(lambda t: t.to_sparse()), r"fc\.weight is \S+, sparse"),
    "meta": (changed(lambda t: t.to("meta")), r"fc\.weight is \S+, without values"),
    "quantised": (changed(quantised), r"fc\.weight is \S+, quantised"),
    "nan": (changed(lambda t: t * torch.nan), r"fc\.weight is not finite"),
}


def saved(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def flipped(content: bytes) -> bytes:
    return content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 0x40]) + content[len(content) // 2 + 1 :]


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("w.pt")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def numpy_file() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def safetensors() -> bytes:
    header, parts, place = {}, [], 0
    for name, tensor in original()[0].items():
        part = tensor.contiguous().numpy().tobytes()
        kind = "F32" if tensor.is_floating_point() else "I64"
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [place, place + len(part)]}
        parts.append(part)
        place += len(part)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def exported() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):
        torch.export.save(torch.export.export(nn.Linear(3, 2), (torch.rand(2, 3),)), buffer)
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):
        torch.jit.save(torch.jit.trace(nn.Linear(3, 2), torch.rand(2, 3)), buffer)
    return buffer.getvalue()


# Damage to the file, whatever is in it: the content as saved -> bytes, and what must be said.
FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut": (lambda content: content[:-5000], "damaged"),
    "cut to half": (lambda content: content[: len(content) // 2], "damaged"),
    "flipped bit": (flipped, "damaged"),
}
# Files of other kinds: name of the file, content, what must be said.
KINDS: dict[str, tuple[str, Callable[[], bytes], str | None]] = {
    "lfs": ("w.pt", lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "Git LFS.*lfs pull"),
    "web page": ("w.pt", lambda: b"\n<!DOCTYPE html><html></html>", "a web page"),
    "json error": ("w.pt", lambda: b'{"error": "not found"}', "JSON"),
    "empty": ("w.pt", lambda: b"", "is empty"),
    "zeros": ("w.pt", lambda: bytes(4096), "zeros"),
    "text": ("w.pt", lambda: b"hello", "not weights saved by torch"),
    "gzip": ("w.pt.gz", lambda: gzip.compress(saved(original()[0])), "gzip.*unpack"),
    "tar": ("w.tar", lambda: tarred(saved({})), "tar.*unpack"),
    "zip": ("w.zip", lambda: zipped({"run/w.pt": saved({}), "run/log.txt": b"x"}), r"zip archive \(run/w.pt.*unpack"),
    "npz": ("w.npz", lambda: zipped({"a.npy": numpy_file()}), "npz"),
    "npy": ("w.npy", numpy_file, "numpy"),
    "keras": ("w.keras", lambda: zipped({"config.json": b"{}", "model.weights.h5": b"x"}), "Keras"),
    "hdf5": ("w.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    "onnx": ("w.onnx", lambda: b"\x08\x07\x12\x07pytorch\x1a\x052.0.0:" + bytes(99), "ONNX"),
    "tensorflow": ("w.pb", lambda: b"\n\x0b\n\x04Cast" + bytes(99), "TensorFlow"),
    "safetensors": ("w.safetensors", safetensors, None),
    "safetensors, cut": ("w.safetensors", lambda: safetensors()[:-99], "damaged"),
    "safetensors, other name": ("w.pt", safetensors, r"safetensors; give it a name that ends in \.safetensors"),
    "pt2": ("w.pt2", exported, "torch.export"),
    "torchscript": ("w.pt", scripted, "source: torchscript"),
    "bare pickle": ("w.pkl", lambda: pickle.dumps({"a": [1, 2]}), "not weights|expected a state_dict"),
    "only numbers": ("w.pt", lambda: saved({"epoch": 3}), "expected a state_dict"),
    "tensor": ("w.pt", lambda: saved(torch.zeros(3)), "expected a state_dict"),
    "network": ("w.pt", lambda: saved(nn.Linear(3, 2)), r"holds more than tensors \(torch.nn.modules.linear.Linear\)"),
}
# Settings that contradict what a normalised file brings: changes of the spec, and what must be said.
SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "other mean": ({"mean": [0.5, 0.5, 0.5], "std": STD}, r"mean: \[0.5.*brings its own normaliser"),
    "by itself": ({"mean": [0, 0, 0], "std": [1, 1, 1]}, r"mean: \[0, .*brings its own normaliser.*use null"),
    "nan": ({"mean": [0.5, float("nan"), 0.5], "std": STD}, r"mean: .*three finite numbers"),
    "huge": ({"input_size": 1000000}, r"input_size: 1000000; expected .* to 4096"),
}


def outcome(path: Path, expected: str | None, **changes: Any) -> str:
    """Convert a file; return ``right``, ``named``, or what is wrong."""
    _, images, logits = original()
    try:
        tensors = tensors_of(SPEC | changes, path)
    except InputError as error:
        said = str(error)
        if expected is None or "\n" in said or not re.search(expected, said):
            return f"another cause: {said[:200]}"
        return "named"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {str(error)[:200]}"
    if expected is not None:
        return f"taken, expected {expected}"
    target = path.with_name("converted.pt")
    torch.save(tensors, target)
    found = load(target, NAME, CLASSES, torch.device("cpu"))(images)
    return "right" if torch.allclose(found, logits, rtol=1e-3, atol=1e-3) else "wrong logits"


Case = tuple[str, Callable[[Path], str]]


def cases() -> list[Case]:
    """Every case: its name, and a function of an empty folder that returns the outcome."""
    found: list[Case] = []

    def add(name: str, file: str, content: Callable[[Path], bytes], expected: str | None, **changes: Any) -> None:
        def run(folder: Path) -> str:
            path = folder / file
            path.write_bytes(content(folder))
            said = outcome(path, expected, **changes)
            return "code ran" if (folder / "ran").exists() else said

        found.append((name, run))

    null = {"mean": None, "std": None}
    for way, wrap in WRAPPINGS.items():
        given = null if way in NORMALISED else {}
        for kind, (damage, said) in TENSORS.items():
            add(f"{way}: {kind}", "w.pt", lambda _, w=wrap, d=damage: saved(w(d(original()[0]))), said, **given)
        for kind, (harm, said) in FILES.items():
            add(f"{way}: {kind}", "w.pt", lambda _, w=wrap, h=harm: h(saved(w(original()[0]))), said, **given)
        add(
            f"{way}: code",
            "w.pt",
            lambda folder, w=wrap: saved({"run": Code(folder / "ran")} | w(original()[0])),
            "could run code",
            **given,
        )
        if way in PLAIN:
            add(f"{way}: no mean", "w.pt", lambda _, w=wrap: saved(w(original()[0])), "mean: null, but", **null)
        else:
            add(f"{way}: same mean", "w.pt", lambda _, w=wrap: saved(w(original()[0])), None)
            for kind, (changes, said) in SETTINGS.items():
                if "settings" in way and "mean" in changes and kind != "nan":
                    continue  # beside settings of a training what the user says counts
                add(f"{way}: {kind}", "w.pt", lambda _, w=wrap: saved(w(original()[0])), said, **null | changes)
    for kind, (file, content, said) in KINDS.items():
        add(kind, file, lambda _, c=content: c(), said)
    return found


def main() -> None:
    """Print every fault and the counts."""
    counts: Counter[str] = Counter()
    with warnings.catch_warnings(action="ignore"):
        for name, run in cases():
            with tempfile.TemporaryDirectory() as folder:
                said = run(Path(folder))
            counts[said.partition(":")[0].partition(",")[0]] += 1
            if said not in ("right", "named"):
                print(f"{name}: {said}", flush=True)
    print(f"{counts.total()} checkpoints: {dict(counts)}")


if __name__ == "__main__":
    main()
