"""Claim: spurious correlation, preserved at test, improves adversarial accuracy; broken, it does not.

Standard models are trained in worlds of growing spurious correlation and attacked in a domain where their world's
correlation holds (``preserved``) and in one where it is broken (:mod:`tradeoffs.claims.correlation_effects`). In the
broken domain the sign is turned: the claim there is that a stronger correlation does *not* help, and it counts as
supported only where it is seen to harm. The *retained share*, adversarial over clean accuracy, is tested beside it,
because correlation changes clean accuracy as well.
"""

from typing import NamedTuple

from tradeoffs.claims.correlation_effects import Effect, effects, swept_models
from tradeoffs.claims.row import CONCLUSION, DETAIL, Claim
from tradeoffs.claims.verdicts import all_of_claim
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Study


class Domain(NamedTuple):
    """What is claimed of a domain: the sign of the effect, and the statement about accuracy or the retained share."""

    sign: int
    statement: str


DOMAINS = {
    "preserved": Domain(
        1,
        "Where the training world's spurious correlation is preserved at test, a stronger one improves {}.",
    ),
    "broken": Domain(
        -1,
        "Where the spurious correlation is broken at test, a stronger one does not improve {} but lowers it.",
    ),
}
OVERALL = "A spurious correlation that is preserved at test improves accuracy under attack; a broken one does not."
PVALUE = "p: exact permutation test of the rank correlation with the spurious correlation, two-sided"


def claims(measured: Measurements, study: Study) -> list[Claim]:
    """Return the overall row, then per domain a row over all attacks and one per norm, for accuracy and share."""
    swept = swept_models(study.models)
    if not swept:
        return []
    found = list(effects(measured, swept, {name: domain.sign for name, domain in DOMAINS.items()}))
    evidence = f"adversarial: {', '.join(model.id for model in swept)}"
    parts = [effect.assessment for effect in found if not effect.norm and not effect.share]
    rows = [row(effect, evidence) for effect in found]
    if len(parts) == len(DOMAINS):
        rows.insert(0, all_of_claim("spurious_correlation", OVERALL, parts, evidence))
    return rows


def row(effect: Effect, evidence: str) -> Claim:
    """Return the row of one effect; conclusions rest on accuracy under all attacks."""
    sign, statement = DOMAINS[effect.domain]
    what = "the share of clean accuracy that is retained under attack" if effect.share else "accuracy under attack"
    return effect.assessment.claim(
        f"spurious_correlation.{effect.domain}{'.' + effect.norm if effect.norm else ''}"
        f"{'.retained' if effect.share else ''}",
        statement.format(f"{what} ({effect.norm or 'all attacks'})"),
        f"{'minus ' if sign < 0 else ''}(mean over attack budgets at the highest correlation - at the "
        f"lowest); {PVALUE}",
        f"{evidence}; Kendall's tau with the correlation {sign * effect.tau:.2f}",
        scope=DETAIL if effect.norm or effect.share else CONCLUSION,
        norm=effect.norm or None,
    )
