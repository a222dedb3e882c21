"""Where something begins, found by halving, in logarithms."""

import math
from collections.abc import Callable


def bisected(holds: Callable[[float], bool], low: float, high: float, tolerance: float = 1e-8) -> float:
    """Return where between ``low`` > 0 and ``high`` ``holds`` turns from false to true, to a relative ``tolerance``."""
    while high / low > 1 + tolerance:
        middle = math.sqrt(low * high)
        if holds(middle):
            high = middle
        else:
            low = middle
    return math.sqrt(low * high)
