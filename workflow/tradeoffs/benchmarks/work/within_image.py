"""What is done within images whose masks tell an object from a background; it is taken that all masks do."""

from tradeoffs.compute.work import Work, once_more


def within_image(images: int, *, holes: bool) -> Work:
    """Three forward passes of an image, clean and on two other backgrounds, and one gradient.

    Its mask is read twice, it once, and each background once: with its own mask, where it has a ``holes`` to fill.
    """
    files = 2 + 2 * (1 + holes)
    return Work(once_more(images) * (1 + files), 3 * images, images, made=2 * images)
