"""One row of the claims table, and the rule by which its verdict follows from the numbers.

A claim is oriented: its effect is positive where it holds. Its verdict is

* **supported** if the 95 % interval of the effect lies above 0, the p-value is at most 0.05 and the tested direction
  is that of the claim;
* **contradicted** if all three hold in the other direction;
* **undecided** otherwise: the data show neither.

Intervals are percentile intervals of bootstrap draws over test images: they say how far the result depends on the
images. With one model per cell they do not say how another training run would turn out; with several seeds per cell
they do (:func:`over_seeds`). The permutation test over budgets looks at the models themselves.

Many rows are many looks. Rows for single networks and norms are looked at one by one, at 0.05 each, and are there to
show where an effect comes from. What is concluded is the summary row of a benchmark, one test each, and the overall
row, which is supported only if every part is (an intersection-union test, so that nothing needs correcting) and
contradicted if a part is at 0.05 divided by the number of parts (Bonferroni).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeoffs.claims.row import CONCLUSION, CONTRADICTED, NETWORKS, SUPPORTED, UNDECIDED, Claim
from tradeoffs.claims.trend import Trend

Array = NDArray[np.float64]
LEVEL = 0.05


class Assessment(NamedTuple):
    """An oriented effect: estimate, 95 % interval, two-sided p-value and the sign of what the p-value tests."""

    value: float
    ci_low: float
    ci_high: float
    p_value: float
    direction: float

    def verdict(self, level: float = LEVEL) -> str:
        """Apply the rule of this module."""
        if self.p_value <= level and self.ci_low > 0 and self.direction > 0:
            return SUPPORTED
        if self.p_value <= level and self.ci_high < 0 and self.direction < 0:
            return CONTRADICTED
        return UNDECIDED

    def one_sided(self) -> float:
        """Return the p-value against the claim's own direction."""
        return self.p_value / 2 if self.direction > 0 else 1 - self.p_value / 2

    def claim(
        self,
        claim: str,
        statement: str,
        statistic: str,
        evidence: str,
        *,
        scope: str = CONCLUSION,
        norm: str | None = None,
        background_scale: float | None = None,
    ) -> Claim:
        """Return the row of the table."""
        numbers = (self.value, self.ci_low, self.ci_high, self.p_value, self.verdict())
        about = (NETWORKS, scope, norm, background_scale)
        return Claim(claim, statement, statistic, *numbers, *about, evidence)


def assess(value: float, draws: Array, permuted: Trend | None = None) -> Assessment:
    """Test an oriented effect with bootstrap ``draws`` [b].

    The p-value is that of the permutation test, or else the bootstrap's: twice the smaller share of draws on one side
    of 0, both counted with one added.
    """
    low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975]))
    if permuted is not None:
        return Assessment(value, low, high, permuted.p_value, permuted.tau)
    sides = ((draws <= 0).sum(), (draws >= 0).sum())
    p_value = min(1.0, float(2 * (1 + min(sides)) / (1 + len(draws))))
    return Assessment(value, low, high, p_value, value)


def all_of(parts: Sequence[Assessment]) -> tuple[float, str]:
    """P-value and verdict of the claim that every part holds.

    Supported if every part is, and p is the largest one-sided p; contradicted if a part is at the level divided by the
    number of parts.
    """
    verdicts = {part.verdict() for part in parts}
    if verdicts == {SUPPORTED}:
        verdict = SUPPORTED
    elif any(part.verdict(LEVEL / len(parts)) == CONTRADICTED for part in parts):
        verdict = CONTRADICTED
    else:
        verdict = UNDECIDED
    return max(part.one_sided() for part in parts), verdict


def all_of_claim(claim: str, statement: str, parts: Sequence[Assessment], evidence: str) -> Claim:
    """Return the row for the claim that every part holds; its value is the share of supported parts."""
    p_value, verdict = all_of(parts)
    share = sum(part.verdict() == SUPPORTED for part in parts) / len(parts)
    statistic = "share of parts supported; p: largest one-sided p of the parts"
    about = (NETWORKS, CONCLUSION, None, None)
    return Claim(claim, statement, statistic, share, None, None, p_value, verdict, *about, evidence)


def over_seeds(values: Array, draws: Array) -> tuple[float, Array]:
    """Mean over seeds of ``values`` [seeds] with draws [b] from ``draws`` [seeds, b], over images and over seeds.

    Images are resampled jointly (draws are paired between seeds). Where there are several seeds, seeds are resampled
    too; their deviations are stretched by sqrt(s / (s - 1)), without which a bootstrap of s values is too narrow.
    """
    count = len(values)
    mean = float(values.mean())
    result: Array = draws.mean(0)
    if count > 1:
        chosen = np.random.default_rng(0).integers(0, count, (draws.shape[1], count))
        result = result + (values[chosen].mean(1) - mean) * np.sqrt(count / (count - 1))
    return mean, result
