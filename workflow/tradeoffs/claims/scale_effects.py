"""The effect of adversarial training at each scale of the background: the numbers that the claims are about.

    effect = mean over the norm's budgets of (gap of the model - gap of the standard model of its world),

paired by image.
"""

from collections.abc import Sequence

import numpy as np

from tradeoffs.claims.verdicts import Array, over_seeds
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Model
from tradeoffs.step.errors import InputError

ROLE = "background_scale_sweep"
BENCHMARK, METRIC = "imagenet9", "bg_gap"
Effects = dict[float, tuple[float, Array]]  # scale -> effect and its bootstrap draws


def effects(measured: Measurements, models: Sequence[Model], norm: str) -> Effects:
    """Return the effect of training against ``norm`` at each scale, in ascending order."""
    swept = [m for m in models if m.role == ROLE and m.background_scale is not None and BENCHMARK in m.benchmarks]
    standard = {(m.world, m.replicate): measured[m.id, BENCHMARK, METRIC] for m in swept if m.norm == "none"}
    for model in swept:
        if (model.world, model.replicate) not in standard:
            raise InputError(f"--spec: {model.id} has no standard model of its world and replicate; add one")
    found: Effects = {}
    for scale in sorted({m.background_scale for m in swept if m.background_scale is not None}):
        own = [m for m in swept if m.norm == norm and m.background_scale == scale]
        numbers = sorted({m.replicate for m in own})
        of_each = [
            [(measured[m.id, BENCHMARK, METRIC], standard[m.world, number]) for m in own if m.replicate == number]
            for number in numbers
        ]
        if of_each:
            found[scale] = over_seeds(
                np.array([np.mean([ours.value - theirs.value for ours, theirs in pairs]) for pairs in of_each]),
                np.stack([np.mean([ours.draws - theirs.draws for ours, theirs in pairs], axis=0) for pairs in of_each]),
            )
    return found
