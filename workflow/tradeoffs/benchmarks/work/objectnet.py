"""What the benchmark ``objectnet`` does: one pass over its images of shared classes, one over the validation images."""

from collections.abc import Mapping
from pathlib import Path

from tradeoffs.benchmarks.work import Estimate, Images, Once, Settings, exactly
from tradeoffs.compute.work import Work, once_more

# 113 of its classes are 125 of ImageNet's, of 50 validation images each.
PUBLISHED = {"shared": 18_574, "validation": 6_250, "factors": 0}
# So many JPEG files of ImageNet take as long to decode as a PNG of two megapixels: 1.9 and 58 ms of an AMD EPYC's core.
_PNG = 30


def miniature(images: Images) -> Images:
    """Return the numbers: of ten classes eight are shared, which are nine of the ten of ImageNet."""
    return {"shared": images["objectnet"] * 8 // 10, "validation": images["val"] * 9 // 10, "factors": 3}


def counted(settings: Settings, roots: Mapping[str, Path]) -> Images:
    """Return the numbers of images at hand, and of the factors that their table names."""
    import numpy as np

    from tradeoffs.data import imagenet, objectnet

    index = objectnet.read(roots["objectnet"])
    shared = np.flatnonzero(np.isin(index.labels, index.imagenet_to_objectnet))
    validation = imagenet.read(roots["imagenet"], "val", settings["classes"])
    factors = objectnet.factors(roots["objectnet"], [index.paths[i] for i in shared])
    return {
        "shared": len(shared),
        "validation": int((index.imagenet_to_objectnet[validation.labels] >= 0).sum()),
        "factors": len(set(factors)) if factors is not None else 0,
    }


def estimate(settings: Settings, images: Images) -> Estimate:
    """One forward pass of each image; both protocols and all factors share it."""
    there, here = images["shared"], images["validation"]
    work = Work(once_more(there) + once_more(here), there + here)
    png = 1 if images["factors"] else _PNG  # as published; the miniature's are small
    once = (
        Once(there, settings["crop"], once_more(there), png),
        Once(here, settings["crop"], once_more(here)),
    )
    found = exactly(work, metrics=8 + 2 * images["factors"], units=there + here, once=once)
    return found._replace(reading=sum(part.read * part.reading for part in once) / work.read if work.read else 1.0)
