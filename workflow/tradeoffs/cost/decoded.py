"""What evaluations need not decode: lists of images that one of them decodes and all others read as pixels."""

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from tradeoffs.benchmarks.work import Estimate, Once
from tradeoffs.data.decoded_folder import size_of


class Shared(NamedTuple):
    """The estimates, of what is decoded and what is read as pixels, in their order; and the bytes that are kept."""

    estimates: list[Estimate]
    size: float


def shared(evaluations: Iterable[tuple[Hashable, Estimate]], limit: float) -> Shared:
    """Return the estimates of evaluations that follow each other and may keep ``limit`` bytes of decoded images.

    Each comes with what names its lists: one that has been kept under the same name is not decoded again. A list that
    does not fit beside those before it is not kept (:mod:`tradeoffs.data.decoded_folder`).
    """
    there: set[tuple[Hashable, int]] = set()
    total, found = 0.0, []
    for name, estimate in evaluations:
        for place, images in enumerate(estimate.once):
            size = size_of(images.number, images.side)
            known = (name, place) in there
            if not known and total + size > limit:
                continue
            if not known:
                there.add((name, place))
                total += size
            # What its first reader decodes: each image, and one for its size before.
            estimate = _taken(estimate, images, images.read - (0 if known else images.number + 1))
        found.append(estimate)
    return Shared(found, total)


def _taken(estimate: Estimate, images: Once, count: float) -> Estimate:
    """Return the estimate with so many readings of images taken from those that are kept."""
    left = estimate.expected.read - count
    longer = estimate.expected.read * estimate.reading - count * images.reading
    expected, most = (
        work._replace(read=work.read - count, kept=work.kept + count) for work in (estimate.expected, estimate.most)
    )
    return estimate._replace(expected=expected, most=most, reading=longer / left if left else 1.0)
