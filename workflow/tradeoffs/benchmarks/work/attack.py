"""What the strong attack does (:mod:`tradeoffs.attacks.strong`): how often an image goes through a network.

At most: nothing falls, and everything is near the boundary. What is expected is a share of the first attacks at each
budget and another of those after it, measured on networks of the miniature (``performance/cost.py --attacks``): an
image that falls leaves, one far from the boundary is not attacked again, and one that withstood a budget is not
attacked at the smaller ones.
"""

from collections.abc import Mapping

from tradeoffs.attacks.effort import LONGER, TARGETED, targets_of
from tradeoffs.compute.work import Work, added, times

# Shares of the passes that are made. Networks that are trained in any way differ by a quarter.
FIRST, FURTHER = 0.65, 0.035
# Of the first attacks, where most images are from domains in which networks err more: what is misclassified has fallen.
SHIFTED = 0.52
# Of the images that are attacked together, the share in a gradient on average: of the first attacks alone, 0.27 to 0.33
# on six networks of the miniature, and of all. Of these 0.17 to 0.22 was counted; half of it stands for what is done
# beside the network's passes at each of their steps.
STANDING_ALONE, STANDING = 0.3, 0.1


def most(budgets: Mapping[str, list[float]], steps: int, restarts: int, classes: int) -> Work:
    """Return the passes of one image at all budgets: of each norm one clean gradient, and every attack at each budget.

    An attack of k steps is k gradients and a last forward pass; the first of a budget has its first gradient from the
    clean pass. From the third on it is one attack towards each of the nearest wrong classes.
    """
    return _passes(budgets, steps, restarts, classes, 1.0, 1.0)


def expected(budgets: Mapping[str, list[float]], steps: int, restarts: int, classes: int, first: float = FIRST) -> Work:
    """Return the same as it is expected; ``first``: the share that is made of the first attacks."""
    return _passes(budgets, steps, restarts, classes, first, FURTHER)


def _passes(
    budgets: Mapping[str, list[float]], steps: int, restarts: int, classes: int, first: float, further: float
) -> Work:
    made = [Work(gradients=len(budgets))]
    for norm, listed in budgets.items():
        longer = Work(forward=1, gradients=LONGER[norm] * steps)
        targeted = times(Work(forward=1, gradients=TARGETED[norm] * steps), targets_of(classes))
        again = added(times(longer, restarts > 1), times(targeted, max(0, restarts - 2)))
        attacked = added(times(Work(forward=1, gradients=steps - 1), first), times(again, further))
        made.append(times(attacked, sum(budget > 0 for budget in listed)))
    return added(*made)
