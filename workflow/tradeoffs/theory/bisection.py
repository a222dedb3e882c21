"""Where something begins, found by halving, in logarithms."""

import math
from collections.abc import Callable

FURTHEST = 1e9
"""Where a search ends, and at its reciprocal: what any model here is searched within."""

_STRIDE = 1e3


def bisected(holds: Callable[[float], bool], tolerance: float = 1e-8) -> float:
    """Return the number above 0 at which ``holds`` turns from false to true, to a relative ``tolerance``.

    It is looked for around 1, further away as long as both sides of it are of one kind; inf where there is none up to
    1e9, 1e-9 where there is none down to that.
    """
    low, high = 1 / _STRIDE, _STRIDE
    while not holds(high):
        if high >= FURTHEST:
            return math.inf
        low, high = high, high * _STRIDE
    while low < 1 and holds(low):
        if low <= 1 / FURTHEST:
            return low
        low, high = low / _STRIDE, low
    while high / low > 1 + tolerance:
        middle = math.sqrt(low * high)
        if holds(middle):
            high = middle
        else:
            low = middle
    return math.sqrt(low * high)
