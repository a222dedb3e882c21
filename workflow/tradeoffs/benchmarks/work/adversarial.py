"""What the benchmark ``adversarial`` does: a clean pass of each image, its margin, the attacks; a look for masking."""

from collections.abc import Mapping
from pathlib import Path

from tradeoffs.benchmarks.work import Estimate, Images, Once, Settings, attack
from tradeoffs.compute.work import Work, added, once_more, times
from tradeoffs.data.imagenet_sizes import VALIDATION

PUBLISHED = {"val": VALIDATION}

# As in attacks/gradient_masking.py, which imports torch; a test holds them equal.
CHECKED, QUERIES = 50, 100
_MASKING = 0.2  # of the look for masking, what is expected: at the largest budgets most images have fallen


def miniature(images: Images) -> Images:
    """Return the number of images of each validation set: they are as large as one another."""
    return {"val": images["val"]}


def counted(settings: Settings, roots: Mapping[str, Path]) -> Images:
    """Return the number of images at hand, by the folder of each domain."""
    from tradeoffs.data import imagenet

    folders = settings["domains"].values()
    return {folder: len(imagenet.read(roots["imagenet"], folder, settings["classes"]).paths) for folder in folders}


def estimate(settings: Settings, images: Images) -> Estimate:
    """Of each image one clean pass, one gradient for its margin, and the attacks at every budget."""
    sizes = [min(settings["images"], images.get(folder, images["val"])) for folder in settings["domains"].values()]
    n, budgets = sum(sizes), settings["budgets"]
    told = (budgets, settings["steps"], settings["restarts"], settings["classes"])
    checked = min(CHECKED, sizes[0])
    clean = Work(once_more(n) + once_more(checked), n, n)
    expected, most = (
        added(clean, times(of_image(*told), n), times(of_checked(budgets, settings["steps"]), checked))
        for of_image, of_checked in ((attack.expected, masking_expected), (attack.most, masking))
    )
    pairs = sum(map(len, budgets.values()))
    once = (Once(n, settings["crop"], once_more(n)),)
    return Estimate(expected, most, metrics=len(sizes) * (2 + pairs), units=n, standing=attack.STANDING, once=once)


def masking(budgets: Mapping[str, list[float]], steps: int) -> Work:
    """Return the most that is done with one of the images on which signs of masked gradients are looked for.

    A clean gradient, an attack without bounds and, at the largest budget of each norm, a step from a random point and a
    search by queries.
    """
    norms = sum(bool(listed) for listed in budgets.values())
    return Work(forward=1 + norms * (1 + QUERIES), gradients=1 + steps + norms)


def masking_expected(budgets: Mapping[str, list[float]], steps: int) -> Work:
    """Return the same as it is expected."""
    return times(masking(budgets, steps), _MASKING)
