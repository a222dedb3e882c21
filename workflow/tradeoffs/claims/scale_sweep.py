"""Claim: linf training raises background reliance only where the background's scale is large, l2 training at any scale.

In worlds whose photographs have less and less contrast against the same digits, adversarially trained models are
compared with the standard model of their own world on ImageNet-9's gap (mixed_same - mixed_rand;
:mod:`tradeoffs.claims.scale_effects`). There is one comparison per norm and scale, so its p-value is the bootstrap's.
Theory says nothing about where the threshold lies for a network; what it does say is tested at the ends of the sweep:

* l2 raises reliance at every scale;
* linf raises it at the largest scale and not at the smallest, supported only where it is seen to lower it there;
* linf's effect is larger at the largest scale than at the smallest (different images, hence independent draws).
"""

import numpy as np

from tradeoffs.claims.row import DETAIL, Claim
from tradeoffs.claims.scale_effects import BENCHMARK, ROLE, Effects, effects
from tradeoffs.claims.verdicts import Assessment, all_of_claim, assess
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Study

STATISTIC = "mean over budgets of bg_gap - standard at that scale; p: bootstrap, two-sided"


def claims(measured: Measurements, study: Study) -> list[Claim]:
    """Return the combined rows, then one row per norm and scale."""
    models = study.models
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
                scope=DETAIL,
                norm=norm,
                background_scale=scale,
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
