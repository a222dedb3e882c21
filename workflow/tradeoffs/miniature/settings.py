"""The settings that every writer of the miniature takes."""

from typing import NamedTuple

from tradeoffs.step.errors import InputError

OBJECTNET_BORDER = 2  # pixels a side by which ObjectNet's images are larger than the others, the outermost of them red


class Settings(NamedTuple):
    """``images`` counts training images for ``imagenet`` and test images elsewhere; the world's knobs as in scenes.

    ``test_images`` are those of ``imagenet``'s validation sets; no other data set has them.
    """

    seed: int
    image_size: int
    correlation: float
    contrast: float
    background_scale: float
    images: int
    test_images: int = 0


_LEAST = {"seed": 0, "image_size": 16, "images": 10, "test_images": 10}
_SHARES = ("correlation", "contrast", "background_scale")


def checked(settings: Settings, extra: tuple[str, ...] = ()) -> Settings:
    """Return settings, shares as floats; InputError names one that is out of range, missing or not among ``extra``."""
    if "test_images" not in extra and settings.test_images:
        raise InputError("--spec: unknown key 'test_images'; it belongs to imagenet")
    for key, least in _LEAST.items():
        if key in extra or key != "test_images":
            value = getattr(settings, key)
            if value < least:
                raise InputError(f"--spec: {key} is {value!r}; expected a whole number of at least {least}")
    for key in _SHARES:
        value = getattr(settings, key)
        if not 0 <= value <= 1 or (key == "contrast" and value == 0):
            lowest = "above 0" if key == "contrast" else "from 0"
            raise InputError(f"--spec: {key} is {value!r}; expected a number {lowest} to 1")
    seed, image_size, correlation, contrast, background_scale, *images = settings
    return Settings(seed, image_size, float(correlation), float(contrast), float(background_scale), *images)
