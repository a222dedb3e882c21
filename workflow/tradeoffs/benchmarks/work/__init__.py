"""What an evaluation of one model does, known before it runs: formulas of its settings and of the numbers of images.

One module per benchmark, called as it is:

* ``PUBLISHED``: the numbers of images of the published data sets, by names of its own;
* ``miniature(images)``: the same of the miniature, from ``miniature.data.images`` of the config;
* ``counted(settings, roots)``: the same of data at hand, which are indexed and not decoded;
* ``estimate(settings, images)``: what is done, for the settings of an evaluation.

What evaluates imports none of this, so that a better formula reruns nothing; and nothing here imports torch.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

from tradeoffs.compute.work import Work
from tradeoffs.step.errors import InputError

Images = Mapping[str, int]
Settings = Mapping[str, Any]


class Estimate(NamedTuple):
    """What is ``expected`` and what is the ``most`` possible: the same, but where the network's answers decide.

    ``metrics``: how many there are; ``units``: images that the bootstrap draws from; ``heads``: linear heads that are
    fitted; ``reading``: how long a file takes on average, in units of a photograph's JPEG; ``standing``: of the images
    that are attacked together, the share in a gradient on average, as they leave when they fall (0: nothing is
    attacked); ``once``: what of it is decoded once for all models.
    """

    expected: Work
    most: Work
    metrics: int = 0
    units: int = 0
    heads: tuple["Head", ...] = ()
    reading: float = 1.0
    standing: float = 0.0
    once: tuple["Once", ...] = ()


class Head(NamedTuple):
    """A linear head on features: fitted to ``images`` of ``classes``, and again in each of ``refits`` draws."""

    images: int
    classes: int
    refits: int = 0


class Once(NamedTuple):
    """Images that are kept when they are decoded (:mod:`tradeoffs.data.decoded`): how many, and of which side.

    ``read``: how often an evaluation reads one of them, which ``expected`` and ``most`` count as well; ``reading`` as
    in :class:`Estimate`.
    """

    number: int
    side: int
    read: int
    reading: float = 1.0


def exactly(
    work: Work, metrics: int, units: int, heads: tuple[Head, ...] = (), once: tuple[Once, ...] = ()
) -> Estimate:
    """Return the estimate of what no answer changes."""
    return Estimate(work, work, metrics, units, heads, once=once)


def find(benchmark: str) -> ModuleType:
    """Return the module of a benchmark; InputError where nobody has said what it does."""
    name = f"{__name__}.{benchmark}"
    if importlib.util.find_spec(name) is None:
        raise InputError(f"benchmarks/work/{benchmark}.py: there is none, so nothing is known of its cost; write it")
    return importlib.import_module(name)
