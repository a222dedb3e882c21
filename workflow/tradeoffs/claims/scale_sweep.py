"""Claim: linf training raises background reliance only where the background's scale is large, l2 training at any scale.

In worlds whose photographs have less and less contrast against the same digits, adversarially trained models are
compared with the standard model of their own world on ImageNet-9's gap (mixed_same - mixed_rand):

    effect = mean over the norm's budgets of (gap of the model - gap of the standard model),

paired by image. There is one comparison per norm and scale, so its p-value is the bootstrap's. Theory says nothing
about where the threshold lies for a network; what it does say is tested at the ends of the sweep:

* l2 raises reliance at every scale;
* linf raises it at the largest scale and not at the smallest, supported only where it is seen to lower it there;
* linf's effect is larger at the largest scale than at the smallest (different images, hence independent draws).
"""

from collections.abc import Sequence

import numpy as np

from tradeoffs.claims.row import Claim
from tradeoffs.claims.verdicts import Array, Assessment, all_of_claim, assess, over_seeds
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.table import Model
from tradeoffs.step.errors import InputError

ROLE = "background_scale_sweep"
BENCHMARK, METRIC = "imagenet9", "bg_gap"
STATISTIC = "mean over budgets of bg_gap - standard at that scale; p: bootstrap, two-sided"
Effects = dict[float, tuple[float, Array]]  # scale -> effect and its bootstrap draws


def effects(measured: Measurements, models: Sequence[Model], norm: str) -> Effects:
    """Return the effect of training against ``norm`` at each scale, in ascending order."""
    swept = [m for m in models if m.role == ROLE and m.background_scale is not None and BENCHMARK in m.benchmarks]
    standard = {(m.world, m.seed): measured[m.id, BENCHMARK, METRIC] for m in swept if m.norm == "none"}
    for model in swept:
        if (model.world, model.seed) not in standard:
            raise InputError(f"--spec: {model.id} has no standard model of its world and seed; add it to the models")
    found: Effects = {}
    for scale in sorted({m.background_scale for m in swept if m.background_scale is not None}):
        own = [m for m in swept if m.norm == norm and m.background_scale == scale]
        seeds = sorted({m.seed for m in own})
        of_seed = [
            [(measured[m.id, BENCHMARK, METRIC], standard[m.world, seed]) for m in own if m.seed == seed]
            for seed in seeds
        ]
        if of_seed:
            found[scale] = over_seeds(
                np.array([np.mean([ours.value - theirs.value for ours, theirs in pairs]) for pairs in of_seed]),
                np.stack([np.mean([ours.draws - theirs.draws for ours, theirs in pairs], axis=0) for pairs in of_seed]),
            )
    return found


def claims(measured: Measurements, models: Sequence[Model]) -> list[Claim]:
    """Return the combined rows, then one row per norm and scale."""
    combined: list[Claim] = []
    single: list[Claim] = []
    for norm in ("linf", "l2"):
        found = effects(measured, models, norm)
        if not found:
            continue
        ids = [m.id for m in models if m.role == ROLE and m.norm == norm]
        evidence = f"{BENCHMARK}: {', '.join(ids)} against the standard models of their worlds"
        parts = {scale: assess(value, draws) for scale, (value, draws) in found.items()}
        single += [
            part.claim(
                f"background_scale.{norm}.scale{scale:g}",
                f"{norm} training raises reliance on the background at background scale {scale:g}.",
                STATISTIC,
                f"{BENCHMARK}: {', '.join(m.id for m in models if m.id in ids and m.background_scale == scale)} against"
                " the standard model of that world",
            )
            for scale, part in parts.items()
        ]
        if norm == "l2":
            statement = "l2 training raises reliance on the background at every background scale."
            combined.append(all_of_claim("background_scale.l2", statement, list(parts.values()), evidence))
        elif len(parts) > 1:
            combined += linf_claims(found, evidence)
    return combined + single


def linf_claims(found: Effects, evidence: str) -> list[Claim]:
    """Return the two combined rows of linf: both ends of the sweep, and their difference."""
    smallest, largest = min(found), max(found)
    (low, low_draws), (high, high_draws) = found[smallest], found[largest]
    statement = (
        f"linf training raises reliance on the background at the largest scale ({largest:g}) and not at the smallest "
        f"({smallest:g})."
    )
    parts: list[Assessment] = [assess(high, high_draws), assess(-low, -low_draws)]
    growth = assess(high - low, high_draws - np.roll(low_draws, 1))
    return [
        all_of_claim("background_scale.linf", statement, parts, evidence),
        growth.claim(
            "background_scale.linf.growth",
            f"linf training raises reliance on the background more at scale {largest:g} than at scale {smallest:g}.",
            "effect (bg_gap - standard) at the largest scale - at the smallest; p: bootstrap, two-sided",
            evidence,
        ),
    ]
