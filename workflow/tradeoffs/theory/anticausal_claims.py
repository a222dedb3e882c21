"""Claims (i) and (ii) where the response causes both features, so that standard training uses the spurious one already.

What the paper says is put to this family as it stands, and beside it what is true of it: for each norm there is a scale
of the spurious feature above which adversarial training raises its share of the prediction, and below which it lowers
it (:mod:`tradeoffs.theory.turning`).
"""

import math
from collections.abc import Iterator, Sequence

from tradeoffs.claims.row import Claim
from tradeoffs.step.errors import InputError
from tradeoffs.theory.claim_rows import ANTICAUSAL, NOTHING, WHERE, Case, exact, family, fractions
from tradeoffs.theory.curves import norm_name
from tradeoffs.theory.risk import NORMS
from tradeoffs.theory.turning import searched_turning_scale, share_change, turning_scale

_EXACT = 1e-6  # relative errors up to this are the search's
_FORMULAS = {
    1.0: "scale x (1 - correlation^2) = correlation x core noise^2",
    2.0: "scale x sqrt(1 - correlation^2) = core noise",
    math.inf: "scale x correlation = 1, the core feature's covariance with the response",
}


def anticausal_claims(cases: Sequence[Case], count: int) -> Iterator[Claim]:
    """Rows on one core and one spurious feature; budgets between 0.001 and 0.999 of that of collapse."""
    for p in NORMS:
        yield from _direction(cases, p, count)


def _direction(cases: Sequence[Case], p: float, count: int) -> Iterator[Claim]:
    """Claims (i) (p = 1, 2) and (ii) (p = inf): as the paper puts it, then the turning scale and its closed form."""
    claim = f"theory {'(ii)' if math.isinf(p) else '(i)'}{ANTICAUSAL}"
    changes = [share_change(case.model, p, fractions(count)) for case in cases]
    margins = [case.scale / turning_scale(p, case.correlation, case.core_noise or 0.0) - 1 for case in cases]
    evidence = f"{family(cases)}, {count} budgets each, exact minimisers"
    rises = [bool((change > NOTHING).all()) for change in changes]
    falls = sum(bool((change < -NOTHING).all()) for change in changes)
    counted = f"it rises at every budget in {sum(rises)} models and falls at every budget in {falls} of {len(cases)}"
    if not math.isinf(p):
        yield exact(
            claim,
            f"{WHERE}adversarial training with p = {norm_name(p)} raises the spurious feature's share of the "
            "prediction above that of standard training, at every budget below collapse and whatever its scale.",
            "share of the models in which it does",
            sum(rises) / len(cases) if cases else math.nan,
            all(rises),
            f"{counted}; {evidence}",
        )
    wrong = max(
        (float((-math.copysign(1, margin) * change).max()) for margin, change in zip(margins, changes, strict=True)),
        default=math.nan,
    )
    yield exact(
        claim,
        f"{WHERE}adversarial training with p = {norm_name(p)} raises the spurious feature's share of the prediction "
        f"only above a scale of this feature, and lowers it below: {_FORMULAS[p]}.",
        "largest change of the share against this rule, over models and budgets",
        wrong,
        wrong <= NOTHING,
        f"{counted}; {evidence}",
    )
    points = sorted({(case.correlation, case.core_noise or 0.0) for case in cases})
    try:
        errors, apart = zip(*(_off(p, *point) for point in points), strict=True) if points else ((), ())
        searched = f"{len(points)} pair{'s' * (len(points) != 1)} of correlation and core noise"
        if max(apart, default=0.0) > _EXACT:
            searched += "; where it begins in one of them " + (
                f"is hidden by rounding to a relative {max(apart):.1g}" if max(apart) < 1 else "is hidden by rounding"
            )
    except InputError:  # at a scale that the search came by, which nobody named
        errors, searched = (), "not to be found: no minimiser is certified at a scale that the search came by"
    yield exact(
        claim,
        f"{WHERE}the scale at which training with p = {norm_name(p)} begins to raise reliance has that closed form.",
        "largest relative error of the closed form against a search over scales",
        max(errors, default=math.nan),
        max(errors, default=math.nan) <= _EXACT,
        searched,
    )


def _off(p: float, correlation: float, core_noise: float) -> tuple[float, float]:
    """Return the relative error of the closed form against the search, and how far apart its two ends are."""
    closed = turning_scale(p, correlation, core_noise)
    low, high = searched_turning_scale(p, correlation, core_noise, NOTHING)
    return abs(closed / min(max(closed, low), high) - 1), high / low - 1 if low else math.inf
