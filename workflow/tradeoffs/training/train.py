"""Train one model: standard, adversarially (by PGD or TRADES) or on noise, from a folder in ImageNet's layout.

    tradeoffs train --spec '{"architecture": "basic", "norm": "linf", "epsilon": 0.0157, ...}' \
        --data resources/miniature/default/imagenet --weights weights.pt --card card.json

Writes a plain state_dict (loadable with ``weights_only=True``) and a card with the learning curve. With
``--checkpoint`` the state is kept every few minutes, after every epoch and on SIGTERM, and a killed run continues from
it to the same weights, bit for bit on one machine with the same threads. ``--processes 2`` trains in two processes,
each on a GPU of its own where there are any; so does torchrun.

It begins with weights drawn from the seed, or, with ``--start``, with those of another model (fine-tuning).

A training that diverges or overfits catastrophically ends with one line and writes nothing.
"""

import hashlib
import json
import sys
from math import inf
from pathlib import Path
from typing import Annotated, Any

import torch

from tradeoffs.attacks.pgd import NORMS
from tradeoffs.compute import memory, processor
from tradeoffs.compute.batching import workers
from tradeoffs.compute.device import choose_device
from tradeoffs.compute.members import world_size
from tradeoffs.compute.precision import PRECISIONS
from tradeoffs.data.names import check_same_classes
from tradeoffs.models.networks import load
from tradeoffs.step import ranges
from tradeoffs.step.cards import check, digests
from tradeoffs.step.code_id import code_id
from tradeoffs.step.command import Written
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import may_be_written, read_json
from tradeoffs.step.ranges import COUNT, SEED, Range
from tradeoffs.training import launcher
from tradeoffs.training.checkpoint import Checkpoint, State, on_sigterm, save
from tradeoffs.training.data import Source, open_source, read_split
from tradeoffs.training.loop import SCHEDULES, StoppedError, train
from tradeoffs.training.objectives import OBJECTIVES
from tradeoffs.training.processes import LOST, STOPPED, LostError, join, leave, see_one_gpu, together
from tradeoffs.training.settings import Settings
from tradeoffs.training.soundness import convergence, first_monitored, warnings

RANGES = {
    **dict.fromkeys(("epochs", "batch_size", "images"), COUNT),
    # As in the schema of the config: beyond, numbers overflow, and another setting would be blamed.
    **dict.fromkeys(("learning_rate", "attack_step_size"), Range(0, 100, above=True)),
    "weight_decay": Range(0, 10),
    "trades_beta": Range(0, 1000),
    "attack_steps": Range(1, 1000, whole=True),
    "monitor_images": Range(1, 10**6, whole=True),
    "image_size": Range(1, 4096, whole=True),
    "epsilon": Range(0),  # its most is that of its norm
    "momentum": Range(0, 1, below=True),
    "attack_warm_up": Range(0, 1),
    "seed": SEED,
}
"""What the numbers of a training may be."""
LARGEST = {"l1": 1e6, "l2": 1000.0}
"""Of budgets in pixel units, as in the benchmark of attacks; that of linf is 1."""
MINUTES = Range(0)  # between checkpoints


def sources(settings: Settings, data: Path, device: torch.device) -> tuple[Source, Source]:
    """Return the training and validation images that are asked for; InputError where the data cannot give them."""
    common: dict[str, Any] = {"image_size": settings.image_size, "seed": settings.seed}
    common |= {"device": device, "workers": workers()}
    check_same_classes(data, "train", "val")
    training = read_split(data, "train", settings.images)
    if training.classes < 2:
        raise InputError(f"{data / 'train'}: holds one class; expected two or more to tell apart")
    validation = read_split(data, "val", None)
    return (
        open_source(training, augmentation=settings.augmentation, **common),
        open_source(validation, augmentation="none", **common),
    )


