"""The effect of the training world's spurious correlation on accuracy under attack: the numbers of the claims.

    effect = adversarial accuracy, mean over the attack's budgets, at the highest correlation - at the lowest.

Two worlds hold different images, so the draws of their models are paired with no more than chance: the interval is that
of independent samples. The trend is Kendall's rank correlation with the strength of the correlation.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.benchmarks.attack_metrics import Attack, metric_name, read_name
from tradeoffs.claims.trend import curve, trend
from tradeoffs.claims.verdicts import Array, Assessment, assess, over_seeds
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model

ROLE = "correlation_sweep"
BENCHMARK = "adversarial"


class Effect(NamedTuple):
    """What correlation does under one attack, or all of them (``norm`` empty), in one domain of test images.

    ``share``: to the share of clean accuracy that is retained, else to the accuracy. ``assessment`` and ``tau`` are
    oriented by the claim's sign.
    """

    domain: str
    norm: str
    share: bool
    assessment: Assessment
    tau: float


class Point(NamedTuple):
    """Mean over attack budgets of one model's adversarial accuracy, or of its share of the clean accuracy."""

    correlation: float
    replicate: int
    value: float
    draws: Array


def swept_models(models: Sequence[Model]) -> list[Model]:
    """Return the models of the sweep that were attacked; none where there are fewer than two correlations."""
    swept = [m for m in models if m.role == ROLE and m.correlation is not None and BENCHMARK in m.benchmarks]
    return swept if len({m.correlation for m in swept}) > 1 else []


def effects(measured: Measurements, swept: Sequence[Model], signs: dict[str, int]) -> Iterator[Effect]:
    """Effects in each domain of ``signs`` (domain -> sign of the claim): on accuracy, then share; all attacks first."""
    attacked = [
        (name, attack)
        for model, benchmark, name in measured
        if (model, benchmark) == (swept[0].id, BENCHMARK)
        and (attack := read_name(name)) is not None
        and attack.norm != "none"
    ]
    norms = sorted({attack.norm for _, attack in attacked})
    for domain, sign in signs.items():
        of_norm = {
            norm: [name for name, attack in attacked if (attack.domain, attack.norm) == (domain, norm)]
            for norm in norms
        }
        chosen = {"": [name for names in of_norm.values() for name in names], **of_norm}
        for share in (False, True):
            for norm, names in chosen.items():
                if names:
                    points = [point(measured, model, domain, names, share) for model in swept]
                    yield Effect(domain, norm, share, *compare(points, sign))


def point(measured: Measurements, model: Model, domain: str, names: Sequence[str], share: bool) -> Point:
    """Mean of a model's named accuracies, as they are or relative to its clean accuracy in the domain."""
    attacked = [measured[model.id, BENCHMARK, name] for name in names]
    value = float(np.mean([a.value for a in attacked]))
    draws = np.mean([a.draws for a in attacked], axis=0)
    if share:
        clean = measured[model.id, BENCHMARK, metric_name(Attack(domain))]
        value = value / clean.value if clean.value > 0 else 0.0
        draws = np.divide(draws, clean.draws, out=np.zeros_like(draws), where=clean.draws > 0)
    assert model.correlation is not None
    return Point(model.correlation, model.replicate, value, draws)


def compare(points: Sequence[Point], sign: int) -> tuple[Assessment, float]:
    """Oriented highest minus lowest, with the oriented trend over all correlations, and Kendall's oriented tau."""
    correlations = sorted({p.correlation for p in points})
    means = [sign * float(np.mean([p.value for p in points if p.correlation == c])) for c in correlations]
    lowest, highest = ([p for p in points if p.correlation == c] for c in (correlations[0], correlations[-1]))
    value, draws = over_seeds(
        np.array([sign * (high.value - low.value) for high, low in zip(highest, lowest, strict=True)]),
        # Rolled by one: draw b of one world against draw b - 1 of the other, which are independent.
        np.stack([sign * (high.draws - np.roll(low.draws, 1)) for high, low in zip(highest, lowest, strict=True)]),
    )
    found = trend([curve(correlations, means)])
    return assess(value, draws, found), found.tau
