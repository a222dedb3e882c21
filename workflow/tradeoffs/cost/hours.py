"""Hours of a study: each network's rates, timed here or given, and the seconds of every job."""

import os
import sys
from typing import NamedTuple

import torch

from tradeoffs.compute import precision, processor
from tradeoffs.compute.batching import workers
from tradeoffs.cost import networks, probe
from tradeoffs.cost.jobs import Job
from tradeoffs.cost.seconds import Machine, Rates, on_a_gpu, scaled, seconds
from tradeoffs.cost.table import shown
from tradeoffs.step.errors import InputError
from tradeoffs.study import plan
from tradeoffs.study.model import Config

# Of a GPU's machine, which is not here, by thread: seconds for a photograph's JPEG and for noise of its size, as one of
# an AMD EPYC (Zen 5) takes them, whose pace is 1; operations a second of what is no network.
_READ, _DRAW, _OPERATIONS = 0.002, 0.0015, 5e10


class Hours(NamedTuple):
    """``seconds`` of each job by its ``id()``, bytes of ``weights`` by architecture, what to say, what is unknown."""

    seconds: dict[int, float]
    weights: dict[str, float]
    said: list[str]
    unknown: list[str]


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
        found[name] = value
    return found


def measured(config: Config, jobs: list[Job], throughput: dict[str, float]) -> Hours:
    """Return the seconds of all jobs whose network is known; ``throughput``: of a GPU, none: of this machine."""
    classes, size = plan.CLASSES[config["study"]], _size(config)
    architectures = list(dict.fromkeys(job.model.loads_as for job in jobs))
    known: dict[str, networks.Facts] = {}
    unknown = []
    for name in architectures:
        try:
            known[name] = networks.facts(name, classes, size)
        except Exception as error:  # whatever a library makes of it
            if name not in throughput:
                count = len({job.model.id for job in jobs if job.model.loads_as == name})
                unknown.append(f"hours of {count} model(s) whose network is {name} ({_first_line(error)})")
    rates, machine, said, failed = (
        _of_gpu(config, known, throughput, classes, size) if throughput else _here(config, known, classes, size)
    )
    draws = config[config["study"]]["bootstrap"]
    found = {
        id(job): seconds(job, rates[job.model.loads_as], machine, draws) for job in jobs if job.model.loads_as in rates
    }
    return Hours(found, {name: each.weights for name, each in known.items()}, said, unknown + failed)


Found = tuple[dict[str, Rates], Machine, list[str], list[str]]


def _of_gpu(
    config: Config, known: dict[str, networks.Facts], throughput: dict[str, float], classes: int, size: int
) -> Found:
    """Return rates from what is given, others by their multiplications; the machine around is taken to be usual."""
    rates = {name: on_a_gpu(value) for name, value in throughput.items()}
    rates |= {name: rates[name]._replace(width=known[name].width) for name in rates.keys() & known.keys()}
    reference = next((name for name in throughput if name in known), None) or next(iter(throughput))
    failed = []
    others = {name: each for name, each in known.items() if name not in rates}
    try:
        operations = (known.get(reference) or networks.facts(reference, classes, size)).operations
        rates |= {
            name: scaled(rates[reference], each.operations, operations)._replace(width=each.width)
            for name, each in others.items()
        }
    except Exception as error:  # what is given can be no measure of others
        failed = [f"hours of {name}: {reference} is no measure of it ({_first_line(error)})" for name in others]
    cores = plan.NEEDS[config["study"]]["evaluate"].cores
    machine = Machine(_READ, _DRAW, 0.0, cores, True, _OPERATIONS)
    listed = ", ".join(f"{name} {1 / rates[name].forward:.0f}" for name in rates)
    return rates, machine, [f"hours: on one GPU with {cores} cores, forward images/s: {listed}"], failed


def _here(config: Config, known: dict[str, networks.Facts], classes: int, size: int) -> Found:
    """Return rates as they are timed on this machine, by one job with the cores that it would have."""
    study = config["study"]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    threads = min(workers(), plan.NEEDS[study]["evaluate"].cores)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    rates, failed, training = {}, [], config[study]["training"]
    try:
        for name, facts in known.items():
            print(f"timing {name} ...", file=sys.stderr)
            try:
                with precision.decided(device):
                    timed = probe.rates(name, classes, size, training["batch_size"], training["precision"], device)
                    rates[name] = timed._replace(width=facts.width)
            except Exception as error:  # out of memory, a layer that this machine does not have
                failed.append(f"hours of {name}, which could not be timed ({_first_line(error)})")
        photograph = probe.reading(224, photographs=True)
        read = photograph if study == "imagenet" else probe.reading(size, photographs=False)
        draw, make, arithmetic = probe.drawing(size), probe.making(size, device), probe.arithmetic()
    finally:
        torch.set_num_threads(before)
    at_once = 1 if device.type == "cuda" else max(1, workers() // threads)
    machine = Machine(read, draw, make, threads, device.type == "cuda", arithmetic, photograph / _READ)
    rows = [
        f"images/s of {name}: forward {shown(1 / each.forward)}, gradients {shown(1 / each.gradient)}, updates "
        f"{shown(1 / each.update)}"
        for name, each in rates.items()
    ]
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{threads} core(s)"
    said = [f"hours: of one job after the other on {where}; {at_once} at once here ({os.cpu_count()} cores)", *rows]
    if device.type == "cpu" and (slow := processor.slow_bfloat16(training["precision"])):
        said.append(slow)
    return rates, machine, said, failed


def _size(config: Config) -> int:
    """Return the side of the images that networks see."""
    if config["study"] == "miniature":
        side: int = config["miniature"]["data"]["image_size"]
        return side
    return 224


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