def run(
    settings: Settings,
    *,
    data: Annotated[Path, "folder with train/ and val/ in ImageNet's layout"],
    weights: Annotated[Path, "state_dict to write"],
    card: Annotated[Path, "JSON card to write"],
    checkpoint: Annotated[Path | None, "file to keep the state in and resume from; removed when complete"] = None,
    checkpoint_minutes: Annotated[float, "minutes between checkpoints"] = 10.0,
    processes: Annotated[int, "processes to train in, one GPU each"] = 1,
    start: Annotated[Path | None, "weights of the same architecture to begin with, in place of random ones"] = None,
) -> Written:
    """Train in this process, alone or with the others that the environment names, or start those others.

    The program ends here where this process is not the one that writes the card. InputError for settings and data that
    give no sound model.
    """
    if settings.schedule not in SCHEDULES:
        raise InputError(f"--spec: schedule = {settings.schedule!r}; choose one of {', '.join(SCHEDULES)}")
    if settings.objective not in OBJECTIVES:
        raise InputError(f"--spec: objective = {settings.objective!r}; choose one of {', '.join(OBJECTIVES)}")
    if settings.precision not in PRECISIONS:
        raise InputError(f"--spec: precision = {settings.precision!r}; choose one of {', '.join(PRECISIONS)}")
    ranges.check(settings, RANGES)
    if settings.norm not in ("none", *NORMS):
        raise InputError(f"--spec: norm = {settings.norm!r}; expected one of none, {', '.join(NORMS)}")
    if settings.norm != "none" and not settings.epsilon > 0:
        raise InputError(
            f"--spec: epsilon = {settings.epsilon} with norm {settings.norm}; expected a budget of more than 0, or "
            "norm none"
        )
    if settings.norm == "linf" and settings.epsilon > 1:
        raise InputError(
            f"--spec: epsilon = {settings.epsilon:g} with norm linf; expected a budget in pixel values of [0, 1], "
            f"{settings.epsilon / 255:.4g} if it is one in 1/255"
        )
    if settings.epsilon > (most := LARGEST.get(settings.norm, inf)):
        raise InputError(
            f"--spec: epsilon = {settings.epsilon:g} with norm {settings.norm}; expected a number up to {most:g}"
        )
    if not COUNT.holds(processes):
        raise InputError(f"--processes {processes}; expected {COUNT}")
    if not MINUTES.holds(checkpoint_minutes):
        raise InputError(f"--checkpoint-minutes {checkpoint_minutes}; expected {MINUTES}")
    may_be_written(weights)  # as the command has asked of the card
    if checkpoint is not None:
        may_be_written(checkpoint)
    if processes > 1 and not launcher.is_member():
        options = {"data": data, "weights": weights, "card": card, "checkpoint": checkpoint, "start": start}
        given = {name: str(path) for name, path in options.items() if path is not None}
        given["checkpoint-minutes"] = str(checkpoint_minutes)
        raise SystemExit(launcher.launch(processes, json.dumps(settings._asdict()), given))
    cure = (
        f"with {settings.batch_size} images in {world_size()} process(es); lower batch_size, or "
        "train on several GPUs (gpus_per_training in the config, --processes here)"
    )
    try:
        with memory.or_say(cure), together():
            return _trained(settings, data, weights, checkpoint, checkpoint_minutes, start)
    except LostError as lost:
        print(f"another process of this training has ended ({lost})", file=sys.stderr)
        raise SystemExit(LOST) from None


def _trained(
    settings: Settings, data: Path, weights: Path, kept: Path | None, minutes: float, begun: Path | None
) -> Written:
    see_one_gpu()
    device = choose_device()
    if device.type == "cpu" and (slow := processor.slow_bfloat16(settings.precision)):
        print(slow, file=sys.stderr)
    group = join(device)
    check(data / "fingerprint.json")
    fingerprint = read_json(data / "fingerprint.json")["fingerprint"]
    checkpoint = Checkpoint(kept, key(settings, fingerprint, begun), minutes)
    training, validation = sources(settings, data, device)
    initial = None if begun is None else _weights(begun, settings, training.classes)
    of_start = None if begun is None else digests(begun)[begun.name]  # now: in the end another file may lie there
    with on_sigterm() as asked_to_stop:
        try:
            network, history = train(
                settings,
                training,
                validation,
                device,
                checkpoint=checkpoint,
                asked_to_stop=asked_to_stop,
                group=group,
                initial=initial,
            )
        except StoppedError as stop:
            where = f"{kept} holds it: the same command goes on" if kept else "nothing was kept"
            print(f"stopped by SIGTERM {stop}; {where}", file=sys.stderr)
            raise SystemExit(STOPPED) from None
    leave(group)
    if group.rank > 0:
        raise SystemExit(0)
    full = 0 if settings.norm == "none" else first_monitored(settings)
    state = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    save(state, weights)
    content = {
        "processes": group.size,
        "threads": torch.get_num_threads(),
        "classes": training.classes,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "weights_sha256": digests(weights)[weights.name],
        "history": history,
        "convergence": convergence(history, training.classes, full),
        "start_sha256": of_start,
        "warnings": warnings(history, training.classes, validation.size),
    }
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return Written("model", [weights], content, {"imagenet": fingerprint}, name, obsolete=[kept] if kept else [])


def _weights(path: Path, settings: Settings, classes: int) -> State:
    """Read the weights to begin with; InputError for others than those of this architecture and number of classes."""
    network = load(path, settings.architecture, classes, torch.device("cpu"))
    assert isinstance(network, torch.nn.Module)
    return network.state_dict()


def key(settings: Settings, fingerprint: str, begun: Path | None) -> str:
    """Name the run that a checkpoint belongs to: its settings, code, data and the weights that it began with."""
    named = [settings._asdict(), code_id("tradeoffs.training.train"), fingerprint]
    named += [digests(begun)[begun.name]] if begun is not None else []
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()
