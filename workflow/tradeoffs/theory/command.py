"""``tradeoffs theory PART``: the parts of the theory, each a step of its own."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from tradeoffs.step.command import Step, Written, step_of
from tradeoffs.step.errors import InputError
from tradeoffs.step.ranges import COUNT, POSITIVE, SEED, Range, check

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

LARGEST = 1e6  # of standard deviations and budgets, where features are of order one
_CORRELATION, _UNIT = Range(-1, 1), Range(0, LARGEST, above=True)
RANGES = {
    "noise": Range(0, LARGEST),
    **dict.fromkeys(("core_noise", "core_noises", "scale", "scales", "largest_scale", "largest_budget"), _UNIT),
    "correlation": _CORRELATION,
    "correlations": Range(0, 1, above=True, below=True),  # of models that have a turning point
    "test_correlations": _CORRELATION,
    "budget_fractions": Range(0, 1, below=True),
    "cells": Range(2, whole=True),
    "features": Range(2, whole=True, times=2),  # half of them spurious
    "samples": Range(10, whole=True),
    "seeds": Range(2, whole=True),
    "attack_steps": COUNT,
    "updates": COUNT,
    "random_models": COUNT,
    "seed": SEED,
}
"""What the settings of all parts may be, by their names, but budgets: a list of them, or how many."""
BUDGETS = {list: POSITIVE, int: Range(2, whole=True)}


def step(part: str) -> Step:
    """Return the step of a part of the theory; InputError for one that there is not."""
    if part not in PARTS:
        raise InputError(f"theory {part}: no such part; expected one of {', '.join(PARTS)}")
    found = step_of(importlib.import_module(f"tradeoffs.theory.{PARTS[part]}"))
    return found if found.settings is None else found._replace(run=partial(_checked, found.run))


def _checked(run: Callable[..., Written], settings: Any, **options: Any) -> Written:
    check(settings, RANGES | {"budgets": BUDGETS[type(getattr(settings, "budgets", 0))]})
    return run(settings, **options)
