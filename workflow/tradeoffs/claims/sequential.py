"""Looks at a study that grows: the level at each, so that all together err no more often than one.

Tests that are repeated after every replicate would err with every look. Here each look spends a part of alpha = 0.05
(Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"), by the spending function that they compare
with Pocock's boundary,

    spent(t) = alpha log(1 + (e - 1) t),    t = number of the look / number of looks,

which decides early where effects are large. The level of look k is that of the two-sided normal test whose chance to
reject a true hypothesis for the first time at look k is what that look spends, given that the estimate is a mean of
equal independent parts (Jennison and Turnbull 2000, "Group Sequential Methods", sections 7.2 and 19.2: the recursion,
here with Gauss-Legendre quadrature). A p-value of Student's t is compared with the level as one of the normal
distribution would be (the same, section 3.3).

Several hypotheses are tested by Holm's procedure at every look. The level of one of m is then spent on its own, as that
of a study with alpha / m (Maurer and Bretz 2013, "Multiple testing in group sequential trials using graphical
approaches"), and what is returned is m times that: Holm divides it again.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from tradeoffs.results.study import LEVEL

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)
_FARTHEST = 12.0  # a value of the normal distribution that is never reached


def levels(looks: int, hypotheses: int = 1, alpha: float = LEVEL) -> list[float]:
    """Return the level of each of ``looks`` equally spaced looks, for Holm's procedure on so many hypotheses."""
    return [hypotheses * float(2 * ndtr(-z)) for z in boundary(looks, alpha / hypotheses)]


def spent(share: float, alpha: float) -> float:
    """Return how much of ``alpha`` is spent when a share, in [0, 1], of all looks is done."""
    return alpha * math.log1p((math.e - 1) * share)


def boundary(looks: int, alpha: float = LEVEL) -> list[float]:
    """Return the value of the normal statistic from which on look 1, 2, ... rejects, on either side."""
    found: list[float] = []
    points, density = np.zeros(1), np.ones(1)  # of the sum of parts, where no look has rejected; weights included
    for look in range(1, looks + 1):
        spends = spent(look / looks, alpha) - spent((look - 1) / looks, alpha)
        edge = _edge(points, density, spends)
        found.append(edge / math.sqrt(look))
        points, density = _gone_on(points, density, edge)
    return found


def _edge(points: NDArray[np.float64], density: NDArray[np.float64], chance: float) -> float:
    """Return the size from which on the next sum is rejected with this chance; the next part has variance 1."""

    def beyond(edge: float) -> float:
        return float(density @ (ndtr(points - edge) + ndtr(-edge - points))) - chance

    return float(brentq(beyond, 0.0, _FARTHEST + float(np.abs(points).max()), xtol=1e-12))


def _gone_on(
    points: NDArray[np.float64], density: NDArray[np.float64], edge: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points within the edge, and at each the density of the next sum times its weight in an integral."""
    within = edge * _NODES
    part = np.exp(-0.5 * (within[:, None] - points[None, :]) ** 2) / math.sqrt(2 * math.pi)
    return within, edge * _WEIGHTS * (part @ density)
