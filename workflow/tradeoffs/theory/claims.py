"""The three claims of the paper's abstract on its linear model, as computed statements.

    tradeoffs theory claims --spec '{"noise": 0.5, "scales": [0.5, 2.0], "correlations": [0.3, 0.7],
        "core_noises": [0.5], "budgets": 200, "random_models": 60, "seed": 0}' \
        --out claims.csv --onsets onsets.csv --card claims.json

Every statement is about all models of a family and all budgets of a grid between 0.001 and 0.999 of the budget of
collapse. It is *supported* if it holds for every one of them and *contradicted* if any fails: the minimisers are
exact, so there is no interval and no p-value. Where the family is empty the verdict is *undecided*. Three families:
one core and one spurious feature over the grid of scales and correlations; random models with up to four features of
each kind; and one core and one spurious feature that the response causes, over scales, correlations and core noises.
``onsets.csv`` has, per model of the first and the last family, the budget at which training starts to hurt.
"""

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np

from tradeoffs.claims.row import Claim
from tradeoffs.results.theory_tables import write_table
from tradeoffs.step.command import Written
from tradeoffs.theory.anticausal_claims import anticausal_claims
from tradeoffs.theory.claim_rows import ANTICAUSAL, Case, random_models
from tradeoffs.theory.model import anticausal_model, two_feature_model
from tradeoffs.theory.reliance_claims import reliance_claims, threshold_claims
from tradeoffs.theory.shift_claims import onset_claims, onset_table, shift_claims


class Settings(NamedTuple):
    """Standard deviation of the noise, and the families of models."""

    noise: float
    scales: list[float]
    correlations: list[float]
    core_noises: list[float]  # sigma_c, where the response causes the features
    budgets: int
    random_models: int
    seed: int


def run(
    settings: Settings,
    *,
    out: Annotated[Path, "CSV to write: the claims"],
    onsets: Annotated[Path, "CSV to write: budgets at which harm starts"],
) -> Written:
    """Write the rows of the claims, and the onsets that some of them are about."""
    cases = [
        Case(two_feature_model(scale, rho, settings.noise), scale, rho)
        for scale in settings.scales
        for rho in settings.correlations
    ]
    caused = [
        Case(anticausal_model(scale, r, core_noise), scale, r, core_noise)
        for core_noise in settings.core_noises
        for scale in settings.scales
        for r in settings.correlations
    ]
    others = random_models(settings.random_models, settings.noise, np.random.default_rng(settings.seed))
    found = onset_table([*cases, *caused], settings.budgets)
    rows = [
        *reliance_claims(cases, others, settings.budgets),
        *threshold_claims(cases, others, settings.budgets),
        *shift_claims(cases, settings.budgets),
        *anticausal_claims(caused, settings.budgets),
        *onset_claims(found),
    ]
    rows.sort(key=lambda row: row.claim.endswith(ANTICAUSAL))  # one family after the other
    write_table(onsets, found)
    write_table(out, {name: [getattr(row, name) for row in rows] for name in Claim._fields})
    return Written("theory", [out, onsets])
