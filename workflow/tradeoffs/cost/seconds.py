"""From work to time: seconds of a job, by the rates of its network and of the machine."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from tradeoffs.benchmarks.work import Estimate, Head
from tradeoffs.cost.jobs import Job

# Measured on the miniature (performance/cost.py): how often a head's fit goes over the features. Counted on it, and on
# drawn features of 512 and 2,048: how often the head of a draw does (30 to 42 times, two passes in single precision
# being one), and how many logistic functions as long as what it does with its images beside that takes.
_FIT, _REFIT, _BESIDE = 2000, 36, 50
# Likewise, in seconds of a processor whose pace is 1: what a metric takes for an image and a draw; a file beside its
# decoding, and an image that is made beside its numbers; the start of an evaluation and of a training.
_DRAWING = 3e-9
_HANDLING, _MADE = 4.5e-5, 2.7e-5
_KEPT = 3e-5  # of a thread, to read the pixels of a kept image of 224 x 224 and compare their checksum
_EVALUATION, _TRAINING = 0.11, 0.5


class Rates(NamedTuple):
    """Seconds of an image in each kind of pass, and how many features the network has.

    ``forward`` and ``gradient`` are those of evaluations, in full batches; ``call``: of a gradient beside its images,
    however few. Trainings, which have a precision of their own, make an ``update`` of the weights, and the gradients of
    an ``attack``; nan where no training is asked about. ``start``: of a processor whose pace is 1, before there is a
    network.
    """

    forward: float
    gradient: float
    call: float
    update: float = math.nan
    attack: float = math.nan
    width: int = 2048
    start: float = 0.0


class Machine(NamedTuple):
    """Seconds of a thread to ``read`` a photograph and to ``draw`` an image of noise, of the device to ``make`` one.

    Networks and noise were timed on images of ``side`` x ``side``. ``threads`` of a job, by rule; ``beside``: whether
    they read while the network computes; ``arithmetic``: operations a second of what is no network; ``logistic``:
    seconds of a logistic function, which says the same of what goes number by number; ``together``: how many images are
    attacked at once; ``pace``: how long all else takes, in units of the processor on which it was measured.
    """

    read: float
    draw: float
    make: float
    threads: Mapping[str, int]
    beside: bool
    arithmetic: float
    logistic: float
    side: int
    together: int
    pace: float = 1.0


class Basis(NamedTuple):
    """What seconds follow from: rates by architecture, and the machine; what to say of it, and what is not known.

    ``on_gpu``: whether a job has a GPU.
    """

    rates: dict[str, Rates]
    machine: Machine
    said: list[str]
    unknown: list[str]
    on_gpu: bool


def seconds(job: Job, rates: Rates, machine: Machine, draws: int) -> float:
    """Return the seconds of a job, as expected; ``draws`` of the bootstrap. nan where the side of its images is None.

    What is done with an image takes as long as it has pixels, which is right of convolutions; networks that look at all
    pairs of patches take longer on larger images.
    """
    estimate, work = job.estimate, job.estimate.expected
    pixels = math.nan if job.side is None else (job.side / machine.side) ** 2
    handling, made = _HANDLING * machine.pace, 0.0 if machine.beside else _MADE * machine.pace
    asked = calls(job, machine) * rates.call
    computing = pixels * passing(job, rates) + asked + work.made * (pixels * machine.make + made)
    files = work.read * (machine.read * estimate.reading + handling) + work.kept * (_KEPT * machine.pace + handling)
    reading = (files + work.drawn * pixels * machine.draw) / machine.threads[job.rule]
    alone = max(computing, reading) if machine.beside else computing + reading
    start = rates.start + (_EVALUATION if job.part else _TRAINING)
    return start * machine.pace + alone + after(estimate, rates.width, draws, machine)


def passing(job: Job, rates: Rates) -> float:
    """Return the seconds in the network, of images of the size that was timed.

    The stronger attack by which a training is followed, which is in float32, counts as the training's own: on ImageNet
    it is one gradient of 300.
    """
    work = job.estimate.expected
    if job.rule == "train":
        return work.forward * rates.forward + work.gradients * rates.attack + work.updates * rates.update
    return work.forward * rates.forward + work.gradients * rates.gradient


def calls(job: Job, machine: Machine) -> float:
    """Return in how many calls gradients are made, where batches are not full: images leave an attack as they fall."""
    standing = job.estimate.standing * min(machine.together, job.estimate.units)
    return job.estimate.expected.gradients / max(1.0, standing) if standing else 0.0


def after(estimate: Estimate, width: int, draws: int, machine: Machine) -> float:
    """Return the seconds of heads and intervals."""
    heads = sum(_fitting(head, width, machine) for head in estimate.heads)
    return heads + estimate.metrics * estimate.units * draws * _DRAWING * machine.pace


def _fitting(head: Head, width: int, machine: Machine) -> float:
    """Return the seconds of fitting a head, and of fitting it again to each draw."""
    passes = _FIT * head.classes + _REFIT * head.refits
    return head.images * (4.0 * width * passes / machine.arithmetic + _BESIDE * head.refits * machine.logistic)
