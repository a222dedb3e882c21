"""A training between two steps: what it consists of, how it starts, what is kept of it and taken up again."""

import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tradeoffs.models.networks import build
from tradeoffs.training.checkpoint import Checkpoint, State
from tradeoffs.training.data import Source
from tradeoffs.training.processes import Group, share_batch_statistics
from tradeoffs.training.settings import Settings
from tradeoffs.training.soundness import Row, first_monitored

_MEASURED = {"epoch", "loss", "train_accuracy", "validation_accuracy"}
_UNDER_ATTACK = {"validation_adversarial_accuracy", "validation_training_attack_accuracy"}


class Run(NamedTuple):
    """What a training consists of while it runs."""

    settings: Settings
    network: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    history: list[Row]
    checkpoint: Checkpoint
    asked_to_stop: Callable[[], bool]
    group: Group


def start(
    settings: Settings,
    training: Source,
    device: torch.device,
    checkpoint: Checkpoint,
    asked_to_stop: Callable[[], bool],
    group: Group,
    initial: State | None = None,
) -> Run:
    """Return a training before its first step, its network drawn from the seed, or with the ``initial`` weights."""
    torch.manual_seed(settings.seed)
    built = build(settings.architecture, training.classes)
    if initial is not None:
        built.load_state_dict(initial)
    network = share_batch_statistics(built.to(device), group, device)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        nesterov=settings.momentum > 0,  # torch has none of momentum 0, which is plain gradient descent
        foreach=True,  # the same numbers sooner, on a processor too
    )
    return Run(settings, network, optimizer, torch.Generator(device), [], checkpoint, asked_to_stop, group)


def keep(run: Run, within_epoch: State | None = None) -> None:
    """Write the checkpoint: all that the rest of the training depends on. Every process holds the same; one writes.

    ``within_epoch``: the steps done in it and their totals, loss, correct, and 0, float [3].
    """
    if run.group.rank == 0:
        run.checkpoint.keep(kept(run) | (within_epoch or {}))


def kept(run: Run) -> State:
    """Return what is kept between two epochs."""
    device = run.generator.device
    return {
        "device": device.type,
        "network": run.network.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "history": run.history,
        "generator": run.generator.get_state(),
        "dropout": torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state(),
    }


def restore(run: Run, state: State, steps: int) -> None:
    """Take up what :func:`keep` wrote in a training of ``steps`` an epoch.

    Raises, whatever is wrong, where the state is not of the form that this run would write: ``run`` is then not to be
    used any more.
    """
    form, optimizer, history = kept(run), state["optimizer"], state["history"]
    for name in ("network", "generator", "dropout"):
        check_form(state[name], form[name], name)
    weights = dict(enumerate(run.network.parameters()))
    for number, buffers in optimizer["state"].items():
        check_form(buffers, {"momentum_buffer": weights[number]}, f"optimizer: {number}")
    for group, own in zip(optimizer["param_groups"], form["optimizer"]["param_groups"], strict=True):
        if group | {"lr": 0} != own | {"lr": 0}:
            raise ValueError("optimizer: other settings than this training's")
    for number, row in enumerate(history, start=1):
        monitored = number > first_monitored(run.settings)
        names = _MEASURED | _UNDER_ATTACK if monitored else _MEASURED
        if row.keys() != names or row["epoch"] != number or not all(map(math.isfinite, row.values())):
            raise ValueError(f"history: no measurements of epoch {number}")
    has_moved = bool(optimizer["state"]) or not run.settings.momentum  # without momentum nothing is kept
    if len(history) + ("step" in state) not in range(1, run.settings.epochs + 1) or not has_moved:
        raise ValueError("history: not of this training")
    if "step" in state:
        check_form(state["totals"], torch.zeros(3), "totals")
        if state["step"] not in range(1, steps + 1):
            raise ValueError(f"step: {state['step']!r} of {steps}")
        run.generator.set_state(state["generator"])
    run.network.load_state_dict(state["network"])
    run.optimizer.load_state_dict(optimizer)
    if run.generator.device.type == "cuda":
        torch.cuda.set_rng_state(state["dropout"], run.generator.device)
    else:
        torch.set_rng_state(state["dropout"])
    run.history.extend(history)
    where = f"epoch {len(history) + 1}" + (f", after step {state['step']}" if "step" in state else "")
    print(f"{run.checkpoint.path}: resuming in {where}", file=sys.stderr)


def check_form(found: Any, expected: Any, name: str) -> None:
    """Raise ValueError where tensors, or dicts of them, differ in names, shapes or types."""
    if isinstance(expected, dict):
        if found.keys() != expected.keys():
            raise ValueError(f"{name}: other tensors than this training's")
        for key in expected:
            check_form(found[key], expected[key], f"{name}: {key}")
    elif not isinstance(found, Tensor) or (found.shape, found.dtype) != (expected.shape, expected.dtype):
        raise ValueError(f"{name}: not a tensor of shape {list(expected.shape)}, {expected.dtype}")
