"""What the benchmark ``shifted_correlation`` does: one pass over three validation sets, one attack on some of them."""

from collections.abc import Mapping
from pathlib import Path

from tradeoffs.benchmarks.work import Estimate, Images, Once, Settings, attack
from tradeoffs.compute.work import Work, added, once_more, times

PUBLISHED: Images = {}  # the miniature alone has such sets
_DOMAINS = 3


def miniature(images: Images) -> Images:
    """Return the number of images of each validation set."""
    return {"val": images["val"]}


def counted(settings: Settings, roots: Mapping[str, Path]) -> Images:
    """Return the number of images of each validation set at hand."""
    from tradeoffs.data import imagenet

    return {"val": len(imagenet.read(roots["imagenet"], "val", settings["classes"]).paths)}


def estimate(settings: Settings, images: Images) -> Estimate:
    """One forward pass of each image, and an attack at each budget on some."""
    each = min(settings["images"], images["val"])
    n, attacked = _DOMAINS * each, _DOMAINS * min(settings["attacked"], each)
    clean = Work(once_more(n) + once_more(attacked), n)
    told = (settings["budgets"], settings["steps"], 1, settings["classes"])
    expected = added(clean, times(attack.expected(*told, first=attack.SHIFTED), attacked))
    most = added(clean, times(attack.most(*told), attacked))
    once = (Once(n, settings["crop"], once_more(n)),)
    return Estimate(expected, most, metrics=10, units=n, standing=attack.STANDING_ALONE, once=once)
