"""What the benchmark ``salient_imagenet`` does: noise through an image's masks in every trial, and one gradient."""

from collections.abc import Mapping
from pathlib import Path

from tradeoffs.benchmarks.work import Estimate, Images, Settings, exactly
from tradeoffs.compute.work import Work, once_more

# 1,000 classes with five features of 65 images each. How many different images that is nobody published: of 232 of the
# classes it is 52,521 (Singla and Feizi 2022), 226 a class.
# At most 630 features are spurious, of 65 images each.
PUBLISHED = {"images": 226_000, "masks": 325_000, "core": 226_000, "spurious": 630 * 65}


def miniature(images: Images) -> Images:
    """Return the numbers: a mask of every image, and of four in five one for each further feature, 2.3 a class."""
    n = images["salient_imagenet"]
    # A feature leaves out a fifth of the images; three classes in ten have a second spurious one, which has those.
    return {"images": n, "masks": round(n * (1 + 0.8 * 2.3)), "core": n, "spurious": round(n * (0.7 * 0.8 + 0.3))}


def counted(settings: Settings, roots: Mapping[str, Path]) -> Images:
    """Return the numbers of images and masks at hand."""
    from tradeoffs.data import salient_imagenet

    root = roots["salient_imagenet"]
    answers = root / "mturk_results" / "discover_spurious_features.csv"
    index = salient_imagenet.read(root, root / "train", answers)
    return {
        "images": len(index.paths),
        "masks": sum(map(len, [*index.core_masks, *index.spurious_masks])),
        "core": sum(map(bool, index.core_masks)),
        "spurious": sum(map(bool, index.spurious_masks)),
    }


def estimate(settings: Settings, images: Images) -> Estimate:
    """Of each image a clean pass and a gradient; in each trial one for each mask that is not empty.

    Of an image with core features those are the core region, what is outside, and the features; without one, what is
    outside, which then is everything; and the spurious features of one that has any.
    """
    n, trials = images["images"], settings["trials"]
    noisy = trials * (n + 2 * images["core"] + images["spurious"])
    work = Work(
        read=once_more(n) + images["masks"],
        forward=n + noisy,
        gradients=n,
        drawn=once_more(n) * trials,
        made=noisy + n * settings["dilation"],
    )
    return exactly(work, metrics=7, units=n)
