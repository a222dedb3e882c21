"""What goes into every evaluation and what comes out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.benchmarks.statistics import Metrics


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings that every benchmark has; its own are added by a subclass called ``Settings``."""

    model: Annotated[str, "the id, for the card"]
    architecture: str
    classes: int
    seed: Annotated[int, "noise, attacks and bootstrap"]
    bootstrap: Annotated[int, "draws"]
    unreadable: Annotated[str, "a damaged image: fail ends the evaluation, skip leaves it out and lists it"]


class Evaluation(NamedTuple):
    """A benchmark's result for one model: metrics with intervals, their bootstrap draws, per-image outcomes.

    ``skipped``: the damaged files that were left out; ``remarks``: what else the card says.
    """

    metrics: Metrics
    draws: dict[str, NDArray[np.float32]]
    outcomes: dict[str, NDArray[Any]]
    skipped: list[Path]
    remarks: dict[str, Any] = {}  # noqa: RUF012 (never written)
