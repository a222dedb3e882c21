"""Claim (iii): risk in a test domain whose spurious correlation is removed or reversed, and when training hurts."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from tradeoffs.claims.row import Claim
from tradeoffs.theory.claim_rows import ROUNDING, Case, budget_grid, exact, family
from tradeoffs.theory.curves import norm_name
from tradeoffs.theory.model import shifted
from tradeoffs.theory.onset import adversarial_excess, clean_excess, onset
from tradeoffs.theory.risk import collapse_budget

VISIBLE = 0.01
"""An excess risk of 1 % counts as visible harm."""
_SHIFTS = {"removed": 0.0, "reversed": -1.0}


def shift_claims(cases: Sequence[Case], count: int) -> Iterator[Claim]:
    """Claim (iii): in a test domain with another spurious correlation adversarially trained models do worse."""
    for p in (1.0, 2.0, math.inf):
        chosen = [case for case in cases if case.above] if math.isinf(p) else list(cases)
        where = " above the threshold" if math.isinf(p) else ""
        for name, factor in _SHIFTS.items():
            least = min(
                (
                    float(clean_excess(model, p, shifted(model, factor), budget_grid(model, p, count)).min())
                    for model, _, _ in chosen
                ),
                default=math.nan,
            )
            yield exact(
                "theory (iii)",
                f"After adversarial training with p = {norm_name(p)}{where}, at every budget below collapse, the risk "
                f"is higher in a test domain with the spurious correlation {name} than in the training domain.",
                "least relative excess of the clean risk over the training domain's",
                least,
                least > ROUNDING,
                f"{family(chosen)}, {count} budgets each, exact minimisers",
            )
    below = [case for case in cases if not case.above]
    for name, factor in _SHIFTS.items():
        largest = max(
            (
                float(np.abs(clean_excess(m, math.inf, shifted(m, factor), budget_grid(m, math.inf, count))).max())
                for m, _, _ in below
            ),
            default=math.nan,
        )
        yield exact(
            "theory (iii)",
            f"After adversarial training with p = inf at or below the threshold the risk is the same in a test domain "
            f"with the spurious correlation {name}.",
            "largest relative difference of the clean risk from the training domain's",
            largest,
            largest <= ROUNDING,
            f"{family(below)}, {count} budgets each, exact minimisers",
        )


def onset_table(cases: Sequence[Case], count: int) -> dict[str, list[Any]]:
    """Onset budgets per model, norm and shift; inf where there is none.

    ``visible``: clean risk in the shifted domain exceeds the training domain's by VISIBLE. ``attacked``: adversarial
    training becomes worse than standard training in the shifted domain even under the attack it was trained for.
    ``largest_excess``: the largest relative excess of the clean risk over budgets.
    """
    rows = []
    for model, scale, rho in cases:
        for p in (1.0, 2.0, math.inf):
            budgets = budget_grid(model, p, count)
            for name, factor in _SHIFTS.items():
                test = shifted(model, factor)
                visible = onset(partial(clean_excess, model, p, test), budgets, VISIBLE)
                attacked = onset(partial(adversarial_excess, model, p, test), budgets, ROUNDING)
                largest = float(clean_excess(model, p, test, budgets).max())
                collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
                rows.append((norm_name(p), scale, rho, name, collapse, visible, attacked, largest))
    names = ("p", "scale", "correlation", "domain", "collapse_budget", "visible", "attacked", "largest_excess")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def onset_claims(onsets: dict[str, list[Any]]) -> Iterator[Claim]:
    """When training starts to hurt, as the median over models of the onset in units of the collapse budget."""
    rows = [dict(zip(onsets, row, strict=True)) for row in zip(*onsets.values(), strict=True)]
    for p in ("1", "2", "inf"):
        for name in _SHIFTS:
            chosen = [row for row in rows if row["p"] == p and row["domain"] == name]
            hurt = [row["visible"] / row["collapse_budget"] for row in chosen if math.isfinite(row["visible"])]
            attacked = sum(math.isfinite(row["attacked"]) for row in chosen)
            yield exact(
                "theory (iii)",
                f"There is a budget from which adversarial training with p = {p} visibly hurts, by {VISIBLE:.0%} of "
                f"the risk, in a test domain with the spurious correlation {name}.",
                "median of that budget over the models that have one, in units of the budget of collapse",
                float(np.median(hurt)) if hurt else math.nan,
                bool(hurt),
                f"{len(hurt)} of {len(chosen)} models have such a budget; in {attacked} training becomes worse than "
                f"standard training even under attack",
            )
