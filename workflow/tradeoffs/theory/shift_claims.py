"""Claim (iii): risk in a test domain whose spurious correlation is removed or reversed, and when training hurts."""

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from tradeoffs.claims.row import Claim
from tradeoffs.theory.claim_rows import (
    ANTICAUSAL,
    NOTHING,
    ROUNDING,
    SHIFTS,
    WHERE,
    Case,
    budget_grid,
    exact,
    family,
)
from tradeoffs.theory.curves import norm_name
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import shifted
from tradeoffs.theory.one_thread import on_one_thread
from tradeoffs.theory.onset import added_excess, adversarial_excess, clean_excess, excess_of, onset, signal_excess
from tradeoffs.theory.risk import collapse_budget

VISIBLE = 0.01
"""An excess risk of 1 % counts as visible harm."""


def shift_claims(cases: Sequence[Case], count: int) -> Iterator[Claim]:
    """Claim (iii): in a test domain with another spurious correlation adversarially trained models do worse."""
    for p in (1.0, 2.0, math.inf):
        chosen = [case for case in cases if case.above] if math.isinf(p) else list(cases)
        where = " above the threshold" if math.isinf(p) else ""
        found = [(minimise(model, p, budget_grid(model, p, count)).theta, model) for model, *_ in chosen]
        for name, factor in SHIFTS.items():
            domains = [(theta, model, shifted(model, factor)) for theta, model in found]
            least = min((float(excess_of(*each).min()) for each in domains), default=math.nan)
            signs = [float(signal_excess(*each).min()) for each in domains]
            yield exact(
                "theory (iii)",
                f"After adversarial training with p = {norm_name(p)}{where}, at every budget below collapse, the risk "
                f"is higher in a test domain with the spurious correlation {name} than in the training domain.",
                "least relative excess of the clean risk over the training domain's",
                least,
                min(signs, default=math.nan) > NOTHING,
                f"{family(chosen)}, {count} budgets each, exact minimisers",
            )
    below = [case for case in cases if not case.above]
    for name, factor in SHIFTS.items():
        largest = max(
            (
                float(np.abs(clean_excess(m, math.inf, shifted(m, factor), budget_grid(m, math.inf, count))).max())
                for m, *_ in below
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


@on_one_thread()
def onset_table(cases: Sequence[Case], count: int) -> dict[str, list[Any]]:
    """Onset budgets per model, norm and shift; inf where there is none.

    ``core_noise``: empty where the features cause the response. ``raised``: 1 where training raises reliance, else 0.
    ``visible``: the relative excess of the clean risk in the shifted domain over the training domain's is above that of
    standard training by VISIBLE. ``attacked``: adversarial training becomes worse than standard training in the shifted
    domain even under the attack it was trained for. ``largest_excess``: by how much the excess is above that of
    standard training at most, over budgets.
    """
    rows = []
    for case in cases:
        model, scale, rho, core_noise = case
        for p in (1.0, 2.0, math.inf):
            budgets = budget_grid(model, p, count)
            for name, factor in SHIFTS.items():
                test = shifted(model, factor)
                visible = onset(partial(added_excess, model, p, test), budgets, VISIBLE)
                attacked = onset(partial(adversarial_excess, model, p, test), budgets, ROUNDING)
                largest = float(added_excess(model, p, test, budgets).max())
                collapse = collapse_budget(model.covariance, model.theta, model.noise, p)
                point = (norm_name(p), scale, rho, core_noise, name, int(case.raised_by(p)))
                rows.append((*point, collapse, visible, attacked, largest))
    names = (
        *("p", "scale", "correlation", "core_noise", "domain", "raised"),
        *("collapse_budget", "visible", "attacked", "largest_excess"),
    )
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def onset_claims(onsets: dict[str, list[Any]]) -> Iterator[Claim]:
    """When training starts to hurt: in most models in which it raises reliance, since one would be no statement.

    Where the response causes both features, also that it never hurts in those in which it does not.
    """
    rows = [dict(zip(onsets, row, strict=True)) for row in zip(*onsets.values(), strict=True)]
    for anticausal, p, name in itertools.product((False, True), ("1", "2", "inf"), SHIFTS):
        family = [row for row in rows if (row["p"], row["domain"]) == (p, name)]
        family = [row for row in family if (row["core_noise"] is not None) == anticausal]
        if family:
            yield _harm([row for row in family if row["raised"]], p, name, anticausal)
        if family and anticausal:
            yield _no_harm([row for row in family if not row["raised"]], p, name)


def _harm(chosen: list[dict[str, Any]], p: str, name: str, anticausal: bool) -> Claim:
    hurt = [row["visible"] / row["collapse_budget"] for row in chosen if math.isfinite(row["visible"])]
    attacked = sum(math.isfinite(row["attacked"]) for row in chosen)
    earliest = f", at {np.median(hurt):.2g} of the budget of collapse in the median" if hurt else ""
    where = f"{WHERE}in" if anticausal else "In"
    return exact(
        f"theory (iii){ANTICAUSAL if anticausal else ''}",
        f"{where} most models in which training with p = {p} raises reliance there is a budget from which it visibly "
        f"hurts in a test domain with the spurious correlation {name}: the risk rises there by {VISIBLE:.0%} of itself "
        "more than after standard training.",
        "share of these models that have such a budget",
        len(hurt) / len(chosen) if chosen else math.nan,
        2 * len(hurt) > len(chosen),
        f"{len(hurt)} of {len(chosen)} models have it{earliest}; in {attacked} training becomes worse than standard "
        "training even under attack",
    )


def _no_harm(chosen: list[dict[str, Any]], p: str, name: str) -> Claim:
    excesses = [row["largest_excess"] for row in chosen]
    hurt = sum(excess > ROUNDING for excess in excesses)
    return exact(
        f"theory (iii){ANTICAUSAL}",
        f"{WHERE}training with p = {p} never hurts in a test domain with the spurious correlation {name} where it does "
        "not raise reliance: at no budget does the risk rise there more than after standard training.",
        "largest rise of the risk beyond that of standard training, as a share of itself",
        max(excesses, default=math.nan),
        hurt == 0,
        f"it rises more at some budget in {hurt} of {len(chosen)} models",
    )
