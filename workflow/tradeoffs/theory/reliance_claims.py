"""Claims (i) and (ii): which attack norms make which spurious features be used."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tradeoffs.claims.row import Claim
from tradeoffs.theory.claim_rows import NOTHING, Case, budget_grid, exact, family
from tradeoffs.theory.crossings import crossings
from tradeoffs.theory.curves import norm_name, reliance
from tradeoffs.theory.minimise import minimise
from tradeoffs.theory.model import GaussianModel
from tradeoffs.theory.threshold import scale_threshold, searched_threshold

Array = NDArray[np.float64]


def reliance_claims(cases: Sequence[Case], others: Sequence[GaussianModel], count: int) -> Iterator[Claim]:
    """Claim (i): for p = 1 and 2 the spurious features are used at every budget below collapse, at every scale.

    With several core features that pull a spurious one in opposite directions its weight can change sign between two
    budgets, and is then zero at one: the statement leaves out finitely many budgets, and their number is its value.
    """
    for p in (1.0, 2.0):
        least = float(shares([case.model for case in cases], p, count).min())
        yield exact(
            "theory (i)",
            f"Adversarial training with p = {norm_name(p)} relies on the spurious feature at every budget above 0 and "
            f"below collapse, whatever its scale (one core and one spurious feature).",
            "least share of the prediction carried by the spurious feature",
            least,
            least > NOTHING,
            f"{family(cases)}, {count} budgets each, exact minimisers",
        )
        least = float(shares(others, p, count).min()) if others else math.nan
        found = [crossings(model, p) for model in others]
        finite = [number for number in found if math.isfinite(number)]
        single = sum(model.spurious.sum() == 1 for model in others)
        yield exact(
            "theory (i)",
            f"Adversarial training with p = {norm_name(p)} relies on spurious features at all but finitely many "
            f"budgets above 0 and below collapse also with several core and spurious features.",
            "budgets at which every spurious weight is zero because its sign changes, over all models",
            sum(finite) if others else math.nan,
            len(finite) == len(found),
            f"{len(others)} random models, {single} of them with one spurious feature; {sum(n > 0 for n in finite)} "
            f"have such budgets, {max(finite, default=0):g} at most; {len(found) - len(finite)} have an interval of "
            f"them; on a grid of {count} budgets the least share of the prediction carried by spurious features is "
            f"{least:.2g}",
        )


def threshold_claims(cases: Sequence[Case], others: Sequence[GaussianModel], count: int) -> Iterator[Claim]:
    """Claim (ii): for p = inf there is a threshold in scale x correlation; none below it, some above it."""
    below, above = [case for case in cases if not case.above], [case for case in cases if case.above]
    largest = float(shares([case.model for case in below], math.inf, count).max()) if below else math.nan
    yield exact(
        "theory (ii)",
        "Adversarial training with p = inf gives a spurious feature no weight, at any budget, where scale x "
        "correlation is at most the scale of the core feature.",
        "largest share of the prediction carried by the spurious feature",
        largest,
        largest <= NOTHING,
        f"{family(below)}, {count} budgets each, exact minimisers",
    )
    least = float(shares([case.model for case in above], math.inf, count).min()) if above else math.nan
    yield exact(
        "theory (ii)",
        "Adversarial training with p = inf relies on the spurious feature, at every budget below collapse, where "
        "scale x correlation exceeds the scale of the core feature.",
        "least share of the prediction carried by the spurious feature",
        least,
        least > NOTHING,
        f"{family(above)}, {count} budgets each, exact minimisers",
    )
    error = max(abs(case.scale * abs(case.correlation) * searched_threshold(case.model) - 1) for case in cases)
    yield exact(
        "theory (ii)",
        "With one core and one spurious feature the p = inf threshold is scale x correlation = scale of the core.",
        "largest relative error of the closed form against a search over scales",
        error,
        error <= 1e-6,
        family(cases),
    )
    error = max(abs(scale_threshold(model) / searched_threshold(model) - 1) for model in others)
    yield exact(
        "theory (ii)",
        "With several core and spurious features a p = inf threshold in the scale exists too: the reciprocal of the "
        "largest ratio of spurious to core correlation with the residual along the core-only path.",
        "largest relative error of that threshold against a search over scales",
        error,
        error <= 1e-6,
        f"{len(others)} random models",
    )


def shares(models: Sequence[GaussianModel], p: float, count: int) -> Array:
    """Reliance on the spurious features, [models, budgets]."""
    return np.array([reliance(model, minimise(model, p, budget_grid(model, p, count)).theta) for model in models])
