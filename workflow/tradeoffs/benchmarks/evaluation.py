"""What goes into every evaluation and what comes out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.benchmarks.statistics import Labels, Metrics, Resampled


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings that every benchmark has; its own are added by a subclass called ``Settings``."""

    model: Annotated[str, "the id, for the card"]
    architecture: str
    classes: int
    seed: Annotated[int, "noise, attacks and bootstrap"]
    bootstrap: Annotated[int, "draws"]
    unreadable: Annotated[str, "a damaged image: fail ends the evaluation, skip leaves it out and lists it"]


def with_clusters(outcomes: dict[str, NDArray[Any]], **clusters: Labels | None) -> dict[str, NDArray[Any]]:
    """Return outcomes with the clusters of their images, where these have any."""
    return outcomes | {name: cluster for name, cluster in clusters.items() if cluster is not None}


class Evaluation(NamedTuple):
    """A benchmark's result for one model: metrics with intervals, their bootstrap draws, per-image outcomes.

    The first three are a summary's (:func:`tradeoffs.benchmarks.statistics.summarise`), ``resampled`` what the draws
    are of; ``outcomes`` hold ``cluster`` too where images have one (:mod:`tradeoffs.data.clusters`). ``skipped``: the
    damaged files that were left out; ``remarks``: what else the card says.
    """

    metrics: Metrics
    draws: dict[str, NDArray[np.float32]]
    resampled: Resampled
    outcomes: dict[str, NDArray[Any]]
    skipped: list[Path]
    remarks: dict[str, Any] = {}  # noqa: RUF012 (never written)
