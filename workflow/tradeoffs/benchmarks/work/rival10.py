"""What the benchmark ``rival10`` does: a head, noise in two regions at every level, gradients, swapped backgrounds."""

from collections.abc import Mapping
from pathlib import Path

from tradeoffs.benchmarks.work import Estimate, Head, Images, Once, Settings, exactly
from tradeoffs.benchmarks.work.within_image import within_image
from tradeoffs.compute.work import Work, added, once_more

PUBLISHED = {"train": 21_178, "test": 5_306}
_CLASSES = 10


def miniature(images: Images) -> Images:
    """Return the numbers: as many to fit the head as to measure."""
    return dict.fromkeys(PUBLISHED, images["rival10"])


def counted(settings: Settings, roots: Mapping[str, Path]) -> Images:
    """Return the numbers of images at hand."""
    from tradeoffs.data import rival10

    return {split: len(rival10.read(roots["rival10"], split).paths) for split in PUBLISHED}


def estimate(settings: Settings, images: Images) -> Estimate:
    """Of each image of train one pass, of test one clean and two at each level, and what is within the image."""
    train, test = images["train"], images["test"]
    levels = len(settings["linf_levels"]) + len(settings["l2_levels"])
    noisy = Work(
        read=once_more(train) + 2 * once_more(test),
        forward=train + test * (1 + 2 * levels),
        drawn=once_more(test),
        made=test * 2 * levels,
    )
    work = added(noisy, within_image(test, holes=True))
    # Of test, each image, and within it three: itself and two that lend their backgrounds.
    once = tuple(Once(n, settings["size"], reads * once_more(n)) for n, reads in ((train, 1), (test, 4)))
    return exactly(work, metrics=11 + 3 * levels, units=test, heads=(Head(train, _CLASSES),), once=once)
