"""A model as somebody has it: a module in memory, a library's name, a file; made a network that benchmarks take.

A module is copied before anything is done with it. So it stays as it is, whatever happens: its mode, device, type,
gradients, hooks. What is named by text is built as the workflow builds it (:mod:`tradeoffs.models.sources`).
"""

import copy
import hashlib
import importlib
import io
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from tradeoffs.api import tapped, zoo_file
from tradeoffs.models import conversion, convert, formats, scripted, sources, zoo
from tradeoffs.models.networks import Network, loaded
from tradeoffs.models.normalised import Wrapped
from tradeoffs.models.small_resnet import SmallResNet
from tradeoffs.models.sources import zoo as of_zoo
from tradeoffs.step.cards import check
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json, sha256

CLASSES = 1000  # of a network that does not say
_OF_ENTRY = ("mean", "std", "input_size", "classes", "architecture", "weights")  # what an entry of the zoo says


class How(NamedTuple):
    """What is said of a model beside the model itself; :func:`tradeoffs.api.evaluate.evaluate` says what each means."""

    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    input_size: int | None = None
    classes: int | None = None
    architecture: str | None = None
    weights: str | None = None
    features: str | Callable[[nn.Module, Tensor], Tensor] | None = None
    trust: bool = False


class Given(NamedTuple):
    """The network, on its device, and what the card says of it; ``content`` are keys of the card."""

    network: Network
    name: str
    architecture: str
    classes: int
    content: dict[str, Any]


