"""How many processes train one model together: what torchrun and our own launcher tell each by its environment."""

import os

from tradeoffs.step.errors import InputError
from tradeoffs.step.ranges import is_number

NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def world_size() -> int:
    """Return how many processes there are, 1 where the environment names none.

    InputError for what is no number, and where only some of NAMES are set: scripts of clusters export WORLD_SIZE for
    other programs.
    """
    text = os.environ.get("WORLD_SIZE", "1")
    if not is_number(text) or int(text) < 1:
        raise InputError(f"WORLD_SIZE = {text!r}; expected a number of processes, or unset it")
    absent = [name for name in NAMES if name not in os.environ]
    if int(text) > 1 and absent:
        raise InputError(
            f"WORLD_SIZE = {text} without {' and '.join(absent)}; expected all of them, as torchrun sets them, or "
            "none: unset WORLD_SIZE"
        )
    return int(text)
