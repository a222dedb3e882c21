"""Many scalar root problems at once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TOLERANCE = 4e-15


def roots_in_unit_interval(function: Callable[[Array], Array], resolution: Array, steps: int = 200) -> Array:
    """Roots in [0, 1] of m increasing functions, evaluated together.

    ``function`` maps arguments [m] to values [m]; ``resolution`` [m] is the rounding error of those values: a search
    ends where a value is no larger, or where the bracket is shorter than 1e-14. A function that is positive at 0
    gives 0, one that is negative at 1 gives 1. Method: T. R. Chandrupatla, "A new hybrid quadratic/bisection
    algorithm", Advances in Engineering Software 28 (1997): inverse quadratic steps where they are safe, halving of
    the bracket elsewhere.
    """
    b, a = np.zeros_like(resolution), np.ones_like(resolution)
    fb, fa = function(b), function(a)
    outside = (fb >= 0) | (fa <= 0)
    end = np.where(fb >= 0, 0.0, 1.0)
    c, fc = a, fa
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = fa / (fa - fb)
        for _ in range(steps):
            fraction = np.minimum(np.maximum(fraction, _TOLERANCE), 1 - _TOLERANCE)
            x = a + fraction * (b - a)
            fx = function(x)
            same = (fx > 0) == (fa > 0)
            c, fc = np.where(same, a, b), np.where(same, fa, fb)
            b, fb = np.where(same, b, a), np.where(same, fb, fa)
            a, fa = x, fx
            width = b - a
            if (outside | (np.minimum(np.abs(fa), np.abs(fb)) <= resolution) | (np.abs(width) <= 2 * _TOLERANCE)).all():
                break
            xi, phi = -width / (c - b), (fa - fb) / (fc - fb)
            fraction = fa / (fb - fa) * fc / (fb - fc) + (c - a) / width * fa / (fc - fa) * fb / (fc - fb)
            safe = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi) & np.isfinite(fraction)
            fraction = np.where(safe, fraction, 0.5)
            fraction = np.maximum(fraction, _TOLERANCE / np.maximum(np.abs(width), _TOLERANCE))
    return np.where(outside, end, np.where(np.abs(fa) <= np.abs(fb), a, b))
