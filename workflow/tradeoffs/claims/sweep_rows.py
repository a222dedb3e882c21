"""Rows of the claims about sweeps: one effect, or several that a claim needs all of."""

from collections.abc import Sequence

from tradeoffs.claims.all_of import together
from tradeoffs.claims.row import UNDECIDED, Claim, Said, not_tested
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import Rule, findings

OF_ALL = "share of its parts that are supported, each by itself; p: the largest of theirs"  # what a value of all_of is


def single(said: Said, missing: str, effect: Estimate | None, rule: Rule, warning: str | None) -> Claim:
    """Return the row of one oriented effect, or of what is missing; with a ``warning`` it is undecided."""
    if effect is None:
        return not_tested(said, missing)
    (found,) = findings([effect], [rule])
    return found.claim(said, warning)


def all_of(said: Said, missing: str, effects: Sequence[Estimate | None], rule: Rule, warning: str | None) -> Claim:
    """Return the row of a claim that needs all of the effects (:mod:`tradeoffs.claims.all_of`).

    ``missing``: of what nothing is known of any.
    """
    if all(one is None for one in effects):
        return not_tested(said, missing)._replace(warning=warning)
    tested = iter(findings([one for one in effects if one is not None], [rule for one in effects if one is not None]))
    found = together([None if one is None else next(tested) for one in effects])
    return Claim(
        **said._asdict(),
        value=found.share,
        ci_low=None,
        ci_high=None,
        p_value=found.p_value,
        verdict=UNDECIDED if warning else found.verdict,
        replicates=found.replicates,
        rerun=None if warning else found.rerun,
        margin=rule.margin,
        level=rule.level,
        warning=warning,
    )