def place(model: object, device: object) -> torch.device:
    """Return where a model is to compute: on ``device``, or where it is, or, for what has yet to be loaded, on a GPU.

    InputError for a device that there is not, and for other kinds than cpu and cuda: benchmarks need 64 bits.
    """
    if device is None and isinstance(model, nn.Module):
        first = next(iter([*model.parameters(), *model.buffers()]), torch.zeros(0))
        return first.device if first.device.type == "cuda" else torch.device("cpu")
    try:
        found = torch.device(str(device) if device is not None else "cuda" if torch.cuda.is_available() else "cpu")
    except RuntimeError:
        raise InputError(f"device: {device!r}; expected cpu, cuda or cuda:0") from None
    if found.type not in ("cpu", "cuda") or (found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count()):
        there = ", ".join(["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))])
        raise InputError(f"device: {device}; expected one of those that are here: {there}")
    return found


def network(
    model: object,
    how: How,
    pixels: int,
    device: torch.device,
    name: str | None,
    needs: list[str],
    kept: dict[str, Given] | None = None,
) -> Given:
    """Return a model as a network. ``pixels``: side of the images it will be shown; ``needs``: of its benchmark.

    ``kept``: where what a text names stays, and is taken from the next time. InputError for what is no model, no
    classifier or cannot give what is needed, each in one line.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, about what a user cannot change here
        if isinstance(model, str | Path):
            loaded_already = {} if kept is None else kept
            if (text := str(model)) not in loaded_already:
                loaded_already[text] = _by_name(text, how, device)
            found = loaded_already[text]
        elif isinstance(model, nn.Module):
            found = _in_memory(_inside(model), how, device, pixels)
        else:
            raise InputError(
                f"model: {type(model).__name__}; expected a torch.nn.Module, or text: torchvision/<name>, timm/<name>, "
                "or the path of a file of weights"
            )
        found = found._replace(name=name or found.name)
        if how.features is not None:
            found = found._replace(network=_with_features(cast(nn.Module, found.network), how.features, device))
        x = conversion.images(getattr(found.network, "input_size", 0) or pixels).to(device)
        conversion.probe(cast(nn.Module, found.network), x, found.classes, found.name)
        if "features" in needs:
            _check_features(found, x)
    return found


def _by_name(text: str, how: How, device: torch.device) -> Given:
    """Return the model that a text names."""
    path = Path(text).expanduser()
    library, slash, rest = text.partition("/")
    if slash and library == "zoo" and not path.is_file():
        return _of_zoo(rest, how, device)
    facts = sources.listed().get(library)
    if slash and facts is not None and facts.own and facts.pretrained and not path.is_file():
        if how.architecture is not None:
            raise InputError(f"architecture: {how.architecture}, but {text} says it; leave it out")
        module = importlib.import_module(f"tradeoffs.models.sources.{library}")
        known, _, pretrained = rest.partition(".")
        if not pretrained and not hasattr(module, "usual"):
            raise InputError(f"model: {text!r}; name the weights too, as {library}/<name>.<weights>")
        pretrained = pretrained or module.usual(known)
        how = how._replace(architecture=known)
        return _converted(library, how, None, device, f"{library}/{known}.{pretrained}", pretrained)
    if not path.is_file() and re.fullmatch(r".+:\w+", text):
        if not how.trust:
            raise InputError(f"model: {text!r} is code; if you trust it, say trust (trust=True, --trust)")
        return _converted("python", how, None, device, text, None)
    if not path.is_file():
        raise InputError(
            f"model: {text!r}; no such file, and no name of a network: expected torchvision/<name>, timm/<name>, zoo/"
            "<name>, the path of a file of weights, or a function that makes the network (file.py:function)"
        )
    formats.refuse(path)
    if formats.is_script(path):
        if not how.trust:
            raise InputError(
                f"{path}: a TorchScript file is code, which runs when it is loaded and used; if you trust it, say "
                "trust (trust=True, --trust)"
            )
        if how.architecture is not None:
            raise InputError(f"architecture: {how.architecture}, but {path} is TorchScript and brings its own")
        return _converted("torchscript", how, path, device, path.stem, None)
    if how.architecture is not None and how.architecture.startswith("open_clip/"):
        named = how._replace(architecture=how.architecture.removeprefix("open_clip/"))
        return _converted("open_clip", named, path, device, path.stem, None)
    return _converted("state_dict", _as_its_card_says(path, how), path, device, path.stem, None)


def _of_zoo(name: str, how: How, device: torch.device) -> Given:
    """Return a published model of the zoo, whose entry says all of it."""
    if said := [key for key in _OF_ENTRY if getattr(how, key) is not None]:
        raise InputError(f"{', '.join(said)}: given beside zoo/{name}, whose entry says that; leave it out")
    entry = zoo.find(name)
    file = zoo_file.at_hand(entry)
    found = convert.convert("zoo", of_zoo.Settings(entry.name, CLASSES), file)
    built = loaded(found.tensors, file, found.architecture, CLASSES, device)
    origin = {"name": "zoo", "file": file.name, "sha256": sha256(file)}
    content = {"weights": _weights(found.tensors), "source": origin | found.source} | found.content
    return Given(built, f"zoo/{entry.name}", found.architecture, CLASSES, content)


def _as_its_card_says(path: Path, how: How) -> How:
    """Return what is said of weights, completed from the card beside them where the workflow made both."""
    _, of_weights = check(path, ours=False)
    card = read_json(of_weights) if of_weights else {}
    if card.get("unavailable"):
        raise InputError(f"{path}: these weights could not be had ({card['unavailable']})")
    architecture = how.architecture or card.get("architecture") or card.get("spec", {}).get("architecture")
    if architecture is None:
        raise InputError(
            f"{path}: holds tensors alone; say of which network by architecture, as resnet50, torchvision/vit_b_16 or "
            "timm/<name>"
        )
    return how._replace(architecture=architecture, classes=how.classes or card.get("classes"))


def _converted(
    source: str, how: How, file: Path | None, device: torch.device, name: str, pretrained: str | None
) -> Given:
    classes = how.classes or CLASSES
    settings = _settings(how, classes)._replace(name=how.architecture, pretrained=pretrained, weights=how.weights)
    if sources.find(source).factory:
        settings = settings._replace(factory=name)
    found = convert.convert(source, settings, file)
    built = loaded(found.tensors, file or Path(name), found.architecture, classes, device)
    origin = {"name": source, "file": file.name if file else None, "sha256": sha256(file) if file else None}
    content: dict[str, Any] = {"weights": _weights(found.tensors), "source": origin | found.source}
    if sources.find(source).code:
        content["confined"] = False
    return Given(built, name, found.architecture, classes, content)


def _settings(how: How, classes: int) -> conversion.Settings:
    """Return what was said as a conversion takes it; InputError for what is no number."""
    for key in ("input_size", "classes"):
        value = getattr(how, key)
        if value is not None and (type(value) is not int or value < 1):
            raise InputError(f"{key}: {value!r}; expected a whole number from 1")
    mean, std = _channels("mean", how.mean), _channels("std", how.std)
    return conversion.Settings(classes, mean=mean, std=std, input_size=how.input_size)


def _channels(key: str, values: Any) -> list[float] | None:
    """Return values as plain numbers, whether they came as a list, an array or a tensor."""
    try:
        return None if values is None else [float(value) for value in values]
    except (TypeError, ValueError):
        raise InputError(f"{key}: {values!r}; expected three numbers, one for each channel") from None


def _inside(model: nn.Module) -> nn.Module:
    """Return the module that torch.compile or data parallelism was put around."""
    while True:
        if isinstance(compiled := getattr(model, "_orig_mod", None), nn.Module):
            model = compiled
        elif isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        else:
            return model


def _in_memory(model: nn.Module, how: How, device: torch.device, pixels: int) -> Given:
    """Return a copy of a module, which normalises by mean and std: the identity where none are given."""
    kind = str(getattr(model, "original_name", type(model).__name__))
    for key in ("architecture", "weights"):
        if getattr(how, key) is not None:
            raise InputError(f"{key}: {getattr(how, key)}, but {kind} is given as a module; leave it out")
    if (how.mean is None) != (how.std is None):
        raise InputError(f"mean, std: one of them is given for {kind}; expected both, or none: it normalises by itself")
    identity = conversion.Preprocessing([0.0] * 3, [1.0] * 3, 0)
    preprocessing = conversion.chosen(_settings(how, CLASSES), identity, kind)
    architecture = f"{type(model).__module__}.{type(model).__qualname__}"
    built: nn.Module
    if isinstance(model, torch.jit.ScriptModule):
        architecture = "torchscript"
        written = io.BytesIO()
        torch.jit.save(model, written)
        built = scripted.unpack(scripted.pack(written.getvalue(), *preprocessing), Path(kind))
    else:
        copied = _copied(model, kind)
        ours = isinstance(copied, Wrapped | SmallResNet)
        if ours and (how.mean, how.input_size) != (None, None):
            raise InputError(f"mean, std, input_size: {kind} brings its own normalisation; leave them out")
        built = copied if ours else Wrapped(copied, None, *preprocessing)
        built = built.to(memory_format=torch.channels_last)
    built.to(device).eval().requires_grad_(False)
    with torch.no_grad():
        x = conversion.images(preprocessing.input_size or pixels).to(device)
        try:
            classes = conversion.output(built, x, how.classes, kind).shape[1]
        except InputError:
            if not isinstance(built, Wrapped):
                raise
            built = built.to(memory_format=torch.contiguous_format)
            built.plain = True  # its code may rely on how images lie in memory; if not, it fails again
            classes = conversion.output(built, x, how.classes, kind).shape[1]
    if isinstance(built, Wrapped) and built.classifier is None and architecture != "torchscript":
        built = _with_features(built, tapped.last_linear(classes), device)
    content = {"weights": _weights(model.state_dict()), "source": {"name": "in memory"}}
    content["preprocessing"] = preprocessing._asdict()
    return Given(cast(Network, built), kind, architecture, classes, content)


def _with_features(network: nn.Module, features: object, device: torch.device) -> Any:
    """Return a network with features of another kind; where it has none, that what is inside is asked for them."""
    take = tapped.named(features) if isinstance(features, str) else features
    if not callable(take):
        raise InputError(f"features: {take!r}; expected the name of a layer, or a function(network, images)")
    if isinstance(network, Wrapped) and network.classifier is None:
        mean, std = (values.flatten().tolist() for values in (network.mean, network.std))
        tap = tapped.Tapped(network.backbone, take, mean, std, network.input_size, network.plain)
    else:
        tap = tapped.Tapped(network, take, [0.0] * 3, [1.0] * 3)
    return tap.to(device).eval().requires_grad_(False)


def _copied(model: nn.Module, kind: str) -> nn.Module:
    tensors = [*model.parameters(), *model.buffers()]
    if any(tensor.is_meta for tensor in tensors):
        raise InputError(f"{kind}: its weights are on the device meta, which holds no values; load them first")
    if len({tensor.device for tensor in tensors}) > 1:
        raise InputError(f"{kind}: its weights are on several devices; put them on one: model.to(device)")
    try:
        copied: nn.Module = copy.deepcopy(model).float()
        copied.zero_grad(set_to_none=True)
        return copied
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{kind}: cannot be copied ({reason}), and what is yours is not worked on; give a file of its weights"
        ) from None


def _check_features(found: Given, x: Tensor) -> None:
    """Raise InputError where the network shows no features [n, d] of images."""
    try:
        with torch.no_grad():
            features = found.network.features(x)
    except InputError as error:
        raise InputError(f"{found.name}: {error}") from None
    except Exception as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(
            f"{found.name}: its features fail on images of {x.shape[-1]} px ({reason}); correct them"
        ) from None
    shape = list(features.shape) if isinstance(features, Tensor) else type(features).__name__
    if not isinstance(features, Tensor) or features.dim() != 2 or len(features) != len(x):
        raise InputError(
            f"{found.name}: its features are {shape}; expected [{len(x)}, d], one row for each image; give features=, "
            "another layer or a function(network, images)"
        )
    if not features.is_floating_point() or not features.isfinite().all():
        raise InputError(f"{found.name}: its features are not finite numbers; its weights are damaged")


def _weights(tensors: Any) -> dict[str, str]:
    """Return what the card says of weights: a SHA-256 (hex) over the names, types, shapes and values of the tensors."""
    total = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        if isinstance(tensor, Tensor) and tensor.layout == torch.strided and not tensor.is_quantized:
            plain = tensor.detach().cpu().contiguous()
            total.update(f"{name} {plain.dtype} {list(plain.shape)}\n".encode())
            total.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return {"sha256": total.hexdigest(), "checked": "not: of the tensors in memory"}
