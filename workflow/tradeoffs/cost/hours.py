"""Hours of a study: each network's rates, timed here or given, and the seconds of every job."""

import math
from typing import NamedTuple

from tradeoffs.compute.precision import of_training
from tradeoffs.cost import here, networks, throughput
from tradeoffs.cost.jobs import Job, usual_side
from tradeoffs.cost.reason import first_line
from tradeoffs.cost.seconds import seconds
from tradeoffs.step.errors import InputError
from tradeoffs.step.similar import did_you_mean
from tradeoffs.study import plan
from tradeoffs.study.model import Config


class Hours(NamedTuple):
    """``seconds`` of each job by its ``id()``, bytes of ``weights`` by architecture, what to say, what is unknown.

    ``on_gpu``: whether they are seconds of a GPU.
    """

    seconds: dict[int, float]
    weights: dict[str, float]
    said: list[str]
    unknown: list[str]
    on_gpu: bool


def measured(config: Config, jobs: list[Job], given: dict[str, float]) -> Hours:
    """Return the seconds of all jobs whose network is known; ``given``: throughput of a GPU; none: of this machine."""
    classes, side = plan.CLASSES[config["study"]], usual_side(config)
    known: dict[str, networks.Facts] = {}
    unknown = []
    names = dict.fromkeys(job.model.loads_as for job in jobs)
    unused = given.keys() - names
    if len(given) == 1 and all(_is_network(name, classes, side) for name in unused):
        unused = set()  # one alone may be a measure of others
    if unused:
        name = min(unused)
        raise InputError(
            f"--images-per-second: {name!r} is no network of the study{did_you_mean(name, names)}; it has "
            f"{', '.join(names)}"
        )
    for name in names:
        try:
            known[name] = networks.facts(name, classes, side)
        except Exception as error:  # whatever a library makes of it
            if name not in given:
                count = len({job.model.id for job in jobs if job.model.loads_as == name})
                unknown.append(f"hours of {count} model(s) whose network is {name} ({first_line(error)})")
    trained = {job.model.loads_as for job in jobs if job.rule == "train"}
    basis = (
        throughput.basis(config, known, given, classes, side)
        if given
        else here.basis(config, known, trained, classes, side)
    )
    rates = {
        name: each._replace(width=known[name].width, start=known[name].start) if name in known else each
        for name, each in basis.rates.items()
    }
    draws = config[config["study"]]["bootstrap"]
    found = {
        id(job): value
        for job in jobs
        if job.model.loads_as in rates
        and not math.isnan(value := seconds(job, rates[job.model.loads_as], basis.machine, draws))
    }
    if stored := sum(job.side is None for job in jobs):
        unknown.append(
            f"hours of {stored} training(s) on images of whatever size they are stored in (image_size: null)"
        )
    if differing := _in_another_precision(config, jobs, basis.on_gpu):
        unknown.append(
            f"by how much longer or shorter {differing} training(s) take in the precision of their training.overrides"
        )
    weights = {name: each.weights for name, each in known.items()}
    return Hours(found, weights, basis.said, unknown + basis.unknown, basis.on_gpu)


def _in_another_precision(config: Config, jobs: list[Job], on_gpu: bool) -> int:
    """Return how many trainings compute in another precision than the study's, in which their networks are timed."""
    asked = [config[config["study"]]["training"], *(job.model.spec for job in jobs if job.rule == "train")]
    usual, *own = [of_training(each["precision"], on_gpu) for each in asked]
    return sum(each != usual for each in own)


def _is_network(name: str, classes: int, side: int) -> bool:
    try:
        networks.facts(name, classes, side)
    except Exception:  # whatever a library makes of it
        return False
    return True
