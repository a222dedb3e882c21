"""Claim: spurious correlation, preserved at test, improves adversarial accuracy; broken, it does not.

Standard models are trained in worlds of growing spurious correlation and attacked in a domain where their world's
correlation holds (``preserved``) and in one where it is broken (:mod:`tradeoffs.claims.correlation_effects`). In the
broken domain the sign is turned: the claim there is that a stronger correlation does *not* help, and it counts as
supported only where it is seen to harm.

Correlation changes clean accuracy as well, so what it does to that, to the share of it that is retained and to the
margin are rows of the same rank, and the overall claim, which is about accuracy under attack, says all of them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tradeoffs.claims import regime
from tradeoffs.claims.correlation_effects import (
    BENCHMARK,
    CLEAN,
    KEY,
    MARGIN,
    RETAINED,
    UNDER_ATTACK,
    Effect,
    Sweep,
    effects,
    sweep_of,
    swept_models,
)
from tradeoffs.claims.row import CONCLUSION, EXPLORATORY, Claim, Said
from tradeoffs.claims.sweep_rows import OF_ALL, all_of, single
from tradeoffs.claims.verdicts import Rule
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Study


class Domain(NamedTuple):
    """What is claimed of a domain: the sign of the effect, and the statement about a quantity."""

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
NAMES = {
    UNDER_ATTACK: "accuracy under attack",
    CLEAN: "clean accuracy",
    RETAINED: "the share of clean accuracy that is retained under attack",
    MARGIN: "the mean distance to the decision boundary (l2, to first order)",
}


def claims(measured: Measurements, study: Study) -> list[Claim]:
    """Return the overall row, then per domain a row of each quantity over all attacks, and one per norm."""
    swept = swept_models(study.models)
    if not swept:
        return []
    sweep = sweep_of(measured, swept, _chance(study), study.criteria.get("ceiling", 1.0))
    signs = {name: domain.sign for name, domain in DOMAINS.items()}
    found = list(effects(sweep, signs, study.unseen_variance))
    warning = regime.warning(regime.of_correlation_sweep(measured, study))
    rows = [row(effect, sweep, study, warning) for effect in found]
    attacked = [effect for effect in found if effect.quantity == UNDER_ATTACK and not effect.norm]
    if len(attacked) == len(DOMAINS):
        evidence = "; ".join([*_said(found), _models(sweep)])
        parts = [effect.estimate for effect in attacked]
        said = Said(KEY, OVERALL, OF_ALL, evidence, CONCLUSION, benchmarks=BENCHMARK, models=_ids(sweep))
        why = missing(attacked[0], sweep)
        rows.insert(0, all_of(said, why, parts, rule(study, UNDER_ATTACK), warning))
    return rows


def row(effect: Effect, sweep: Sweep, study: Study, warning: str | None) -> Claim:
    """Return the row of one effect; what is under one norm's attacks alone is exploratory."""
    suffix = [effect.norm, "" if effect.quantity == UNDER_ATTACK else effect.quantity]
    name = ".".join([KEY, effect.domain, *(part for part in suffix if part)])
    under = f" ({effect.norm} attacks)" if effect.norm else ""
    sign, statement = DOMAINS[effect.domain]
    what = NAMES[effect.quantity]
    at = sweep.correlations
    statistic = (
        f"{'minus ' if sign < 0 else ''}the change of {what} along the line through {len(at)} correlations, from "
        f"{at[0]:g} to {at[-1]:g}; p: t test"
    )
    evidence = _models(sweep)
    if effect.budgets:
        attacks = [sweep.attacks[name] for name in effect.budgets]
        evidence = f"mean over {', '.join(f'{attack.norm} {attack.epsilon:g}' for attack in attacks)}; {evidence}"
    said = Said(
        name,
        statement.format(f"{what}{under}"),
        statistic,
        evidence,
        EXPLORATORY if effect.norm else CONCLUSION,
        effect.norm or None,
        benchmarks=BENCHMARK,
        models=_ids(sweep),
    )
    return single(said, missing(effect, sweep), effect.estimate, rule(study, effect.quantity), warning)


def rule(study: Study, quantity: str) -> Rule:
    """Return what the verdict on a quantity depends on: the margin of all that has none of its own; distances: none."""
    return Rule(study.level, None if quantity == MARGIN else study.margin(KEY))


def missing(effect: Effect, sweep: Sweep) -> str:
    """Say what is missing where nothing can be said of an effect."""
    at = sweep.correlations
    if effect.quantity in (UNDER_ATTACK, RETAINED) and not effect.budgets:
        return (
            "no budget of the attack leaves an accuracy, mean over all correlations, above chance and below the "
            "ceiling; set others under miniature.benchmarks.adversarial.budgets"
        )
    if len(at) < 2:
        return f"one correlation, {at[0]:g}, has no change; expected at least three"
    return (
        f"{len(at)} correlations in one replicate: two points always lie on a line, so nothing says how far a value is "
        "off it; expected three correlations, or two replicates"
    )


def _said(found: Sequence[Effect]) -> Iterator[str]:
    """Say what happens to each quantity in each domain, as it is measured: not oriented."""
    for domain, (sign, _) in DOMAINS.items():
        said = []
        for effect in found:
            if effect.domain == domain and not effect.norm and effect.estimate is not None:
                ends = sorted(sign * end for end in effect.estimate.interval())
                what = {UNDER_ATTACK: "accuracy under attack", CLEAN: "clean accuracy", RETAINED: "share retained"}
                said.append(
                    f"{what.get(effect.quantity, effect.quantity)} {sign * effect.estimate.value:+.3f} "
                    f"[{ends[0]:+.3f}, {ends[1]:+.3f}]"
                )
        yield f"{domain}: {', '.join(said) or 'nothing is known'}"


def _models(sweep: Sweep) -> str:
    return f"{BENCHMARK}: {', '.join(model.id for model in sweep.models)}"


def _ids(sweep: Sweep) -> str:
    return " ".join(model.id for model in sweep.models)


def _chance(study: Study) -> float:
    return next((b.chance or 0.0 for b in study.benchmarks if b.name == BENCHMARK), 0.0)
