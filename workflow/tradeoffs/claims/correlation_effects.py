"""The effect of the training world's spurious correlation on accuracy under attack: the numbers of the claims.

    effect = the change of a quantity along the line through all correlations, from the smallest to the largest,

in a domain where the correlation is preserved at test, or one where it is broken. Four quantities stand side by side,
because none of them alone says whether a network is *more robust*:

* accuracy under attack, the mean over the attack's budgets;
* clean accuracy, without which an accuracy under attack cannot be read: no network withstands with images that it does
  not recognise in the first place;
* the share retained, accuracy under attack over clean accuracy;
* the margin, the mean distance of clean images to the decision boundary, which no budget decides.

Of the budgets those count that leave something standing and not everything: at which the accuracy under attack, mean
over all correlations, replicates and domains, is above chance and not above the ceiling. Correlations are treated alike
there, and so are domains, so that the rule does not know what the claim is.

Trainings' part of the variance is what a quantity is off a smooth curve (:mod:`tradeoffs.claims.training_noise`), less
what images explain of it. The curve is one in the logarithm of 1 - correlation. That is the share of training images
whose photograph is drawn without regard to the class; by these a network learns that photographs mislead, and what is
learnt grows smoothly with the logarithm of the number of examples (learning curves: Hestness et al. 2017, "Deep
Learning Scaling is Predictable, Empirically"). Over the correlation itself accuracy breaks off at the upper end, and no
quadratic follows that.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.benchmarks.attack_metrics import Attack, margin_name, metric_name, read_name
from tradeoffs.claims.sweep_line import Images, Point, change, stacked
from tradeoffs.claims.training_noise import Curve, along_curves
from tradeoffs.claims.variance import Estimate
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.evaluations import Array
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model

ROLE = "correlation_sweep"
KEY = "spurious_correlation"  # how the names of the claims begin
BENCHMARK = "adversarial"
UNDER_ATTACK, CLEAN, RETAINED, MARGIN = "accuracy", "clean", "retained", "margin"
QUANTITIES = (UNDER_ATTACK, CLEAN, RETAINED, MARGIN)
FEWEST_UNLIKE = 1e-3  # share of images whose photograph may be another class's, where a correlation of 1 leaves none


class Effect(NamedTuple):
    """What correlation does to a quantity in one domain of test images, under one norm's attacks or all (none).

    ``estimate`` is oriented by the claim's sign; None where nothing says how it varies. ``budgets``: names of the
    attacks that it is a mean over; none for what rests on no attack.
    """

    domain: str
    quantity: str
    norm: str
    estimate: Estimate | None
    budgets: tuple[str, ...] = ()


class Sweep(NamedTuple):
    """The models of the sweep that were attacked, and the attacks, metric by what it is of, whose budgets count."""

    measured: Measurements
    models: list[Model]
    attacks: dict[str, Attack]

    @property
    def correlations(self) -> list[float]:
        """The strengths of the correlation, in ascending order."""
        return sorted({model.correlation for model in self.models if model.correlation is not None})


def swept_models(models: Sequence[Model]) -> list[Model]:
    """Return the models of the sweep that were attacked."""
    return [m for m in models if m.role == ROLE and m.correlation is not None and BENCHMARK in m.benchmarks]


def sweep_of(measured: Measurements, swept: Sequence[Model], chance: float, ceiling: float) -> Sweep:
    """Return the sweep, with attacks of budgets at which the mean accuracy is off chance and ceiling."""
    known: dict[tuple[str, float], list[float]] = {}
    attacks: dict[str, Attack] = {}
    of_sweep = {model.id for model in swept}
    for (model, benchmark, name), found in measured.items():
        attack = read_name(name) if benchmark == BENCHMARK and model in of_sweep else None
        if attack is not None and attack.norm != "none":
            attacks[name] = attack
            known.setdefault((attack.norm, attack.epsilon), []).append(found.value)
    kept = {budget for budget, values in known.items() if counts(float(np.mean(values)), chance, ceiling)}
    return Sweep(
        measured,
        list(swept),
        {name: attack for name, attack in attacks.items() if (attack.norm, attack.epsilon) in kept},
    )


def counts(accuracy: float, chance: float, ceiling: float) -> bool:
    """Whether a budget counts at which the mean accuracy under attack is this; all are fractions."""
    return chance < accuracy <= ceiling


def effects(sweep: Sweep, signs: Mapping[str, int], unseen: float = 0.0) -> Iterator[Effect]:
    """Effects in each domain of ``signs`` (domain -> sign of the claim) that was measured: all attacks, then each norm.

    Clean accuracy and margin rest on no attack and come once.
    """
    norms = sorted({attack.norm for attack in sweep.attacks.values()}, reverse=True)
    for domain, sign in signs.items():
        if not all((m.id, BENCHMARK, metric_name(Attack(domain))) in sweep.measured for m in sweep.models):
            continue
        for norm in ("", *norms):
            names = tuple(
                name for name, attack in sweep.attacks.items() if attack.domain == domain and norm in ("", attack.norm)
            )
            for quantity in QUANTITIES:
                attacked = quantity in (UNDER_ATTACK, RETAINED)
                if norm and not (attacked and names):
                    continue
                found = _effect(sweep, domain, quantity, names, sign, unseen) if names or not attacked else None
                yield Effect(domain, quantity, norm, found, names if attacked else ())


def _effect(
    sweep: Sweep, domain: str, quantity: str, names: Sequence[str], sign: int, unseen: float
) -> Estimate | None:
    """Return the oriented change of a quantity along the sweep."""
    points: dict[int, list[Point]] = {}
    for model in sweep.models:
        found = value(sweep.measured, model, domain, quantity, names)
        assert model.correlation is not None
        images = Images(sign * found.draws, found.freedom, found.drawn)
        points.setdefault(model.replicate, []).append(Point(model.correlation, sign * found.value, images))
    return change(points, {number: along_curves([_curve(own)]) for number, own in points.items()}, unseen)


def _curve(points: Sequence[Point]) -> Curve:
    """Return what a quantity is a smooth curve over."""
    unlike = [math.log2(max(1 - point.x, FEWEST_UNLIKE)) for point in points]
    return Curve(unlike, [point.value for point in points], stacked([point.images for point in points]))


def value(measured: Measurements, model: Model, domain: str, quantity: str, names: Sequence[str]) -> Measured:
    """Return a quantity of one model in a domain; ``names`` of the metrics that accuracy under attack is a mean of."""
    clean = measured[model.id, BENCHMARK, metric_name(Attack(domain))]
    if quantity == CLEAN:
        return clean
    if quantity == MARGIN:
        return measured[model.id, BENCHMARK, margin_name(domain)]
    attacked = [measured[model.id, BENCHMARK, name] for name in names]
    mean = float(np.mean([a.value for a in attacked]))
    draws: Array = np.mean([a.draws for a in attacked], axis=0)
    if quantity == RETAINED:
        mean = mean / clean.value if clean.value > 0 else 0.0
        draws = np.divide(draws, clean.draws, out=np.zeros_like(draws), where=clean.draws > 0)
    return clean._replace(value=mean, draws=draws)
