"""Put any model through a benchmark, in one call: the code that the workflow runs, and so its numbers."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tradeoffs.api import defaults, folders, given
from tradeoffs.api.alone import alone
from tradeoffs.api.described import Given, How, check_kinds_of
from tradeoffs.api.kinds import check_kinds, writable
from tradeoffs.api.result import Result
from tradeoffs.benchmarks.evaluate import CURE, code, device_name, find, found, measured, write_outcomes
from tradeoffs.compute import bars, memory
from tradeoffs.step.cards import digests, made
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import refusals
from tradeoffs.step.files import write_json


def evaluate(
    model: nn.Module | str | Path,
    benchmark: str,
    data: folders.Places,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    input_size: int | None = None,
    classes: int | None = None,
    architecture: str | None = None,
    weights: str | None = None,
    features: str | Callable[[nn.Module, Tensor], Tensor] | None = None,
    trust: bool = False,
    name: str | None = None,
    study: str = "imagenet",
    settings: Mapping[str, Any] | None = None,
    device: str | torch.device | None = None,
    out: str | Path | None = None,
    progress: bool = True,
) -> Result:
    """Return what a benchmark measures of a model.

    ``model``: a module that maps images [n, 3, h, w] to logits [n, classes]; or ``torchvision/<name>`` or
    ``timm/<name>``, to which ``.<weights>`` may be added (without: those that the library takes),
    ``open_clip/<name>.<weights>``, or ``zoo/<name>``; or the path of a file of weights, or of TorchScript, which is
    code and needs ``trust``. A module is copied and stays as it is: its mode, device, gradients.

    ``data``: the folder of the data set, or ``{name: folder}`` where the benchmark reads several: published folders as
    they are, or folders of the workflow. Nothing is written there.

    Of the model:

    * ``mean``, ``std``: per channel, of pixels in [0, 1]; a module without them is shown pixels in [0, 1]. A file of
      tensors needs them, unless it brings them along.
    * ``input_size``: pixels of a network of a fixed size; images are resized to it inside the network.
    * ``classes``: their number; without: what a module's output has, 1000 for what is loaded.
    * ``architecture``: of the network in a file of tensors: ``resnet50``, ``torchvision/<name>``, ``timm/<name>``.
    * ``weights``: ``ema`` or ``raw``, where a file has both.
    * ``features``: what a benchmark's linear head is fitted on, in place of the input of the last linear layer: the
      name of a layer whose output they are, or a function of the network and images (as it sees them) to [n, d].
    * ``name``: in the table.

    Of the benchmark: ``study``, whose settings are taken, ``imagenet`` (as published) or ``miniature``; ``settings``
    changes some of them, ``seed``, ``bootstrap`` and ``unreadable`` (fail, or skip) among them.

    ``device``: where the model is, if left out; what is loaded goes to a GPU if there is one. ``out``: a folder for
    ``<benchmark>.json``, the card, and ``<benchmark>.npz``, images and draws; without it nothing is written.
    ``progress``: whether bars are shown.

    Raises tradeoffs.InputError, in one line, for whatever does not fit.
    """
    how = check_kinds_of(How(mean, std, input_size, classes, architecture, weights, features, trust))
    changes = settings or {}
    return one(model, benchmark, data, how, name, study, changes, device, out, progress)


@refusals()
def one(
    model: object,
    benchmark: str,
    data: folders.Places,
    how: How,
    name: str | None,
    study: str,
    changes: Mapping[str, Any],
    device: object,
    out: str | Path | None,
    progress: bool,
    remarks: Mapping[str, Any] | None = None,
    kept: dict[str, Given] | None = None,
) -> Result:
    """As :func:`evaluate`; ``remarks`` are keys of the card.

    ``kept``: what a text that names this model was loaded as, if it was: for further benchmarks of it.
    """
    started = time.perf_counter()
    check_kinds(benchmark, changes, name, out)
    declared = find(benchmark)
    chosen = defaults.chosen(benchmark, study, changes)
    splits = chosen.get("domains", {"val": "val"}).values()
    where = given.place(model, device)
    title = declared.title if progress else None
    with folders.opened(benchmark, data, splits) as places, alone(where), bars.shown(title):
        roots = {name: place.root for name, place in places.items()}
        with memory.or_say(CURE):
            taken = given.network(model, how, defaults.pixels(study, chosen), where, name, declared.needs, kept)
        told = defaults.of_model(
            benchmark, chosen, model=taken.name, architecture=taken.architecture, classes=taken.classes
        )
        into = None if out is None else writable(out)  # before hours are spent
        result = measured(benchmark, taken.network, told, roots, where)
    files = {}
    if into is not None:
        outcomes = into / f"{benchmark}.npz"
        write_outcomes(result, outcomes)
        files = digests(outcomes)
    card = made(
        kind="evaluation",
        spec=asdict(told),
        code=code_id(*code(benchmark)),
        data={name: place.fingerprint for name, place in places.items()},
        started=started,
        device=device_name(where),
        files=files,
        benchmark=benchmark,
        model=taken.name,
        **taken.content | found(result, roots) | dict(remarks or {}),
    )
    if into is not None:
        write_json(outcomes.with_suffix(".json"), card)
    return Result(card, result.outcomes, result.draws)
