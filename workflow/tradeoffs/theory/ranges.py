"""What the settings of the theory's steps may be, by their names: whoever calls one by hand has no config's schema."""

import math
from typing import Any, NamedTuple

from tradeoffs.step.errors import InputError


class Range(NamedTuple):
    """Numbers from ``least`` to ``most``, ``least`` among them or not; ``whole``: no others."""

    least: float
    most: float = math.inf
    whole: bool = False
    open: bool = False

    def holds(self, value: Any) -> bool:
        """Whether a value is such a number."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return self.least <= value <= self.most and math.isfinite(value) and not (self.open and value == self.least)

    def __str__(self) -> str:
        """What is expected, in words."""
        words = f"{'a whole number' if self.whole else 'a number'} {'above' if self.open else 'from'} {self.least:g}"
        return words if math.isinf(self.most) else f"{words} to {self.most:g}"


POSITIVE, COUNT, CORRELATION = Range(0, open=True), Range(1, whole=True), Range(-1, 1)
RANGES = {
    "noise": Range(0),
    "core_noise": POSITIVE,
    "core_noises": POSITIVE,
    "scale": POSITIVE,
    "scales": POSITIVE,
    "largest_scale": POSITIVE,
    "largest_budget": POSITIVE,
    "correlation": CORRELATION,
    "correlations": CORRELATION,
    "test_correlations": CORRELATION,
    "budget_fractions": Range(0, 1),
    "cells": Range(2, whole=True),
    "features": Range(2, whole=True),
    "samples": Range(10, whole=True),
    "seeds": Range(2, whole=True),
    "attack_steps": COUNT,
    "updates": COUNT,
    "random_models": COUNT,
    "seed": Range(0, 2**31 - 1, whole=True),
}
BUDGETS = POSITIVE, Range(2, whole=True)  # a list of them, or how many


def check(settings: Any) -> None:
    """Raise InputError for the first setting, of a NamedTuple, that is out of its range, or an empty list."""
    for name, value in settings._asdict().items():
        listed = value if isinstance(value, list) else [value]
        if not listed:
            raise InputError(f"--spec: {name} = []; expected one or more")
        expected = BUDGETS[not isinstance(value, list)] if name == "budgets" else RANGES.get(name)
        for each in listed:
            if expected is not None and not expected.holds(each):
                raise InputError(f"--spec: {name} = {str(value)[:80]}; expected {expected}")
