"""Effective robustness on ObjectNet (Taori et al., NeurIPS 2020): accuracy beyond what a standard model would have.

The baseline is the line, fitted by least squares to the standard models, through

    logit(ObjectNet accuracy) against logit(validation accuracy).

Effective robustness of a model = its ObjectNet accuracy - baseline(its validation accuracy); negative means more
harmed by the shift than a standard model of equal accuracy. Models better or worse than every standard one are judged
by the line's continuation.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.results import standard
from tradeoffs.results.evaluations import Array, Drawn, Evaluation, Evaluations, draws, metric_value
from tradeoffs.results.standard_line import FEWEST_STANDARD_MODELS, differing, logit, residuals
from tradeoffs.results.study import Model

PROTOCOLS = ("official", "restricted")


class Measured(NamedTuple):
    """A metric's value, its bootstrap draws [draws] and the number of images behind it.

    ``df``: degrees of freedom of a variance over the draws; None where nothing is known but the number of images.
    ``drawn``: what the draws are of (:class:`tradeoffs.results.evaluations.Evaluation`); None where it is not known.
    """

    value: float
    draws: Array
    n: int
    df: float | None = None
    drawn: Drawn | None = None

    @property
    def freedom(self) -> float:
        """Degrees of freedom of a variance over the draws: units less strata, or images less one."""
        return self.n - 1.0 if self.df is None else self.df


def metric(protocol: str) -> str:
    """Name of the metric in the summary."""
    return f"effective_robustness_{protocol}"


def effective_robustness(validation: Array, shifted: Array, is_standard: NDArray[np.bool_], n: Sequence[int]) -> Array:
    """Return the effective robustness [models, b] from accuracies [models, b]; a line of its own in every column.

    ``is_standard`` [models] marks the models that the line is fitted to; where they all have one validation
    accuracy the line is level. ``n``: number of validation and of shifted images, for accuracies of 0 and 1.
    """
    y = logit(shifted, n[1])
    above = residuals(logit(validation, n[0]), y, is_standard, np.zeros(len(y), dtype=np.int64))
    predicted = 1 / (1 + np.exp(above - y))
    result: Array = shifted - predicted
    return result


def of_models(evaluations: Evaluations, models: Sequence[Model]) -> dict[tuple[str, str], Measured]:
    """Effective robustness by (model id, metric) of main models and the user's own, refitted in every paired draw.

    Each world has a line of its own, through its standard models (:mod:`tradeoffs.results.standard`): main ones,
    controls and the user's own. Empty where fewer than three of them differ in validation accuracy: two points
    always lie on a line.
    """
    measured = _measured(evaluations, models)
    found: dict[tuple[str, str], Measured] = {}
    for world in dict.fromkeys(m.world for m in measured):
        kept = [m for m in measured if m.world == world]
        for protocol in PROTOCOLS:
            found |= _in_one_world(evaluations, kept, protocol)
    return found


def _in_one_world(evaluations: Evaluations, kept: Sequence[Model], protocol: str) -> dict[tuple[str, str], Measured]:
    names = (f"validation_accuracy_{protocol}", f"objectnet_accuracy_{protocol}")
    cards = [evaluations[m.id, "objectnet"] for m in kept]
    is_standard = np.array([standard.is_standard(m) for m in kept], dtype=bool)
    value = np.array([[metric_value(card, name) for name in names] for card in cards])
    if differing(value[is_standard, 0]) < FEWEST_STANDARD_MODELS:
        return {}
    n = [min(int(card.metrics[name]["n"]) for card in cards) for name in names]
    stacked = np.stack([_with_draws(card, names) for card in cards])  # [models, 2, 1 + draws]
    result = effective_robustness(stacked[:, 0], stacked[:, 1], is_standard, n)
    return {
        (model.id, metric(protocol)): Measured(float(row[0]), row[1:], sum(n))
        for model, row in zip(kept, result, strict=True)
        if model.role != "control"
    }


def reason_to_leave_out(evaluations: Evaluations, models: Sequence[Model]) -> str | None:
    """Say why there is no effective robustness; None where there is."""
    kept = _measured(evaluations, models)
    if not kept:
        return "ObjectNet was not measured"
    name = f"validation_accuracy_{PROTOCOLS[0]}"
    found: dict[str, list[float]] = {model.world: [] for model in kept}
    for model in kept:
        if standard.is_standard(model):
            found[model.world].append(metric_value(evaluations[model.id, "objectnet"], name))
    differ = min(differing(np.array(accuracies)) for accuracies in found.values())
    if differ >= FEWEST_STANDARD_MODELS:
        return None
    return (
        f"its baseline is a line through standard models that differ in validation accuracy; there are {differ}, "
        f"expected at least {FEWEST_STANDARD_MODELS}; add standard models, controls or your own"
    )


def _measured(evaluations: Evaluations, models: Sequence[Model]) -> list[Model]:
    """Models that the baseline is fitted to or that are compared with it."""
    return [m for m in models if m.role in ("main", "extra", "control") and (m.id, "objectnet") in evaluations]


def _with_draws(card: Evaluation, names: tuple[str, str]) -> Array:
    """Value and draws of two metrics: [2, 1 + draws]."""
    drawn = draws(card, names)
    return np.stack([np.concatenate([[metric_value(card, name)], drawn[name]]) for name in names])
