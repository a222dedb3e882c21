"""One row of the claims table, and the rule by which its verdict follows from an effect.

A claim is oriented: its effect is positive where it holds. With a level (0.05, or that of a look of a group-sequential
study) and a margin below which nobody would call a difference relevant, its verdict is

* **equivalent** if the effect is smaller in size than the margin (two one-sided tests at the level, that is, the
  90 % interval lies within the margins; Schuirmann 1987), whatever its sign: no relevant difference;
* **supported** if it is not, the effect is positive and its two-sided p-value is at most the level;
* **contradicted** likewise if it is negative;
* **undecided** otherwise: the data can tell neither, and more replicates may.

Rows of one family are looked at together: their p-values, and those of equivalence, are Holm's (1979), so that the
chance of any false verdict in the family is at most the level. What is no headline is one of many looks and is marked
as exploratory. A row with a warning (a criterion of the regime that fails) is undecided.

The chance that a rerun, another study of the same size in other worlds, comes to the same verdict is that of a new
estimate around the old one: both vary, so its spread is sqrt(2) standard errors.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from tradeoffs.claims.row import CONTRADICTED, EQUIVALENT, SUPPORTED, UNDECIDED
from tradeoffs.claims.variance import Estimate

LEVEL = 0.05
_RERUNS = 2000


class Rule(NamedTuple):
    """What a verdict depends on beside the effect: the level of its tests, and the margin (None: no equivalence)."""

    level: float = LEVEL
    margin: float | None = None


class Finding(NamedTuple):
    """The verdict on an effect, its p-value among those of its family, and the chance that a rerun says the same."""

    effect: Estimate
    p_adjusted: float
    verdict: str
    rerun: float


def verdict(effect: Estimate, rule: Rule) -> str:
    """Apply the rule of this module to one effect."""
    if rule.margin is not None and effect.p_relevant(rule.margin) <= rule.level:
        return EQUIVALENT
    if effect.p_value() <= rule.level:
        return SUPPORTED if effect.value > 0 else CONTRADICTED
    return UNDECIDED


def findings(effects: Sequence[Estimate], rules: Sequence[Rule]) -> list[Finding]:
    """Return the verdicts on the effects of one family, whose level is that of the first rule."""
    if not effects:
        return []
    level = rules[0].level
    different = holm([effect.p_value() for effect in effects])
    small = holm(
        [1.0 if rule.margin is None else effect.p_relevant(rule.margin) for effect, rule in zip(effects, rules, strict=True)]
    )
    found = []
    for position, (effect, rule) in enumerate(zip(effects, rules, strict=True)):
        own = Rule(level / different.divisors[position], rule.margin)
        if small.adjusted[position] <= level:
            decided = EQUIVALENT
        elif different.adjusted[position] <= level:
            decided = SUPPORTED if effect.value > 0 else CONTRADICTED
        else:
            decided = UNDECIDED
        found.append(Finding(effect, different.adjusted[position], decided, rerun(effect, own, decided)))
    return found


class Holm(NamedTuple):
    """Adjusted p-values, and for each hypothesis the number by which its level is divided at its turn."""

    adjusted: list[float]
    divisors: list[int]


def holm(p_values: Sequence[float]) -> Holm:
    """Holm's step-down procedure (1979): p-values adjusted for the family, in the given order."""
    count = len(p_values)
    adjusted, divisors, largest = [0.0] * count, [1] * count, 0.0
    for turn, position in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (count - turn) * p_values[position]))
        adjusted[position], divisors[position] = largest, count - turn
    return Holm(adjusted, divisors)


def rerun(effect: Estimate, rule: Rule, decided: str) -> float:
    """Chance, in [0, 1], that another study of the same size comes to this verdict by the rule.

    Its estimate is distributed as the old one + sqrt(2) standard errors times Student's t; its standard error is taken
    to be the old one.
    """
    steps = stats.t.ppf((np.arange(_RERUNS) + 0.5) / _RERUNS, effect.df)
    values = effect.value + np.sqrt(2) * effect.standard_error * steps
    return float(np.mean([verdict(effect._replace(value=float(value)), rule) == decided for value in values]))
