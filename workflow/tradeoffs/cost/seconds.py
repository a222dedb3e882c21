"""From work to time: seconds of a job, by the rates of its network and of the machine."""

from typing import NamedTuple

from tradeoffs.benchmarks.work import Estimate, Head
from tradeoffs.compute.work import Work
from tradeoffs.cost.jobs import Job

# Measured on the miniature (performance/cost.py): how often a head's fit, and one of its draws, goes over the features.
_FIT, _REFIT = 2000, 66
# Likewise, in seconds of a processor whose pace is 1: what a metric takes for an image and a draw; a file beside its
# decoding, and an image that is made beside its numbers; the start of an evaluation and of a training.
_DRAWING = 3e-9
_HANDLING, _MADE = 4.5e-5, 2.7e-5
_KEPT = 3e-5  # of a thread, to read the pixels of a kept image of 224 x 224 and compare their checksum
_EVALUATION, _TRAINING = 0.13, 1.7


class Rates(NamedTuple):
    """Seconds of an image in each kind of pass, and how many features the network has."""

    forward: float
    gradient: float
    update: float
    width: int = 2048


class Machine(NamedTuple):
    """Seconds of a thread to ``read`` a photograph and to ``draw`` an image of noise, of the device to ``make`` one.

    ``threads`` of a job; ``beside``: whether they read while the network computes; ``arithmetic``: operations a second
    of what is no network; ``pace``: how long all else takes, in units of the processor on which it was measured.
    """

    read: float
    draw: float
    make: float
    threads: int
    beside: bool
    arithmetic: float
    pace: float = 1.0


def seconds(job: Job, rates: Rates, machine: Machine, draws: int) -> float:
    """Return the seconds of a job, as expected; ``draws`` of the bootstrap."""
    estimate, work = job.estimate, job.estimate.expected
    handling, made = _HANDLING * machine.pace, 0.0 if machine.beside else _MADE * machine.pace
    computing = passing(work, rates, estimate.slower) + work.made * (machine.make + made)
    files = work.read * (machine.read * estimate.reading + handling) + work.kept * (_KEPT * machine.pace + handling)
    reading = (files + work.drawn * machine.draw) / machine.threads
    alone = max(computing, reading) if machine.beside else computing + reading
    start = _EVALUATION if job.part else _TRAINING
    return start * machine.pace + alone + after(estimate, rates.width, draws, machine)


def passing(work: Work, rates: Rates, slower: float) -> float:
    """Return the seconds in the network."""
    gradients = work.gradients * rates.gradient * slower
    return work.forward * rates.forward + gradients + work.updates * rates.update


def after(estimate: Estimate, width: int, draws: int, machine: Machine) -> float:
    """Return the seconds of heads and intervals."""
    heads = sum(_operations(head, width) for head in estimate.heads) / machine.arithmetic
    return heads + estimate.metrics * estimate.units * draws * _DRAWING * machine.pace


def _operations(head: Head, width: int) -> float:
    """Return the operations of fitting a head, and of fitting it again to each draw."""
    return 4.0 * head.images * width * (_FIT * head.classes + _REFIT * head.refits)


def on_a_gpu(images_per_second: float) -> Rates:
    """Return the rates of a network from its forward passes: a gradient takes two of them, an update three."""
    forward = 1 / images_per_second
    return Rates(forward, 2 * forward, 3 * forward)


def scaled(rates: Rates, operations: float, known: float) -> Rates:
    """Return the rates of a network of so many ``operations``, from those of one of ``known`` many."""
    forward, gradient, update = (value * operations / known for value in rates[:3])
    return Rates(forward, gradient, update, rates.width)
