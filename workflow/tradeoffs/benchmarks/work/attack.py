"""What the strong attack does (:mod:`tradeoffs.attacks.strong`): how often an image goes through a network.

At most: nothing falls, and everything is near the boundary. What is expected is a share of that, measured on networks
of the miniature (``performance/cost.py --attacks``): an image that falls leaves, one that is far from the boundary is
not attacked again, and one that withstood a budget is not attacked at the smaller ones.
"""

from collections.abc import Mapping

from tradeoffs.compute.work import Work, added, times

# As in attacks/strong.py, which imports torch; a test holds them equal.
LONGER, TARGETED, TARGETS = 4, 3, 9


def most(budgets: Mapping[str, list[float]], steps: int, restarts: int, classes: int) -> Work:
    """Return the passes of one image at all budgets: of each norm one clean gradient, and every attack at each budget.

    An attack of k steps is k gradients and a last forward pass; the first of a budget has its first gradient from the
    clean pass. From the third on it is one attack towards each of the nearest wrong classes.
    """
    attacks = [Work(forward=1, gradients=steps - 1)]
    attacks += [Work(forward=1, gradients=LONGER * steps)] * (restarts > 1)
    copies = min(TARGETS, classes - 1)
    attacks += [Work(forward=copies, gradients=copies * TARGETED * steps)] * max(0, restarts - 2)
    clean = [Work(gradients=1)] * len([norm for norm, listed in budgets.items()])
    return added(*clean, *[work for listed in budgets.values() for budget in listed if budget > 0 for work in attacks])


def expected(budgets: Mapping[str, list[float]], steps: int, restarts: int, classes: int) -> Work:
    """Return the same as it is expected."""
    return times(most(budgets, steps, restarts, classes), 0.5)
