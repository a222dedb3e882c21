"""A claim of several parts: it holds where every part does.

* **supported** where every part is, each at the level itself: a claim of all parts needs no correction (Berger 1982);
* **equivalent** where every part is;
* **contradicted** where one part is, at a level that all share by Holm's procedure (1979), for any part will do;
* **undecided** otherwise, and where nothing is known of a part.

Its value is the share of its parts that are supported, each by itself; its p-value is the largest.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.row import CONCLUSION, CONTRADICTED, EQUIVALENT, NETWORKS, SUPPORTED, UNDECIDED, Claim, not_tested
from tradeoffs.claims.variance import Estimate
from tradeoffs.claims.verdicts import Rule, chances, findings, verdict


class Parts(NamedTuple):
    """The oriented effects that a claim is made of, None where nothing is known of one; all are judged by one rule."""

    effects: Sequence[Estimate | None]
    rule: Rule

    @property
    def known(self) -> list[Estimate]:
        """Those of which something is known."""
        return [effect for effect in self.effects if effect is not None]

    @property
    def alone(self) -> list[str]:
        """The verdict on each that is known, by itself."""
        return [verdict(effect, self.rule) for effect in self.known]

    @property
    def verdict(self) -> str:
        """The verdict on all together."""
        for one in (SUPPORTED, EQUIVALENT):
            if self.alone == [one] * len(self.effects):
                return one
        family = findings(self.known, [self.rule] * len(self.known))
        return CONTRADICTED if any(found.verdict == CONTRADICTED for found in family) else UNDECIDED

    @property
    def rerun(self) -> float:
        """Chance that another study of the same size comes to the same verdict, for parts that are independent."""
        whole = len(self.known) == len(self.effects)
        single = [chances(effect, self.rule) for effect in self.known]
        shared = self.rule._replace(level=self.rule.level / max(1, len(self.known)))
        against = [chances(effect, shared)[CONTRADICTED] for effect in self.known]
        found = {one: float(whole * np.prod([each[one] for each in single])) for one in (SUPPORTED, EQUIVALENT)}
        found[CONTRADICTED] = 1 - float(np.prod([1 - chance for chance in against]))
        return (found | {UNDECIDED: max(0.0, 1 - sum(found.values()))})[self.verdict]

    def claim(self, claim: str, statement: str, evidence: str, warning: str | None = None) -> Claim:
        """Return the row of a claim of all parts; with a ``warning`` it is undecided."""
        if not self.known:
            return not_tested(claim, statement, "none: nothing is known of its parts", evidence, scope=CONCLUSION)
        p_values = [effect.p_value() if effect.value > 0 else 1.0 for effect in self.known]
        complete = len(self.known) == len(self.effects)
        return Claim(
            claim,
            statement,
            "share of its parts that are supported; p: the largest of theirs",
            self.alone.count(SUPPORTED) / len(self.effects),
            None,
            None,
            max(p_values) if complete else None,
            UNDECIDED if warning else self.verdict,
            replicates=min(effect.replicates for effect in self.known),
            rerun=None if warning else self.rerun,
            margin=self.rule.margin,
            subject=NETWORKS,
            scope=CONCLUSION,
            warning=warning,
            evidence=evidence,
        )
