"""From work to time: seconds of a job, by the rates of its network and of the machine."""

from typing import NamedTuple

from tradeoffs.benchmarks.work import Estimate, Head
from tradeoffs.compute.work import Work
from tradeoffs.cost.jobs import Job

# Of a head's fit: how often the features are multiplied by something, there and back. By trial on the miniature.
_FIT, _REFIT = 300, 60
_DRAWING = 6e-9  # seconds of a core for a metric, an image and a draw
_DEFAULT_WIDTH = 2048


class Rates(NamedTuple):
    """Seconds of an image in each kind of pass, and how many features the network has."""

    forward: float
    gradient: float
    update: float
    width: int = _DEFAULT_WIDTH


class Machine(NamedTuple):
    """``read``: seconds of a thread for a file, of ``threads`` a job; ``beside``: whether it reads while it computes.

    ``arithmetic``: operations a second of what is no network; ``start``: seconds until a job begins; ``name``: of what.
    """

    read: float
    threads: int
    beside: bool
    arithmetic: float
    start: float
    name: str


def seconds(job: Job, rates: Rates, machine: Machine, draws: int, *, most: bool = False) -> float:
    """Return the seconds of a job, as expected or at ``most``."""
    work = job.estimate.most if most else job.estimate.expected
    computing = passing(work, rates)
    reading = work.read * machine.read / machine.threads
    alone = max(computing, reading) if machine.beside else computing + reading
    return machine.start + alone + after(job.estimate, rates.width, draws, machine.arithmetic)


def passing(work: Work, rates: Rates) -> float:
    """Return the seconds in the network."""
    return work.forward * rates.forward + work.gradients * rates.gradient + work.updates * rates.update


def after(estimate: Estimate, width: int, draws: int, arithmetic: float) -> float:
    """Return the seconds of heads and intervals."""
    heads = sum(_operations(head, width) for head in estimate.heads) / arithmetic
    return heads + estimate.metrics * estimate.units * draws * _DRAWING


def _operations(head: Head, width: int) -> float:
    """Return the operations of fitting a head, and of fitting it again to each draw."""
    once = 4.0 * head.images * width
    return once * (_FIT * head.classes + _REFIT * head.refits)


def on_a_gpu(images_per_second: float, width: int = _DEFAULT_WIDTH) -> Rates:
    """Return the rates of a network from its forward passes: a gradient takes two of them, an update three."""
    forward = 1 / images_per_second
    return Rates(forward, 2 * forward, 3 * forward, width)


def scaled(rates: Rates, operations: float, known: float) -> Rates:
    """Return the rates of a network of so many ``operations``, from those of one of ``known`` many."""
    forward, gradient, update = (value * operations / known for value in rates[:3])
    return Rates(forward, gradient, update, rates.width)
