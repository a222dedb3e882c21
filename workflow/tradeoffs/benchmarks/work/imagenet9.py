"""What the benchmark ``imagenet9`` does: eight variants, what is within the image, and the challenge.

In the challenge a foreground is pasted on one background after the other until one fools the network. At most that is
all foregrounds times all backgrounds. How many it is depends on the network: of those tried on b backgrounds a share

    S(b) = S(1) b^-g

is expected to stand, with S(1) and g such that S is what the authors publish of a ResNet-50: 78.9 % on one random
background (mixed_rand), 22.3 % on all 4,050 (github.com/MadryLab/backgrounds_challenge).
"""

import math
from collections.abc import Mapping
from pathlib import Path

from tradeoffs.benchmarks.work import Estimate, Images, Settings
from tradeoffs.benchmarks.work.within_image import within_image
from tradeoffs.compute.work import Work, added, once_more

PUBLISHED = {"images": 4_050}
_VARIANTS = 8
_AT_ONCE = 400  # foregrounds, for which the backgrounds are read once
_ONE, _ALL = 0.789, 0.223


def miniature(images: Images) -> Images:
    """Return the number of foregrounds."""
    return {"images": images["imagenet9"]}


def counted(settings: Settings, roots: Mapping[str, Path]) -> Images:
    """Return the number of foregrounds at hand."""
    from tradeoffs.data import imagenet9

    return {"images": len(imagenet9.read(roots["imagenet9"], "original").paths)}


def estimate(settings: Settings, images: Images) -> Estimate:
    """One forward pass of each variant of an image and of each composite of the challenge, and what is within it."""
    n = images["images"]
    fixed = added(Work(_VARIANTS * once_more(n), _VARIANTS * n), within_image(n, holes=False))
    fronts, backs = (min(n, settings[f"challenge_{kind}"]) for kind in ("foregrounds", "backgrounds"))
    if not fronts or not backs:
        return Estimate(fixed, fixed, metrics=13, units=n)
    read = 2 * once_more(fronts) + math.ceil(fronts / _AT_ONCE) * once_more(backs)
    most = added(fixed, Work(read, fronts * backs, made=fronts * backs))
    composites = fronts * tried(backs)
    expected = added(fixed, Work(read, composites, made=composites))
    return Estimate(expected, most, metrics=14, units=n)


def tried(backgrounds: int) -> float:
    """Return on how many of the ``backgrounds`` a foreground is tried, as expected: the sum of S over those before."""
    g = math.log(_ONE / _ALL) / math.log(PUBLISHED["images"])
    return 1 + sum(_ONE * math.pow(b, -g) for b in range(1, backgrounds))
