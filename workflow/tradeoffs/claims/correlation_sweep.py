"""Claim: spurious correlation, preserved at test, improves adversarial accuracy; broken, it does not.

Standard models are trained in worlds of growing spurious correlation and attacked in a domain where their world's
correlation holds (``preserved``) and in one where it is broken. For each norm of attack

    effect = adversarial accuracy, mean over the attack's budgets, at the highest correlation - at the lowest.

Two worlds hold different images, so the draws of their models are paired with no more than chance: the interval is that
of independent samples. The trend is Kendall's rank correlation with the strength of the correlation. In the broken
domain the sign is turned: the claim there is that a stronger correlation does *not* help, and it counts as supported
only where it is seen to harm. The *retained share*, adversarial over clean accuracy, is tested beside it, because
correlation changes clean accuracy as well.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.row import Claim
from tradeoffs.claims.trend import curve, trend
from tradeoffs.claims.verdicts import Array, Assessment, all_of_claim, assess, over_seeds
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.table import Model

ROLE = "correlation_sweep"
ATTACKED = re.compile(r"adversarial_accuracy_(?P<domain>.+)_(?P<norm>l2|linf)_eps(?P<epsilon>[0-9.]+)")
# domain -> (sign of the claim, statement)
DOMAINS = {
    "preserved": (
        1,
        "Where the training world's spurious correlation is preserved at test, a stronger one improves {}.",
    ),
    "broken": (
        -1,
        "Where the spurious correlation is broken at test, a stronger one does not improve {} but lowers it.",
    ),
}
PVALUE = "p: exact permutation test of the rank correlation with the spurious correlation, two-sided"


class Point(NamedTuple):
    """Mean over attack budgets of one model's adversarial accuracy, or of its share of the clean accuracy."""

    correlation: float
    seed: int
    value: float
    draws: Array


def claims(measured: Measurements, models: Sequence[Model]) -> list[Claim]:
    """Return the overall row, then per domain a row over all attacks and one per norm, for accuracy and share."""
    swept = [m for m in models if m.role == ROLE and m.correlation is not None and "adversarial" in m.benchmarks]
    if len({m.correlation for m in swept}) < 2:
        return []
    attacked = [match for key in measured if key[0] == swept[0].id and (match := ATTACKED.fullmatch(key[2]))]
    norms = sorted({match["norm"] for match in attacked})
    rows: list[Claim] = []
    parts: list[Assessment] = []
    evidence = f"adversarial: {', '.join(m.id for m in swept)}"
    for domain, (sign, statement) in DOMAINS.items():
        names = {norm: [a[0] for a in attacked if (a["domain"], a["norm"]) == (domain, norm)] for norm in norms}
        everything = [name for of_norm in names.values() for name in of_norm]
        if not everything:
            continue
        for share in (False, True):
            what = "the share of clean accuracy that is retained under attack" if share else "accuracy under attack"
            suffix = ".retained" if share else ""
            for norm, chosen in {"": everything, **names}.items():
                if not chosen:
                    continue
                points = [point(measured, model, domain, chosen, share) for model in swept]
                effect, tau = compare(points, sign)
                if not norm and not share:
                    parts.append(effect)
                rows.append(
                    effect.claim(
                        f"spurious_correlation.{domain}{'.' + norm if norm else ''}{suffix}",
                        statement.format(f"{what} ({norm or 'all attacks'})"),
                        f"{'minus ' if sign < 0 else ''}(mean over attack budgets at the highest correlation - at the "
                        f"lowest); {PVALUE}",
                        f"{evidence}; Kendall's tau with the correlation {sign * tau:.2f}",
                    )
                )
    if len(parts) == len(DOMAINS):
        overall = (
            "A spurious correlation that is preserved at test improves accuracy under attack; a broken one does not."
        )
        rows.insert(0, all_of_claim("spurious_correlation", overall, parts, evidence))
    return rows


def point(measured: Measurements, model: Model, domain: str, names: Sequence[str], share: bool) -> Point:
    """Mean of a model's named accuracies, as they are or relative to its clean accuracy in the domain."""
    attacked = [measured[model.id, "adversarial", name] for name in names]
    value = float(np.mean([a.value for a in attacked]))
    draws = np.mean([a.draws for a in attacked], axis=0)
    if share:
        clean = measured[model.id, "adversarial", f"accuracy_{domain}"]
        value = value / clean.value if clean.value > 0 else 0.0
        draws = np.divide(draws, clean.draws, out=np.zeros_like(draws), where=clean.draws > 0)
    assert model.correlation is not None
    return Point(model.correlation, model.seed, value, draws)


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
