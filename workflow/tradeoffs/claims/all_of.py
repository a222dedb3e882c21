"""What follows of several findings together, where a claim holds if every part of it does.

* **contradicted** where a part is in its family, for any part will do;
* **supported** where every part is by itself, at the level of one: an intersection-union test (Berger 1982), in which
  nothing needs correcting;
* **equivalent** likewise, unless a part is a difference in its family, where equivalence has to be clearer;
* **undecided** otherwise, and where nothing is known of a part.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tradeoffs.claims.row import CONTRADICTED, EQUIVALENT, SUPPORTED, UNDECIDED
from tradeoffs.claims.verdicts import Finding, chances, verdict


class Together(NamedTuple):
    """What follows of several findings.

    ``share``: of those supported, each by itself. ``p_value``: the largest of theirs, 1 for one that points the other
    way; None where one is not known. ``rerun``: as if they were independent.
    """

    share: float
    p_value: float | None
    verdict: str
    rerun: float
    replicates: int | None


def together(found: Sequence[Finding | None]) -> Together:
    """Return what follows of the findings on all parts, one at least; None where nothing is known of one."""
    single = [UNDECIDED if one is None else verdict(one.effect, one.rule) for one in found]
    in_family = {one.verdict for one in found if one is not None}
    if CONTRADICTED in in_family:
        decided = CONTRADICTED
    elif set(single) == {SUPPORTED} or (set(single) == {EQUIVALENT} and SUPPORTED not in in_family):
        decided = single[0]
    else:
        decided = UNDECIDED
    known = [one.effect for one in found if one is not None]
    p_value = None
    if len(known) == len(found):
        p_value = max(one.p_value() if one.value > 0 else 1.0 for one in known)
    replicates = min((one.replicates for one in known), default=None)
    return Together(single.count(SUPPORTED) / len(found), p_value, decided, _chances(found)[decided], replicates)


def _chances(found: Sequence[Finding | None]) -> dict[str, float]:
    """Return the chance of each verdict on all together; of one that is not there none is drawn next time either."""
    supported = equivalent = not_contradicted = 1.0
    for one in found:
        if one is None:
            supported = equivalent = 0.0
            continue
        by_itself = chances(one.effect, one.rule)
        in_family = chances(one.effect, one.rule._replace(level=one.rule.level / len(found)))
        supported *= by_itself[SUPPORTED]
        # Of two ranges around 0, of effects that are equivalent and of those that are no difference, the narrower one.
        equivalent *= min(by_itself[EQUIVALENT], in_family[EQUIVALENT] + in_family[UNDECIDED])
        not_contradicted *= 1 - in_family[CONTRADICTED]
    rest = max(0.0, not_contradicted - supported - equivalent)
    return {SUPPORTED: supported, EQUIVALENT: equivalent, CONTRADICTED: 1 - not_contradicted, UNDECIDED: rest}
