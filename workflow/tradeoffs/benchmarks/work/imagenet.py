"""What the benchmark ``imagenet`` does: one pass over the validation images."""

from collections.abc import Mapping
from pathlib import Path

from tradeoffs.benchmarks.work import Estimate, Images, Once, Settings, exactly
from tradeoffs.compute.work import Work, once_more
from tradeoffs.data.imagenet_sizes import VALIDATION

PUBLISHED = {"val": VALIDATION}


def miniature(images: Images) -> Images:
    """Return the number of validation images."""
    return {"val": images["val"]}


def counted(settings: Settings, roots: Mapping[str, Path]) -> Images:
    """Return the number of validation images at hand."""
    from tradeoffs.data import imagenet

    return {"val": len(imagenet.read(roots["imagenet"], "val", settings["classes"]).paths)}


def estimate(settings: Settings, images: Images) -> Estimate:
    """One forward pass of each image."""
    n = images["val"]
    return exactly(Work(once_more(n), n), metrics=1, units=n, once=(Once(n, settings["crop"], once_more(n)),))
