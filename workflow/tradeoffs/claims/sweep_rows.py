"""Rows of the claims about sweeps: one effect, or several that a claim needs all of."""

from collections.abc import Sequence
from typing import NamedTuple

from tradeoffs.claims.all_of import together
from tradeoffs.claims.row import CONCLUSION, EXPLORATORY, UNDECIDED, Claim, not_tested
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import Rule, findings


class Said(NamedTuple):
    """What a row says whatever its numbers are; ``missing``: what is, where there are none."""

    claim: str
    statement: str
    statistic: str
    evidence: str
    missing: str
    scope: str = EXPLORATORY
    norm: str | None = None
    background_scale: float | None = None


def single(said: Said, effect: Estimate | None, rule: Rule, warning: str | None) -> Claim:
    """Return the row of one oriented effect, or of what is missing; with a ``warning`` it is undecided."""
    words = (said.claim, said.statement, said.statistic)
    if effect is None:
        evidence = f"{said.missing}; {said.evidence}"
        return not_tested(*words, evidence, scope=said.scope, norm=said.norm, background_scale=said.background_scale)
    (found,) = findings([effect], [rule])
    return found.claim(
        *words,
        said.evidence,
        scope=said.scope,
        norm=said.norm,
        background_scale=said.background_scale,
        warning=warning,
    )


def all_of(
    claim: str, statement: str, evidence: str, effects: Sequence[Estimate | None], rule: Rule, warning: str | None
) -> Claim:
    """Return the row of a claim that needs all of the effects (:mod:`tradeoffs.claims.all_of`)."""
    tested = iter(findings([one for one in effects if one is not None], [rule for one in effects if one is not None]))
    found = together([None if one is None else next(tested) for one in effects])
    share = None if found.replicates is None else found.share
    return Claim(
        claim,
        statement,
        "share of its parts that are supported, each by itself; p: the largest of theirs",
        *(share, None, None, found.p_value, UNDECIDED if warning else found.verdict),
        replicates=found.replicates,
        rerun=None if warning else found.rerun,
        margin=rule.margin,
        scope=CONCLUSION,
        warning=warning,
        evidence=evidence,
    )
