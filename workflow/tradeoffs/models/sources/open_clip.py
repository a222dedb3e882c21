"""A network of open_clip (images and texts) as a zero-shot classifier of ImageNet's classes."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from torch import nn

from tradeoffs.models import choice, state_dict, tensor_file, zero_shot
from tradeoffs.models.conversion import Converted, Preprocessing, Settings, chosen, proven
from tradeoffs.models.unavailable import not_fetched
from tradeoffs.step.errors import InputError


def read(settings: Settings, checkpoint: Path | None) -> Converted:
    """Return the model; its card names the prompts, and the weights' origin.

    InputError for unknown names and weights, another number of classes than the library has names of, a prompt without
    a place for the class, a file that does not fit, and a download that fails.
    """
    name, open_clip = str(settings.name), zero_shot.import_open_clip()
    classes = list(open_clip.IMAGENET_CLASSNAMES)
    if settings.classes != len(classes):
        raise InputError(f"classes: {settings.classes}, but open_clip names {len(classes)}, those of ImageNet")
    prompts = settings.prompts or [template("{}") for template in open_clip.OPENAI_IMAGENET_TEMPLATES]
    for prompt in prompts:
        if prompt.count("{}") != 1 or prompt.count("{") != 1 or prompt.count("}") != 1:
            raise InputError(f"prompts: {prompt!r}; expected a text with one {{}} in the place of the class")
    published: Preprocessing | None = None
    weights: dict[str, Any] = {}
    if checkpoint is None:
        network = _fetched(name, str(settings.pretrained))
        published = _preprocessing(network)
    else:
        network = zero_shot.both_towers(name)
        content = state_dict.read(checkpoint)
        taken = choice.take(content, [choice.shapes(network)], settings.weights, checkpoint)
        settings, weights = tensor_file.fill(network, content, taken, settings, f"open_clip's {name}", checkpoint)
        settings = settings._replace(input_size=settings.input_size or _preprocessing(network).input_size)
    what = str(checkpoint) if checkpoint else f"{name} ({settings.pretrained})"
    preprocessing = chosen(settings, published, what)
    network = zero_shot.classifier(network, name, classes, prompts)
    tensors = proven(network, f"open_clip/{name}", settings.classes, preprocessing, what)
    said = {"prompts": list(prompts), "class_names": "those of open_clip", "open_clip": _version()}
    source = {"pretrained": settings.pretrained, "weights": weights, "zero_shot": said}
    return Converted(tensors, f"open_clip/{name}", source, {})


def _fetched(name: str, pretrained: str) -> nn.Module:
    """Return the network with the published weights of a tag, downloaded by open_clip."""
    open_clip = zero_shot.import_open_clip()
    zero_shot.check_name(name)
    known = open_clip.list_pretrained_tags_by_model(name)
    if pretrained not in known:
        there = ", ".join(known) or "none"
        raise InputError(f"pretrained: open_clip has no weights {pretrained!r} of {name}; it has {there}")
    # Weights that were trained with another activation than the name's would be used with the wrong one.
    of_weights, of_network = open_clip.get_pretrained_cfg(name, pretrained), open_clip.get_model_config(name)
    if of_weights.get("quick_gelu") and not of_network.get("quick_gelu"):
        raise InputError(f"name: the weights {pretrained} of {name} need QuickGELU; use the network {name}-quickgelu")
    try:
        return zero_shot.both_towers(name, pretrained=pretrained)
    except Exception as error:
        raise not_fetched(name, pretrained, error) from None


def _preprocessing(network: Any) -> Preprocessing:
    """Return what the library says of a network's images."""
    said = zero_shot.import_open_clip().get_model_preprocess_cfg(network)
    size = said["size"]
    return Preprocessing(list(said["mean"]), list(said["std"]), int(size if isinstance(size, int) else size[0]))


def _version() -> str | None:
    try:
        return version("open-clip-torch")
    except PackageNotFoundError:
        return None
