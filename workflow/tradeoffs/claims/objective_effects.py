"""Models that are trained otherwise (TRADES, more steps, noise, fine-tuning, l1), compared on a measure of reliance.

    effect = mean over the norm's budgets of (model - what it is compared with),

with the standard models of its replicate, and with the adversarially trained model of its own norm and budget that is
trained as the main grid is. Oriented so that positive is more reliance, paired by image. How much a value varies from
one training to another is taken to be what the main grid shows.
"""

from collections.abc import Sequence

from tradeoffs.claims.contrasts import Contrast, Difference, Noise, contrast
from tradeoffs.claims.reliance_effects import compare, difference
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.metrics import Metric
from tradeoffs.results.study import Model

ROLE = "objective_sweep"


def swept_models(models: Sequence[Model]) -> list[Model]:
    """Return the models of the sweep, in its order."""
    return [model for model in models if model.role == ROLE]


def others(models: Sequence[Model], model: Model, *, plain: bool) -> list[Model]:
    """Return what a model is compared with, of its own replicate: the standard models, or the ``plain`` trained one."""
    norm, epsilon = (model.norm, model.epsilon) if plain else ("none", 0.0)
    roles = ("main", ROLE) if plain else ("main",)
    same = (model.architecture, norm, epsilon, model.replicate)
    return [
        m
        for m in models
        if m.role in roles and m.objective is None and (m.architecture, m.norm, m.epsilon, m.replicate) == same
    ]


def contrasts(
    measured: Measurements, models: Sequence[Model], members: Sequence[Model], metric: Metric, *, plain: bool
) -> list[Contrast]:
    """Return the contrast of each replicate over ``members``; none where something was not measured."""
    found: dict[int, list[Difference]] = {}
    for model in members:
        names = [m.id for m in others(models, model, plain=plain)]
        if names and all((name, metric.benchmark, metric.name) in measured for name in (model.id, *names)):
            found.setdefault(model.replicate, []).append(difference(measured, metric, model, names))
    noise = compare(measured, models, metric).noise
    return [
        contrast(own, Noise(noise[number].adversarial, None) if plain else noise[number])
        for number, own in found.items()
        if number in noise
    ]
