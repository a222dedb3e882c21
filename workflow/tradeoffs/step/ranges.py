"""What numbers of a step's settings may be: whoever calls a step by hand has no config's schema."""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tradeoffs.step.errors import InputError


def is_number(text: str) -> bool:
    """Whether a text is a whole number that is none too long to be one: Python reads no more than 4,300 digits."""
    return re.fullmatch("[0-9]{1,18}", text) is not None


class Range(NamedTuple):
    """Numbers from ``least`` to ``most``, both among them but where ``above`` or ``below``; ``whole``: no others.

    ``times``: multiples of it alone.
    """

    least: float
    most: float = math.inf
    whole: bool = False
    above: bool = False
    below: bool = False
    times: int = 1

    def holds(self, value: Any) -> bool:
        """Whether a value is such a number."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        ends = (self.above and value == self.least) or (self.below and value == self.most)
        sized = math.isfinite(value) if isinstance(value, float) else abs(value) < 2**63
        inside = sized and self.least <= value <= self.most and not ends
        return inside and not (self.whole and value % self.times)

    def __str__(self) -> str:
        """What is expected, in words."""
        kind = ("a whole number" if self.times == 1 else f"a multiple of {self.times}") if self.whole else "a number"
        words = f"{kind} {'above' if self.above else 'from'} {self.least:g}"
        most = f"{self.most:,}" if self.whole else f"{self.most:g}"
        return words if math.isinf(self.most) else f"{words} to {'below ' if self.below else ''}{most}"


POSITIVE, COUNT = Range(0, above=True), Range(1, 10**12, whole=True)
SEED = Range(0, 2**31 - 1, whole=True)


def check(settings: Any, ranges: Mapping[str, Range]) -> None:
    """Raise InputError for the first setting, of a NamedTuple, that is out of its range, or an empty list.

    None is left to the setting's kind.
    """
    for name, value in settings._asdict().items():
        listed = value if isinstance(value, list) else [value]
        if not listed:
            raise InputError(f"--spec: {name} = []; expected one or more")
        expected = ranges.get(name)
        for each in listed:
            if expected is not None and each is not None and not expected.holds(each):
                raise InputError(f"--spec: {name} = {str(value)[:80]}; expected {expected}")
