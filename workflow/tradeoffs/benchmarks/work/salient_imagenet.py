"""What the benchmark ``salient_imagenet`` does: noise through four masks in every trial, and one gradient."""

from collections.abc import Mapping
from pathlib import Path

from tradeoffs.benchmarks.work import Estimate, Images, Settings, exactly
from tradeoffs.compute.work import Work, once_more

# 1,000 classes with five features of 65 images each. How many different images that is nobody published: of 232 of the
# classes it is 52,521 (Singla and Feizi 2022), 226 a class.
PUBLISHED = {"images": 226_000, "masks": 325_000}
_KINDS = 4  # core region, outside it, core features, spurious features


def miniature(images: Images) -> Images:
    """Return the numbers: a mask of every image, and of four in five one for each further feature, 2.3 a class."""
    n = images["salient_imagenet"]
    return {"images": n, "masks": round(n * (1 + 0.8 * 2.3))}


def counted(settings: Settings, roots: Mapping[str, Path]) -> Images:
    """Return the numbers of images and masks at hand."""
    from tradeoffs.data import salient_imagenet

    root = roots["salient_imagenet"]
    answers = root / "mturk_results" / "discover_spurious_features.csv"
    index = salient_imagenet.read(root, root / "train", answers)
    return {"images": len(index.paths), "masks": sum(map(len, [*index.core_masks, *index.spurious_masks]))}


def estimate(settings: Settings, images: Images) -> Estimate:
    """Of each image one clean pass, four in each trial, and a gradient."""
    n, trials = images["images"], settings["trials"]
    work = Work(
        read=once_more(n) + images["masks"],
        forward=n * (1 + _KINDS * trials),
        gradients=n,
        drawn=once_more(n) * trials,
        made=n * (_KINDS * trials + settings["dilation"]),
    )
    return exactly(work, metrics=7, units=n)
