"""Turn a model of the user's, from torchvision, timm, a state_dict or TorchScript, into weights of this workflow.

    python -m tradeoffs.models.convert --spec '{"source": "torchvision", "name": "resnet50", "classes": 1000, \
        "pretrained": "IMAGENET1K_V1", "mean": null, "std": null, "input_size": null}' --weights w.pt --card card.json

The network is built again from what is written and must give the same logits as the original: nothing that the
tensors do not carry (a changed input, a second head) is lost silently.
"""

import argparse
import sys
import time
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tradeoffs.models import choice, confinement, formats, normalisers, scripted, state_dict, store
from tradeoffs.models.answers import finite
from tradeoffs.models.libraries import Preprocessing, fetch
from tradeoffs.models.networks import build, unwrapped
from tradeoffs.models.normalised import Wrapped, wrap
from tradeoffs.models.sources import architecture
from tradeoffs.step.cards import check
from tradeoffs.step.errors import InputError, exit_code
from tradeoffs.step.inputs import opened
from tradeoffs.step.specs import parse_spec

SPEC: dict[str, type | tuple[type, ...]] = {
    "source": str,  # torchvision, timm, state_dict or torchscript
    "name": (str, type(None)),  # of the network in its library; an architecture for state_dict; null for torchscript
    "classes": int,
    "pretrained": (str, type(None)),  # the library's name of published weights, or null with --checkpoint
    "mean": (list, type(None)),  # per channel, pixels in [0, 1]; null: as published
    "std": (list, type(None)),
    "weights": (str, type(None)),  # ema or raw, where a --checkpoint holds more than one set of weights; else null
    "input_size": (int, type(None)),  # pixels; null: as published, or with --checkpoint whatever the benchmark gives
}


LARGEST = 4096  # pixels of a side of what a network takes, as in the schema of the config
SMALLEST = 0.0001  # of a standard deviation, as there


class Converted(NamedTuple):
    """The tensors of a model for ``networks.load``; what the card says of the weights that were taken from the file."""

    tensors: dict[str, Tensor]
    weights: dict[str, Any]


def convert(spec: dict[str, Any], checkpoint: Path | None) -> dict[str, Tensor]:
    """Return the tensors of the model, normalisation included, for ``networks.load``.

    InputError, naming the file or the key: an unknown architecture, tensors missing or surplus or of another type,
    another number of classes, no preprocessing, a file that is no weights or holds more than one set of them, a network
    that its tensors alone do not determine.
    """
    return converted(spec, checkpoint).tensors


def converted(spec: dict[str, Any], checkpoint: Path | None) -> Converted:
    """Do what :func:`convert` does, and say which weights of the file were taken."""
    name = architecture(spec["source"], spec["name"])
    if (checkpoint is None) == (spec["pretrained"] is None):
        raise InputError("pretrained: give either the name of published weights or a --checkpoint file, one of the two")
    wanted = spec.get("weights")
    if wanted is not None and (checkpoint is None or spec["source"] == "torchscript"):
        raise InputError(f"weights: {wanted}, but only a file of tensors may hold more than one set of them; use null")
    if spec["source"] == "torchscript" and checkpoint is not None:
        return Converted(_from_script(spec, checkpoint), {})
    weights: dict[str, Any] = {}
    if checkpoint is None:
        network, published = fetch(spec["source"], spec["name"], spec["pretrained"], spec["classes"])
        what = f"{spec['name']} ({spec['pretrained']})"
        preprocessing = chosen(spec, published, what)
    else:
        what = str(checkpoint)
        whole = build(name, spec["classes"])
        network = unwrapped(name, spec["classes"]) if isinstance(whole, Wrapped) else whole
        content = state_dict.read(checkpoint)
        tensors, key, others, beside = choice.take(
            content, [choice.shapes(whole), choice.shapes(network)], wanted, checkpoint
        )
        weights = {"taken": key, "left": others}
        normalising: dict[str, Tensor] = {}
        is_whole = isinstance(tensors, dict) and (network is whole or tensors.keys() == whole.state_dict().keys())
        if isinstance(tensors, dict):
            weights["stored_as"] = state_dict.float_types(tensors)
            own = network.state_dict()
            if not is_whole:  # a normaliser without a name before it stands among the network's own
                beside = beside | {item: tensors[item] for item in tensors if item not in own}
            normalising, surplus = ({}, beside) if is_whole else normalisers.split(beside)
            tensors = {item: tensor for item, tensor in tensors.items() if is_whole or item in own}
            tensors |= {f"{item} (beside {key})" if item in tensors else item: surplus[item] for item in surplus}
        if is_whole:
            return Converted(_already_whole(spec, whole, tensors, checkpoint), weights)
        state_dict.fit(network, tensors, checkpoint, f"a {name} with {spec['classes']} classes")
        _check_channels(spec)
        if found := normalisers.find(content, normalising, checkpoint):
            mean, std = normalisers.agreed(found, spec["mean"], spec["std"], checkpoint)
            spec = spec | {"mean": mean, "std": std}
            weights["normaliser"] = found.name
        preprocessing = chosen(spec, None, what)
    return Converted(_wrapped_and_checked(network, name, spec["classes"], preprocessing, what), weights)


