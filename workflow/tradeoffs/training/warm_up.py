"""The epoch from which the budget of a training's attack is the whole one; nothing here imports torch."""


def first_full(warm_up: float, epochs: int) -> int:
    """Return the first epoch, from 0, that begins at the whole budget, or the last: ``epoch / epochs >= warm_up``.

    So the loop asks (``loop.budget``); of the product alone rounding makes it an epoch later for some: .28 of 25.
    """
    return next((epoch for epoch in range(epochs) if epoch / epochs >= warm_up), epochs - 1)
