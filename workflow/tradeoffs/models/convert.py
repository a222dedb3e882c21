"""Make weights of this workflow from a model of another source: published, or the user's own.

    tradeoffs convert torchvision --spec '{"name": "resnet50", "classes": 1000, "pretrained": "IMAGENET1K_V1"}' \
        --weights w.pt --card card.json

The sources are the modules of :mod:`tradeoffs.models.sources`; the weights are a plain state_dict whatever the source.
"""

import importlib
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor

from tradeoffs.models import confinement, sources
from tradeoffs.models.conversion import Converted
from tradeoffs.models.unavailable import UnavailableError
from tradeoffs.step.cards import check
from tradeoffs.step.command import Step, Written, options_of
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import sha256, write_whole
from tradeoffs.step.ranges import Range

CLASSES = Range(1, 10**6, whole=True)


def step(source: str) -> Step:
    """Return the step of a source; InputError for an unknown one."""
    sources.find(source)
    module = importlib.import_module(f"tradeoffs.models.sources.{source}")
    title = (module.__doc__ or "").split("\n")[0]
    return Step(title, module.Settings, options_of(run), partial(run, source), (__name__, module.__name__))


def run(
    source: str,
    settings: Any,
    *,
    checkpoint: Annotated[Path | None, "weights file, where pretrained is null"] = None,
    weights: Annotated[Path, "state_dict to write"],
    card: Annotated[Path, "JSON card to write"],
) -> Written:
    """Write the weights of a model of the source.

    Where published weights cannot be fetched and are not ``required``, the file holds no tensor, and its card says
    under ``unavailable`` why: what is made from it says so too.
    """
    facts = sources.find(source)
    if not CLASSES.holds(settings.classes):
        raise InputError(f"--spec: classes = {settings.classes}; expected {CLASSES}")
    content = check(checkpoint, ours=not facts.own)[0] if checkpoint else None
    if content and (getattr(settings, "sha256", None) or content).lower() != content:
        raise InputError(
            f"{checkpoint}: its SHA-256 is {content}; expected {settings.sha256} (sha256): get the file again, or "
            "correct that"
        )
    foreign = facts.code and not facts.factory  # a factory is the user's own
    remarks = {"confined": confinement.confine(weights.parent, card.parent)} if foreign else {}
    try:
        found = convert(source, settings, checkpoint)
    except UnavailableError as error:
        if getattr(settings, "required", True):
            raise
        why = f"{error.reason}; to try again, delete {card} and run again"
        print(f"left out: {why}")
        found = Converted({}, sources.architecture(source, settings.name), {}, {"unavailable": why})
    write(found.tensors, weights)
    origin = {"name": source, "file": checkpoint.name if checkpoint else None, "sha256": content}
    return Written(
        "model",
        [weights],
        {
            "classes": settings.classes,
            "weights_sha256": sha256(weights),
            "architecture": found.architecture,
            "features": "classifier.weight" in found.tensors or "fc.weight" in found.tensors,
            "source": origin | found.source,
        }
        | found.content
        | remarks,
    )


def write(tensors: dict[str, Tensor], path: Path) -> None:
    """Write a state_dict, contiguous and on the CPU, so that it loads anywhere with ``weights_only=True``."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, lambda buffer: torch.save(plain, buffer))


def convert(source: str, settings: Any, checkpoint: Path | None) -> Converted:
    """Return the model of a source; InputError, naming the file or the key, as the sources' ``read``.

    And for settings that do not go with the source: no name, published weights and a checkpoint or neither of them.
    """
    facts = sources.find(source)
    if facts.own:
        sources.architecture(source, settings.name)
        if facts.factory != (settings.factory is not None):
            raise InputError(
                f"factory: {settings.factory!r}; source {source} "
                + ("needs a Python function, file.py:function" if facts.factory else "has none, use null")
            )
        given = (checkpoint is not None) + (settings.pretrained is not None)
        if given > 1 or (given == 0 and not facts.factory):
            raise InputError(
                "pretrained: give either the name of published weights or a --checkpoint file, one of the two"
            )
        if settings.pretrained is not None and not facts.pretrained:
            raise InputError(
                f"pretrained: {settings.pretrained!r} has no meaning for source {source}; give a --checkpoint file"
            )
        for name, meant in {"arguments": facts.factory, "prompts": source == "open_clip"}.items():
            if getattr(settings, name) is not None and not meant:
                raise InputError(f"{name}: given, and source {source} has no use for them; use null")
        if settings.weights is not None and (checkpoint is None or (facts.code and not facts.factory)):
            raise InputError(
                f"weights: {settings.weights}, but only a file of tensors may hold more than one set of them; use null"
            )
    elif checkpoint is None:
        raise InputError(f"source {source} needs a --checkpoint file; give one")
    found: Converted = importlib.import_module(f"tradeoffs.models.sources.{source}").read(settings, checkpoint)
    return found
