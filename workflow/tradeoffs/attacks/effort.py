"""How far the attacks after the first go (:mod:`tradeoffs.attacks.strong`): also what their cost follows from.

Nothing here imports torch, so that a cost is known without it.
"""

# Times as many steps in the second attack as in the first, and in a targeted attack. In l1, where a step moves few
# coordinates, more are needed.
LONGER = {"linf": 4, "l2": 4, "l1": 8}
TARGETED = {"linf": 3, "l2": 3, "l1": 9}
# Wrong classes attacked, the nearest: half of them, but as many as these at least and at most; AutoAttack has nine.
TARGETS = 5, 9


def targets_of(classes: int) -> int:
    """Return how many wrong classes of a network of ``classes`` are attacked, the nearest.

    Of ten classes the further four found nothing that the nearer five had not, and took a quarter of the time.
    """
    fewest, most = TARGETS
    return min(classes - 1, most, max(fewest, classes // 2))
