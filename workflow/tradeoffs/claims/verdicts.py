"""The rule by which a verdict follows from an effect.

A claim is oriented: its effect is positive where it holds. With a level (0.05, or that of a look of a group-sequential
study) and a margin below which nobody would call a difference relevant, its verdict is

* **equivalent** if the effect is smaller in size than the margin (two one-sided tests at the level, that is, the
  90 % interval lies within the margins; Schuirmann 1987), whatever its sign: no relevant difference;
* **supported** if it is not, the effect is positive and its two-sided p-value is at most the level;
* **contradicted** likewise if it is negative;
* **undecided** otherwise: the data can tell neither, and more replicates may.

Rows of one family are looked at together. Their p-values are Holm's (1979), so that the chance of any false difference
among them (supported or contradicted where there is none) is at most the level; those of equivalence likewise, so
that the chance of any false equivalence is. What is no headline is one of many looks and is marked as exploratory. A
row with a warning (a criterion of the regime that fails) is undecided.

The chance that a rerun, another study of the same size in other worlds, comes to the same verdict is that of a new
estimate around the old one: both vary, so its spread is sqrt(2) standard errors. It is the chance for somebody who
knows nothing of the effect but this estimate. In a family the others are taken to come out as they did.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradeoffs.claims.row import CONTRADICTED, EQUIVALENT, SUPPORTED, UNDECIDED, Claim, Said
from tradeoffs.claims.variance import Estimate, beyond, quantile
from tradeoffs.results.study import LEVEL


class Rule(NamedTuple):
    """What a verdict depends on beside the effect.

    The ``level`` of its tests, the ``margin`` (None: no equivalence), and the level of its tests of equivalence where
    that is another one.
    """

    level: float = LEVEL
    margin: float | None = None
    equivalence_level: float | None = None

    def smallest_different(self, effect: Estimate) -> float:
        """Return the size from which on an estimate with this standard error is a difference."""
        return quantile(1 - self.level / 2, effect.df) * effect.standard_error

    def largest_equivalent(self, effect: Estimate) -> float:
        """Return the size up to which an estimate with this standard error is equivalent; below 0 if none is."""
        if self.margin is None:
            return -1.0
        level = self.level if self.equivalence_level is None else self.equivalence_level
        return self.margin - quantile(1 - level, effect.df) * effect.standard_error


class Finding(NamedTuple):
    """The verdict on an effect, its p-value among those of its family, and the chance that a rerun says the same."""

    effect: Estimate
    p_adjusted: float
    verdict: str
    rerun: float
    rule: Rule = Rule()

    def claim(self, said: Said, warning: str | None = None) -> Claim:
        """Return the row of the table; with a ``warning`` it is undecided."""
        effect = self.effect
        low, high = effect.interval()
        return Claim(
            **said._asdict(),
            value=effect.value,
            ci_low=low,
            ci_high=high,
            p_value=effect.p_value(),
            verdict=UNDECIDED if warning else self.verdict,
            p_adjusted=self.p_adjusted,
            df=effect.df,
            replicates=effect.replicates,
            rerun=None if warning else self.rerun,
            margin=self.rule.margin,
            level=self.rule.level,
            warning=warning,
        )


def verdict(effect: Estimate, rule: Rule) -> str:
    """Apply the rule of this module to one effect."""
    size = abs(effect.value)
    if size <= rule.largest_equivalent(effect):
        return EQUIVALENT
    if size > 0 and size >= rule.smallest_different(effect):
        return SUPPORTED if effect.value > 0 else CONTRADICTED
    return UNDECIDED


def findings(effects: Sequence[Estimate], rules: Sequence[Rule]) -> list[Finding]:
    """Return the verdicts on the effects of one family, by Holm's procedure at the level of each rule."""
    different = holm([effect.p_value() for effect in effects])
    small = holm(
        [
            1.0 if rule.margin is None else effect.p_relevant(rule.margin)
            for effect, rule in zip(effects, rules, strict=True)
        ]
    )
    found = []
    for position, (effect, rule) in enumerate(zip(effects, rules, strict=True)):
        if small.adjusted[position] <= rule.level:
            decided = EQUIVALENT
        elif different.adjusted[position] <= rule.level:
            decided = SUPPORTED if effect.value > 0 else CONTRADICTED
        else:
            decided = UNDECIDED
        levels = [rule.level / divisors(each, rule.level)[position] for each in (different, small)]
        of_turn = Rule(levels[0], rule.margin, levels[1])
        found.append(Finding(effect, different.adjusted[position], decided, rerun(effect, of_turn, decided), rule))
    return found


class Holm(NamedTuple):
    """Adjusted p-values, and for each hypothesis the number by which a level is divided at its turn."""

    adjusted: list[float]
    turns: list[int]


def divisors(found: Holm, level: float) -> list[int]:
    """Return for each hypothesis by what the level is divided that another study would reject it at.

    That of its turn if it was rejected. One that was not comes no sooner than the first that was not: were it to be
    rejected beside those that were, it would be next, whatever its turn was here.
    """
    left = max((turn for turn, p in zip(found.turns, found.adjusted, strict=True) if p > level), default=1)
    return [turn if p <= level else left for turn, p in zip(found.turns, found.adjusted, strict=True)]


def holm(p_values: Sequence[float]) -> Holm:
    """Holm's step-down procedure (1979): p-values adjusted for the family, in the given order."""
    count = len(p_values)
    adjusted, turns, largest = [0.0] * count, [1] * count, 0.0
    for turn, position in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (count - turn) * p_values[position]))
        adjusted[position], turns[position] = largest, count - turn
    return Holm(adjusted, turns)


def rerun(effect: Estimate, rule: Rule, decided: str) -> float:
    """Chance, in [0, 1], that another study of the same size comes to this verdict by the rule."""
    return chances(effect, rule)[decided]


def chances(effect: Estimate, rule: Rule) -> dict[str, float]:
    """Return the chance of each verdict in another study of the same size.

    Its estimate is distributed as the old one + sqrt(2) standard errors times Student's t; its standard error is taken
    to be the old one.
    """
    if effect.standard_error == 0:
        certain = verdict(effect, rule)
        return {each: float(each == certain) for each in (SUPPORTED, CONTRADICTED, EQUIVALENT, UNDECIDED)}
    small = rule.largest_equivalent(effect)
    different = max(rule.smallest_different(effect), small)
    spread = math.sqrt(2) * effect.standard_error

    def above(value: float) -> float:
        return beyond((value - effect.value) / spread, effect.df)

    found = {
        SUPPORTED: above(different),
        CONTRADICTED: 1 - above(-different),
        EQUIVALENT: above(-small) - above(small) if small >= 0 else 0.0,
    }
    return found | {UNDECIDED: max(0.0, 1 - sum(found.values()))}
