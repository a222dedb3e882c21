"""Rates on a GPU that is not here, from the images a second of one network or more."""

import torch

from tradeoffs.compute.batching import attacked_together
from tradeoffs.compute.precision import of_training
from tradeoffs.cost import networks
from tradeoffs.cost.reason import first_line
from tradeoffs.cost.seconds import Basis, Machine, Rates
from tradeoffs.step.errors import InputError
from tradeoffs.study import plan
from tradeoffs.study.model import Config

# Of the GPU's machine, by thread: seconds for a photograph's JPEG and for noise of its size, as one of an AMD EPYC
# (Zen 5) takes them, whose pace is 1; operations a second of what is no network, and seconds of a logistic function,
# which is assumed.
READ, _DRAW, _OPERATIONS, _LOGISTIC = 0.002, 0.0015, 5e10, 5e-9

# Images a second of a ResNet-50 at 224 px on an H100 (docs/explanation/gpu.md, performance/gpu.py, 2026-11-26): forward
# passes and gradients of evaluations, in float32 and channel by channel; gradients of a training's attack, pixel by
# pixel; and training steps of 3 attack steps on 256 images, in bfloat16, from which an update follows.
_FORWARD, _GRADIENT = 3270, 1310
_CALL = 0.01  # seconds in which a GPU is asked for the operations of a gradient, however few its images: assumed
_ATTACK = {"bfloat16": 5810, "float32": 1120}
_STEPS, _ATTACK_STEPS = 1260, 3
# An update is taken to be as many gradients of an attack in float32 as in bfloat16, in which it was measured: 1.6.
_UPDATE = (1 / _STEPS - _ATTACK_STEPS / _ATTACK["bfloat16"]) * _ATTACK["bfloat16"]


def given(texts: list[str]) -> dict[str, float]:
    """Return images a second by architecture; InputError for what is no NAME=NUMBER above 0."""
    found = {}
    for text in texts:
        name, equals, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = 0.0
        if not (name and equals and 0 < value < 1e9):
            raise InputError(f"--images-per-second: {text!r}; expected NETWORK=NUMBER, as resnet50=2500")
        if name in found:
            raise InputError(f"--images-per-second: {name} is given twice; expected each network once")
        found[name] = value
    return found


def basis(
    config: Config, known: dict[str, networks.Facts], throughput: dict[str, float], classes: int, side: int
) -> Basis:
    """Return rates from what is given, others by their multiplications; the machine around is taken to be usual."""
    precision = config[config["study"]]["training"]["precision"]
    rates = {name: on_a_gpu(value, precision) for name, value in throughput.items()}
    reference = next((name for name in throughput if name in known), None) or next(iter(throughput))
    failed = []
    others = {name: each for name, each in known.items() if name not in rates}
    try:
        operations = (known.get(reference) or networks.facts(reference, classes, side)).operations
        rates |= {name: scaled(rates[reference], each.operations, operations) for name, each in others.items()}
    except Exception as error:  # what is given can be no measure of others
        failed = [f"hours of {name}: {reference} is no measure of it ({first_line(error)})" for name in others]
    needs = plan.NEEDS[config["study"]]
    threads = {rule: needs[rule].cores for rule in ("train", "evaluate")}
    together = attacked_together(side * side, torch.device("cuda"))
    machine = Machine(READ, _DRAW, 0.0, threads, True, _OPERATIONS, _LOGISTIC, side, together)
    listed = ", ".join(f"{name} {1 / rates[name].forward:.0f}" for name in rates)
    said = f"hours: on one GPU, with {threads['evaluate']} cores an evaluation, forward images/s: {listed}"
    return Basis(rates, machine, [said], failed, on_gpu=True)


def on_a_gpu(images_per_second: float, precision: str) -> Rates:
    """Return the rates of a network from its forward passes, in the proportions of a ResNet-50 on an H100.

    ``precision``: of trainings, one of :mod:`tradeoffs.compute.precision`.
    """
    forward = 1 / images_per_second
    attack = forward * _FORWARD / _ATTACK[of_training(precision, on_gpu=True)]
    return Rates(forward, forward * _FORWARD / _GRADIENT, _CALL, _UPDATE * attack, attack)


def scaled(rates: Rates, operations: float, known: float) -> Rates:
    """Return the rates of a network of so many ``operations``, from those of one of ``known`` many."""
    forward, gradient, update, attack = (
        value * operations / known for value in (rates.forward, rates.gradient, rates.update, rates.attack)
    )
    return Rates(forward, gradient, rates.call, update, attack)
