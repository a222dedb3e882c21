"""Rates as they are timed on this machine, for one job with the cores, or the GPU, that it would have."""

import math
import os
import sys
from collections.abc import Callable
from typing import NamedTuple

import torch

from tradeoffs.compute import precision, processor
from tradeoffs.compute.batching import attacked_together, workers
from tradeoffs.compute.device import choose_device
from tradeoffs.cost import networks, probe, throughput
from tradeoffs.cost.reason import first_line
from tradeoffs.cost.seconds import Basis, Machine, Rates
from tradeoffs.cost.table import shown
from tradeoffs.step.errors import InputError
from tradeoffs.study import plan
from tradeoffs.study.model import Config

_RULES = ("train", "evaluate")


def basis(config: Config, known: dict[str, networks.Facts], trained: set[str], classes: int, side: int) -> Basis:
    """Return the rates of the networks, those of trainings of ``trained`` ones, and the machine.

    A GPU is leased first, as by a step: this waits while others use it. What cannot be timed is named.
    """
    needs = plan.NEEDS[config["study"]]
    threads = {rule: min(workers(), needs[rule].cores) for rule in _RULES}
    try:
        device = choose_device() if plan.uses_gpu(config) else torch.device("cpu")
    except InputError as error:  # a GPU that torch cannot use, or that others have filled
        nothing = Machine(0.0, 0.0, 0.0, threads, False, 1.0, 0.0, side, 1)
        return Basis({}, nothing, [], [f"hours: {error}"], on_gpu=False)
    on_gpu = device.type == "cuda"
    before = torch.get_num_threads()
    try:
        rates, failed = _networks(config, known, trained, classes, side, device, threads)
        torch.set_num_threads(threads["evaluate"])
        around = _around(config, side, device)
    finally:
        torch.set_num_threads(before)
    together = attacked_together(side * side, device)
    machine = Machine(*around[:3], threads, on_gpu, *around[3:5], side, together, around.pace)
    at_once = 1 if on_gpu else max(1, workers() // threads["evaluate"])
    where = torch.cuda.get_device_name(device) if on_gpu else f"{threads['evaluate']} core(s)"
    said = [f"hours: of one job after the other on {where}; {at_once} at once here ({os.cpu_count()} cores)"]
    said += [_row(name, each, name in trained) for name, each in rates.items()]
    if trained and not on_gpu and (slow := processor.slow_bfloat16(config[config["study"]]["training"]["precision"])):
        said.append(slow)
    return Basis(rates, machine, said, failed + around.failed, on_gpu)


def _networks(
    config: Config,
    known: dict[str, networks.Facts],
    trained: set[str],
    classes: int,
    side: int,
    device: torch.device,
    threads: dict[str, int],
) -> tuple[dict[str, Rates], list[str]]:
    """Return the rates of each network that can be timed, and a line for what cannot."""
    rates: dict[str, Rates] = {}
    failed = []
    settings = config[config["study"]]["training"]
    for name in known:
        print(f"timing {name} ...", file=sys.stderr)
        try:
            with precision.decided(device):
                torch.set_num_threads(threads["evaluate"])
                rates[name] = probe.evaluation(name, classes, side, device)
        except Exception as error:  # out of memory, a layer that this machine does not have
            failed.append(f"hours of {name}, which could not be timed ({first_line(error)})")
            continue
        if name in trained:
            try:
                with precision.decided(device):
                    torch.set_num_threads(threads["train"])
                    update, attack = probe.training(name, classes, side, settings, device)
                rates[name] = rates[name]._replace(update=update, attack=attack)
            except Exception as error:  # likewise: what fits an evaluation may not fit a training
                failed.append(f"hours of trainings of {name}, which could not be timed ({first_line(error)})")
    return rates, failed


class _Around(NamedTuple):
    """As in :class:`Machine`, and a line for each that is not known and counts as nothing."""

    read: float
    draw: float
    make: float
    arithmetic: float
    logistic: float
    pace: float
    failed: list[str]


def _around(config: Config, side: int, device: torch.device) -> _Around:
    """Return what is timed beside networks."""
    failed: list[str] = []

    def timed(what: str, act: Callable[[], float]) -> float | None:
        try:
            return act()
        except Exception as error:  # a temporary folder, or a GPU, that is full
            failed.append(f"{what}, which could not be timed ({first_line(error)})")
            return None

    photograph = timed(
        "by how much this processor is slower than an AMD EPYC (Zen 5)", lambda: probe.reading(224, photographs=True)
    )
    decoding = "hours of decoding files"
    if config["study"] != "imagenet":
        read = timed(decoding, lambda: probe.reading(side, photographs=False))
    else:
        read = photograph if photograph is not None else timed(decoding, lambda: probe.reading(side, photographs=True))
    draw = timed("hours of drawing noise", lambda: probe.drawing(side))
    make = timed("hours of putting noise on images", lambda: probe.making(side, device))
    arithmetic = timed("hours of fitting linear heads", probe.arithmetic) or float("inf")
    logistic = timed("hours of fitting them to every draw", probe.logistic) or 0.0
    pace = 1.0 if photograph is None else photograph / throughput.READ
    return _Around(read or 0.0, draw or 0.0, make or 0.0, arithmetic, logistic, pace, failed)


def _row(name: str, rates: Rates, trained: bool) -> str:
    """Return what a network does in a second."""
    evaluated = f"images/s of {name}: forward {shown(1 / rates.forward)}, gradients {shown(1 / rates.gradient)}"
    if not trained or math.isnan(rates.update):
        return evaluated
    return f"{evaluated}; in trainings gradients {shown(1 / rates.attack)}, updates {shown(1 / rates.update)}"
