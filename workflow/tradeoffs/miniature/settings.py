"""The settings that every writer of the miniature takes."""

from typing import Any, NamedTuple

from tradeoffs.step.errors import InputError
from tradeoffs.step.specs import read_spec


class Settings(NamedTuple):
    """``images`` counts training images for ``imagenet`` and test images elsewhere; the world's knobs as in scenes."""

    seed: int
    image_size: int
    correlation: float
    contrast: float
    background_scale: float
    images: int
    test_images: int = 0


_BASE = ("seed", "image_size", "correlation", "contrast", "background_scale", "images")
_INTEGERS = {"seed": 0, "image_size": 16, "images": 10, "test_images": 10}  # with the least allowed value
_SHARES = ("correlation", "contrast", "background_scale")


def parse(text: str, extra: tuple[str, ...] = ()) -> Settings:
    """Read settings, JSON or a file of it, with exactly the common keys and ``extra``; InputError names a wrong key."""
    spec = read_spec(text)
    if not isinstance(spec, dict):
        raise InputError(f"--spec: {text[:60]} is not an object; give one object of settings")
    keys = (*_BASE, *extra)
    for key in spec:
        if key not in keys:
            raise InputError(f"--spec: unknown key {key!r}; expected {', '.join(keys)}")
    for key in keys:
        if key not in spec:
            raise InputError(f"--spec: key {key!r} is missing; expected {', '.join(keys)}")
        _check(key, spec[key])
    values: dict[str, Any] = {key: float(spec[key]) if key in _SHARES else spec[key] for key in keys}
    return Settings(**values)


def _check(key: str, value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if key in _INTEGERS:
        if not number or not isinstance(value, int) or value < _INTEGERS[key]:
            raise InputError(f"--spec: {key} is {value!r}; expected a whole number of at least {_INTEGERS[key]}")
    elif not number or not 0 <= value <= 1 or (key == "contrast" and value == 0):
        least = "above 0" if key == "contrast" else "from 0"
        raise InputError(f"--spec: {key} is {value!r}; expected a number {least} to 1")
