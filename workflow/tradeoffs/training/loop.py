"""The training loop: epochs of steps, each an attack and an update, interruptible after any step."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from tqdm import tqdm

from tradeoffs.compute.memory import is_out_of_memory
from tradeoffs.compute.precision import autocast
from tradeoffs.training.attack import perturb
from tradeoffs.training.checkpoint import Checkpoint, State
from tradeoffs.training.data import Source
from tradeoffs.training.monitoring import evaluate, monitor
from tradeoffs.training.objectives import summed_loss
from tradeoffs.training.processes import ALONE, Group, add_up, share
from tradeoffs.training.run import Run, keep, restore, start
from tradeoffs.training.settings import Settings
from tradeoffs.training.smallest_batch import check_smallest_batch
from tradeoffs.training.soundness import Row, check_loss, check_overfitting, check_weights, first_monitored

_LOOK = 16  # steps between two looks at what only the device, or only another process, knows


class StoppedError(Exception):
    """The training was asked to stop and has; the message says where."""


def train(
    settings: Settings,
    training: Source,
    validation: Source,
    device: torch.device,
    *,
    checkpoint: Checkpoint | None = None,
    asked_to_stop: Callable[[], bool] = lambda: False,
    group: Group = ALONE,
    initial: State | None = None,
) -> tuple[nn.Module, list[Row]]:
    """Train from scratch, or from where ``checkpoint`` was left; return the network and the learning curve.

    ``initial``: weights of the same architecture to begin with, in place of those that are drawn from the seed.

    Raises InputError where the result would not be sound (:mod:`tradeoffs.training.soundness`), with the epoch, and
    StoppedError once it has kept its state after ``asked_to_stop()``.
    """
    check_smallest_batch(settings, training, group)
    checkpoint = checkpoint or Checkpoint(None, "", 0)
    run = start(settings, training, device, checkpoint, asked_to_stop, group, initial)
    state = checkpoint.resume(device)
    if state is not None:
        try:
            restore(run, state, steps=-(-training.size // settings.batch_size))
        except Exception as error:
            if is_out_of_memory(error):
                raise
            checkpoint.refuse(f"malformed checkpoint ({type(error).__name__}: {error})")
            state, run = None, start(settings, training, device, checkpoint, asked_to_stop, group, initial)
    network = run.network
    for epoch in range(len(run.history), settings.epochs):
        row = {"epoch": float(epoch + 1)} | train_one_epoch(run, training, epoch, state)
        state = None
        check_weights(network, epoch, settings)
        followed = None if epoch + 1 == settings.epochs else settings.monitor_images
        row["validation_accuracy"] = evaluate(network, validation, settings.batch_size, group, followed)
        if epoch >= first_monitored(settings):
            row |= monitor(network, validation, settings, run.generator, group)
        run.history.append(row)
        check_overfitting(run.history, min(validation.size, settings.monitor_images), settings)
        keep(run)
    return network, run.history


def train_one_epoch(run: Run, training: Source, epoch: int, state: State | None) -> Row:
    """One pass over the shuffled images, from where ``state`` was kept; return loss and accuracy on what was fed."""
    settings, device = run.settings, run.generator.device
    # A seed of its own for every epoch: the order of a resumed epoch needs no saved random state.
    run.generator.manual_seed(settings.seed * 10_000 + epoch)
    order = torch.randperm(training.size, generator=run.generator, device=device)
    parts = order.split(settings.batch_size)
    done, totals = 0, torch.zeros(3, device=device)  # loss, correct, asked to stop
    if state is not None and "step" in state:
        done, totals = state["step"], state["totals"].to(device)
        run.generator.set_state(state["generator"])
    batches = training.batches([share(part, run.group) for part in parts[done:]], epoch)
    earlier = [row["loss"] for row in run.history]
    label = f"epoch {epoch + 1}/{settings.epochs}"
    shown = tqdm(batches, label, len(parts), initial=done, mininterval=5, disable=run.group.rank > 0)
    for step, (inputs, targets) in enumerate(shown, start=done):
        progress = (epoch + step / len(parts)) / settings.epochs
        for group in run.optimizer.param_groups:
            group["lr"] = settings.learning_rate * SCHEDULES[settings.schedule](progress)
        totals += update(run, inputs, targets, len(parts[step]), budget(settings, progress))
        looking = (step + 1) % _LOOK == 0 or step + 1 == len(parts)
        if looking:
            check_loss([*earlier, totals[0].item() / training.size], training.classes, settings)
        # Alone, a process stops at once. Several must agree, so they ask each other, now and then.
        stopping = run.asked_to_stop() if run.group.size == 1 else looking and totals[2].item() > 0
        if stopping or run.checkpoint.due():
            keep(run, {"step": step + 1, "totals": totals * totals.new_tensor([1, 1, 0])})
        if stopping:
            raise StoppedError(f"in epoch {epoch + 1} of {settings.epochs}, after step {step + 1} of {len(parts)}")
    loss, correct, _ = totals.tolist()
    check_loss([*earlier, loss / training.size], training.classes, settings)
    return {"loss": loss / training.size, "train_accuracy": correct / training.size}


def update(run: Run, inputs: Tensor, targets: Tensor, images: int, epsilon: float) -> Tensor:
    """One step at the budget ``epsilon`` on this process's share of a batch of ``images``.

    Return summed loss, hits and wishes to stop.
    """
    settings, fed = run.settings._replace(epsilon=epsilon), inputs
    if settings.norm != "none":
        fed = perturb(run.network, inputs, targets, settings, run.generator, run.group, images)
    run.network.train()
    run.optimizer.zero_grad()
    with autocast(inputs.device, settings.precision):
        logits, summed = summed_loss(run.network, inputs, fed, targets, settings)
        loss = summed / images
    loss.backward()
    with torch.no_grad():
        hits = (logits.argmax(1) == targets).sum()
        measured = torch.stack([loss * images, hits, loss.new_full((), run.asked_to_stop())])
        gradients = [weight.grad for weight in run.network.parameters() if weight.grad is not None]
        add_up([*gradients, measured], run.group)
    run.optimizer.step()
    return measured


def budget(settings: Settings, progress: float) -> float:
    """Budget of the training attack at a share of the training: it grows linearly from 0 over the warm-up.

    Large budgets from the first step on keep a small network on the photographs for epochs (Gowal et al. 2018 and later
    work let the budget grow for the same reason).
    """
    if progress >= settings.attack_warm_up:
        return settings.epsilon
    return settings.epsilon * progress / settings.attack_warm_up


def one_cycle(progress: float) -> float:
    """Learning rate relative to its peak: linear warm-up over the first 15 %, then a cosine to 0 (Smith 2018)."""
    warm_up = 0.15
    if progress < warm_up:
        return progress / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def thirds(progress: float) -> float:
    """Learning rate relative to its peak: a tenth after each third of the training (He et al. 2016)."""
    return float(0.1 ** math.floor(3 * progress))


SCHEDULES: dict[str, Callable[[float], float]] = {"one_cycle": one_cycle, "step": thirds}
