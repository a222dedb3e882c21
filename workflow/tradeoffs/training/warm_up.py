"""The epoch from which the budget of a training's attack is the whole one; nothing here imports torch."""

import math


def first_full(warm_up: float, epochs: int) -> int:
    """Return the first epoch, from 0, that begins at the whole budget, or the last: ``epoch / epochs >= warm_up``.

    So the loop asks (``loop.budget``); of the product alone rounding makes it an epoch later for some: .28 of 25.
    """
    first = math.ceil(warm_up * epochs)
    while first > 0 and (first - 1) / epochs >= warm_up:
        first -= 1
    while first / epochs < warm_up:
        first += 1
    return min(first, epochs - 1)