def chosen(spec: dict[str, Any], published: Preprocessing | None, what: str) -> Preprocessing:
    """Return the preprocessing of the spec, the published one where the spec says null; InputError without either."""
    _check_channels(spec)
    for key in ("mean", "std"):
        if spec[key] is None and published is None:
            raise InputError(
                f"{key}: null, but {what} does not say how its images were normalised; give the three values used in "
                "training ([0, 0, 0] and [1, 1, 1] if the network normalises by itself)"
            )
    size = spec["input_size"]
    if size is not None and not 1 <= size <= LARGEST:
        raise InputError(f"input_size: {size}; expected a number of pixels from 1 to {LARGEST}, or null")
    mean, std, size = published or Preprocessing([], [], 0)
    return Preprocessing(spec["mean"] or mean, spec["std"] or std, spec["input_size"] or size)


def _check_channels(spec: dict[str, Any]) -> None:
    """InputError where mean or std is neither null nor three finite numbers, above 0 for std."""
    for key in ("mean", "std"):
        values = spec[key]
        if values is None:
            continue
        numbers = len(values) == 3 and all(type(value) in (int, float) and isfinite(value) for value in values)
        if not numbers or (key == "std" and min(values) < SMALLEST):
            raise InputError(
                f"{key}: {values}; expected three finite numbers{f' of at least {SMALLEST}' if key == 'std' else ''}, "
                "or null"
            )


@torch.no_grad()
def probe(network: nn.Module, x: Tensor, num_classes: int, what: str) -> Tensor:
    """Return the logits of ``x``; InputError where the network fails or is not one function of each image alone.

    Its output must be [n, num_classes], of a floating-point type and finite, the same for the same input again, and for
    an image the same in another batch: a network exported in training mode is neither (dropout, batch normalisation).
    """
    network.eval()
    logits = _output(network, x, num_classes, what)
    again = _output(network, x, num_classes, what)
    elsewhere = _output(network, torch.cat([x[:1], 0.5 * x]), num_classes, what)
    # Rounding depends on how many images are computed at once, and shows in 16 bits.
    rounding = 16 * torch.finfo(logits.dtype).eps * logits.abs().max().item()
    tolerance = max(rounding, 1e-3 * logits.float().std().item())
    for found, how in (
        (again, "other logits for the same images the second time (dropout"),
        (elsewhere[:1], "other logits for an image beside other images (batch normalisation"),
    ):
        if not ((found - logits[: len(found)]).abs() <= tolerance).all():
            raise InputError(f"{what}: gives {how} in training mode?); export it again, after network.eval()")
    return logits


def _output(network: nn.Module, x: Tensor, num_classes: int, what: str) -> Tensor:
    """Return the network's output for ``x``; InputError where it fails or that is no finite logits."""
    try:
        logits = network(x.clone())  # a copy: the network may change its input
    except Exception as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(
            f"{what}: fails on images of {x.shape[-1]} px ({len(x)} at once: {reason}); set input_size to the size it "
            "takes"
        ) from None
    if not isinstance(logits, Tensor) or logits.shape != (len(x), num_classes):
        found = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(f"{what}: its output is {found}; expected logits [{len(x)}, {num_classes}], check classes")
    if not logits.is_floating_point():
        kind = str(logits.dtype).removeprefix("torch.")
        raise InputError(f"{what}: its output is of type {kind}; expected logits, floating-point numbers")
    if not logits.isfinite().all():
        raise InputError(
            f"{what}: its logits are not finite (NaN or infinite) on {int((~finite(logits)).sum())} of {len(x)} images "
            "of random pixels; its weights are damaged (a negative running variance, a NaN) or overflow in 16 bits"
        )
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
        state_dict.fit(again, tensors, Path(what), f"a {name} with {num_classes} classes")
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
    state_dict.fit(whole, tensors, checkpoint, f"a {spec['name']} with {spec['classes']} classes")
    for key in ("mean", "std", "input_size"):
        if spec[key] is not None:
            raise InputError(f"{key}: {spec[key]}, but {checkpoint} brings its own normalisation; use null")
    probe(whole, _images(getattr(whole, "input_size", 32)), spec["classes"], str(checkpoint))
    return dict(whole.state_dict())


def _from_script(spec: dict[str, Any], checkpoint: Path) -> dict[str, Tensor]:
    formats.refuse(checkpoint)
    if (why := formats.damage(checkpoint)) is not None:
        raise InputError(f"{checkpoint}: not a TorchScript file, or damaged ({why}); get it again")
    if not formats.is_script(checkpoint):
        raise InputError(
            f"{checkpoint}: not a TorchScript file (it holds no code); give tensors as source: state_dict, timm or "
            "torchvision"
        )
    with opened(checkpoint) as file:
        content = file.read()
    tensors = scripted.pack(content, *chosen(spec, None, str(checkpoint)))
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
    path = arguments.checkpoint
    content, _ = check(path, ours=False) if path else (None, None)
    runs_code = spec["source"] == "torchscript"
    remarks = {"confined": confinement.confine(arguments.weights.parent, arguments.card.parent)} if runs_code else {}
    tensors, weights = converted(spec, path)
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
            "sha256": content,
            "pretrained": spec["pretrained"],
            "weights": weights,
        },
        **remarks,
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
