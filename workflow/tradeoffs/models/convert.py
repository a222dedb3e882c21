"""Turn a model of the user's, from torchvision, timm, a state_dict or TorchScript, into weights of this workflow.

    python -m tradeoffs.models.convert --spec '{"source": "torchvision", "name": "resnet50", "classes": 1000, \
        "pretrained": "IMAGENET1K_V1", "mean": null, "std": null, "input_size": null}' --weights w.pt --card card.json

The network is built again from what is written and must give the same logits as the original: nothing that the
tensors do not carry (a changed input, a second head) is lost silently.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tradeoffs.errors import InputError, exit_code
from tradeoffs.files import sha256
from tradeoffs.models import scripted, state, store
from tradeoffs.models.libraries import Preprocessing, fetch
from tradeoffs.models.networks import build, unwrapped
from tradeoffs.models.sources import architecture
from tradeoffs.models.wrapped import Wrapped, wrap
from tradeoffs.specs import parse_spec

SPEC: dict[str, type | tuple[type, ...]] = {
    "source": str,  # torchvision, timm, state_dict or torchscript
    "name": (str, type(None)),  # of the network in its library; an architecture for state_dict; null for torchscript
    "classes": int,
    "pretrained": (str, type(None)),  # the library's name of published weights, or null with --checkpoint
    "mean": (list, type(None)),  # per channel, pixels in [0, 1]; null: as published
    "std": (list, type(None)),
    "input_size": (int, type(None)),  # pixels; null: as published, or with --checkpoint whatever the benchmark gives
}


def convert(spec: dict[str, Any], checkpoint: Path | None) -> dict[str, Tensor]:
    """Return the tensors of the model, normalisation included, for ``networks.load``.

    InputError, naming the file or the key: an unknown architecture, tensors missing or surplus, another number of
    classes, no preprocessing, a file that is no weights, a network that its tensors alone do not determine.
    """
    name = architecture(spec["source"], spec["name"])
    if (checkpoint is None) == (spec["pretrained"] is None):
        raise InputError("pretrained: give either the name of published weights or a --checkpoint file, one of the two")
    if spec["source"] == "torchscript" and checkpoint is not None:
        return _from_script(spec, checkpoint)
    if checkpoint is None:
        network, published = fetch(spec["source"], spec["name"], spec["pretrained"], spec["classes"])
        what = f"{spec['name']} ({spec['pretrained']})"
        preprocessing = chosen(spec, published, what)
    else:
        what = str(checkpoint)
        tensors = plain_state(state.read(checkpoint))
        whole = build(name, spec["classes"])
        if isinstance(tensors, dict) and (
            tensors.keys() == whole.state_dict().keys() or not isinstance(whole, Wrapped)
        ):
            return _already_whole(spec, whole, tensors, checkpoint)
        network = unwrapped(name, spec["classes"])
        state.fit(network, tensors, checkpoint, f"a {name} with {spec['classes']} classes")
        preprocessing = chosen(spec, None, what)
    return _wrapped_and_checked(network, name, spec["classes"], preprocessing, what)


def chosen(spec: dict[str, Any], published: Preprocessing | None, what: str) -> Preprocessing:
    """Return the preprocessing of the spec, the published one where the spec says null; InputError without either."""
    for key in ("mean", "std"):
        values = spec[key]
        if values is None and published is None:
            raise InputError(
                f"{key}: null, but {what} does not say how its images were normalised; give the three values used in "
                "training ([0, 0, 0] and [1, 1, 1] if the network normalises by itself)"
            )
        numbers = values is None or (len(values) == 3 and all(type(value) in (int, float) for value in values))
        if not numbers or (key == "std" and values is not None and min(values) <= 0):
            raise InputError(f"{key}: {values}; expected three numbers{' above 0' if key == 'std' else ''}, or null")
    if spec["input_size"] is not None and spec["input_size"] < 1:
        raise InputError(f"input_size: {spec['input_size']}; expected a number of pixels, or null")
    mean, std, size = published or Preprocessing([], [], 0)
    return Preprocessing(spec["mean"] or mean, spec["std"] or std, spec["input_size"] or size)


def plain_state(content: Any) -> Any:
    """Return the state_dict in a training checkpoint: under ``state_dict`` or ``model``, without ``module.``."""
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if isinstance(content, dict) and content and all(str(name).startswith("module.") for name in content):
        content = {name.removeprefix("module."): tensor for name, tensor in content.items()}
    return content


@torch.no_grad()
def probe(network: nn.Module, x: Tensor, num_classes: int, what: str) -> Tensor:
    """Return the logits of ``x``; InputError where the network fails or its output is not [n, num_classes]."""
    try:
        logits = network.eval()(x)
    except Exception as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(
            f"{what}: fails on images of {x.shape[-1]} px ({reason}); set input_size to the size it takes"
        ) from None
    if not isinstance(logits, Tensor) or logits.shape != (len(x), num_classes):
        found = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(f"{what}: its output is {found}; expected logits [{len(x)}, {num_classes}], check classes")
    return logits


def _images(size: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand((2, 3, size or 224, size or 224), generator=generator)


def _wrapped_and_checked(
    network: nn.Module, name: str, num_classes: int, preprocessing: Preprocessing, what: str
) -> dict[str, Tensor]:
    mean, std, size = preprocessing
    x = _images(size)
    normalised = (x - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    expected = probe(network, normalised, num_classes, what)
    tensors = dict(wrap(network, num_classes, mean, std, size).state_dict())
    again = build(name, num_classes)
    try:
        state.fit(again, tensors, Path(what), f"a {name} with {num_classes} classes")
        difference = (probe(again, x, num_classes, what) - expected).abs().max()
        same = bool(difference <= 1e-3 * expected.std())
    except InputError:
        same = False
    if not same:
        raise InputError(
            f"{what}: built again from its tensors alone it is another network (it changes its input, or has a second "
            "head); save it as TorchScript and use source: torchscript"
        )
    return tensors


def _already_whole(spec: dict[str, Any], whole: nn.Module, tensors: Any, checkpoint: Path) -> dict[str, Tensor]:
    """Weights that this workflow wrote: normalisation is inside, so the spec may not bring another."""
    state.fit(whole, tensors, checkpoint, f"a {spec['name']} with {spec['classes']} classes")
    for key in ("mean", "std", "input_size"):
        if spec[key] is not None:
            raise InputError(f"{key}: {spec[key]}, but {checkpoint} brings its own normalisation; use null")
    probe(whole, _images(getattr(whole, "input_size", 32)), spec["classes"], str(checkpoint))
    return dict(whole.state_dict())


def _from_script(spec: dict[str, Any], checkpoint: Path) -> dict[str, Tensor]:
    state.refuse_non_weights(checkpoint)
    tensors = scripted.pack(checkpoint.read_bytes(), *chosen(spec, None, str(checkpoint)))
    network = scripted.unpack(tensors, checkpoint)
    probe(network, _images(network.input_size), spec["classes"], str(checkpoint))
    return tensors


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.models.convert", description=__doc__.split("\n")[0])
    parser.add_argument("--spec", required=True, help="settings as JSON; keys: " + ", ".join(SPEC))
    parser.add_argument("--checkpoint", type=Path, help="weights file, where spec's pretrained is null")
    parser.add_argument("--weights", type=Path, required=True, help="state_dict to write")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    spec = parse_spec(arguments.spec, SPEC)
    tensors = convert(spec, arguments.checkpoint)
    path = arguments.checkpoint
    store.write(
        tensors,
        arguments.weights,
        arguments.card,
        module="tradeoffs.models.convert",
        spec=spec,
        started=started,
        architecture=architecture(spec["source"], spec["name"]),
        features="classifier.weight" in tensors or "fc.weight" in tensors,
        source={
            "name": spec["source"],
            "file": path.name if path else None,
            "sha256": sha256(path) if path else None,
            "pretrained": spec["pretrained"],
        },
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
