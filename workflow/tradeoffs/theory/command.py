"""``tradeoffs theory PART``: the parts of the theory, each a step of its own."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from tradeoffs.step.command import Step, Written, step_of
from tradeoffs.step.errors import InputError
from tradeoffs.theory import ranges

PARTS = {
    "curves": "curves",
    "phase": "phase",
    "claims": "claims",
    "simulation": "simulation",
    "pgd": "pgd_simulation",
    "anticausal_curves": "anticausal_curves",
    "anticausal_phase": "anticausal_phase",
    "anticausal_simulation": "anticausal_simulation",
    "model": "own_model",
}
"""Modules of this folder, by what the command line calls them."""


def step(part: str) -> Step:
    """Return the step of a part of the theory; InputError for one that there is not."""
    if part not in PARTS:
        raise InputError(f"theory {part}: no such part; expected one of {', '.join(PARTS)}")
    found = step_of(importlib.import_module(f"tradeoffs.theory.{PARTS[part]}"))
    return found if found.settings is None else found._replace(run=partial(_checked, found.run))


def _checked(run: Callable[..., Written], settings: Any, **options: Any) -> Written:
    ranges.check(settings)
    return run(settings, **options)
