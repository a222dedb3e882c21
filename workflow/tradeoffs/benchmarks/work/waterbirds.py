"""What the benchmark ``waterbirds`` does: features of two splits, a head, and the head of every draw."""

from collections.abc import Mapping
from pathlib import Path

from tradeoffs.benchmarks.work import Estimate, Head, Images, Once, Settings, exactly
from tradeoffs.compute.work import Work, once_more

PUBLISHED = {"train": 4_795, "test": 5_794}
_TIMES = 5  # as large as published, beside test, is the miniature's train split


def miniature(images: Images) -> Images:
    """Return the numbers: the splits are in the published proportion but for the larger train; to a few images."""
    test = images["waterbirds"]
    return {"train": round(_TIMES * test * PUBLISHED["train"] / PUBLISHED["test"]), "test": test}


def counted(settings: Settings, roots: Mapping[str, Path]) -> Images:
    """Return the numbers of images at hand."""
    from tradeoffs.data import waterbirds

    return {split: len(waterbirds.read(roots["waterbirds"], split).paths) for split in PUBLISHED}


def estimate(settings: Settings, images: Images) -> Estimate:
    """One forward pass of each image of both splits."""
    train, test = images["train"], images["test"]
    work = Work(once_more(train) + once_more(test), train + test)
    heads = (Head(train, 2, settings["bootstrap"]),)
    once = tuple(Once(n, settings["crop"], once_more(n)) for n in (train, test))
    return exactly(work, metrics=7, units=train + test, heads=heads, once=once)
