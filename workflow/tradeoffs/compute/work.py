"""What a step does, in numbers of images: what its cost is counted in before it runs.

No step imports this, so that a better formula reruns nothing; and this imports no torch.
"""

from typing import NamedTuple


class Work(NamedTuple):
    """What is done, in numbers of images.

    ``read``: files decoded, images and masks; ``forward``: passes without a gradient; ``gradients``: passes with one,
    forward and backward to the image; ``updates``: the same to the weights, in training mode. All in all
    ``forward + gradients + updates`` images go forward. ``drawn``: images of random numbers; ``made``: images composed,
    or put noise on, before they go through; ``kept``: images read as pixels, which another evaluation has decoded.
    """

    read: float = 0
    forward: float = 0
    gradients: float = 0
    updates: float = 0
    drawn: float = 0
    made: float = 0
    kept: float = 0


def added(*parts: Work) -> Work:
    """Return the sum."""
    return Work(*map(sum, zip(*parts, strict=True))) if parts else Work()


def times(work: Work, factor: float) -> Work:
    """Return so many times the work."""
    return Work(*(value * factor for value in work))


def once_more(images: int) -> int:
    """Return how often a pass over ``images`` reads: the first is read before the others too, for its size."""
    return images + 1 if images else 0
