"""The three claims of the paper's abstract on its linear model, as computed statements.

    python -m tradeoffs.theory.claims --spec '{"noise": 0.5, "scales": [0.5, 2.0], "correlations": [0.3, 0.7],
        "budgets": 200, "random_models": 60, "seed": 0}' --out claims.csv --onsets onsets.csv --card claims.json

Every statement is about all models of a family and all budgets of a grid between 0.001 and 0.999 of the budget of
collapse. It is *supported* if it holds for every one of them and *contradicted* if any fails: the minimisers are
exact, so there is no interval and no p-value. Where the family is empty the verdict is *undecided*. Two families:
one core and one spurious feature over the grid of scales and correlations; and random models with up to four
features of each kind. ``onsets.csv`` has, per model of the first family, the budget at which training starts to hurt.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from tradeoffs.claims.row import Claim
from tradeoffs.results.theory_tables import write_table
from tradeoffs.step.cards import digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import exit_code
from tradeoffs.step.specs import parse_spec
from tradeoffs.theory.claim_rows import Case, random_models
from tradeoffs.theory.model import two_feature_model
from tradeoffs.theory.reliance_claims import reliance_claims, threshold_claims
from tradeoffs.theory.shift_claims import onset_claims, onset_table, shift_claims

_KEYS: dict[str, type | tuple[type, ...]] = {
    "noise": float,
    "scales": list,
    "correlations": list,
    "budgets": int,
    "random_models": int,
    "seed": int,
}


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.theory.claims", description="Theory claims")
    parser.add_argument("--spec", required=True, help="JSON settings: " + ", ".join(_KEYS))
    parser.add_argument("--out", type=Path, required=True, help="CSV to write: the claims")
    parser.add_argument("--onsets", type=Path, required=True, help="CSV to write: budgets at which harm starts")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    spec = parse_spec(arguments.spec, _KEYS)
    cases = [
        Case(two_feature_model(scale, rho, spec["noise"]), scale, rho)
        for scale in spec["scales"]
        for rho in spec["correlations"]
    ]
    others = random_models(spec["random_models"], spec["noise"], np.random.default_rng(spec["seed"]))
    onsets = onset_table(cases, spec["budgets"])
    rows = [
        *reliance_claims(cases, others, spec["budgets"]),
        *threshold_claims(cases, others, spec["budgets"]),
        *shift_claims(cases, spec["budgets"]),
        *onset_claims(onsets),
    ]
    write_table(arguments.onsets, onsets)
    write_table(arguments.out, {name: [getattr(row, name) for row in rows] for name in Claim._fields})
    files = digests(arguments.out, arguments.onsets)
    write_card(
        arguments.card, spec=spec, code=code_id("tradeoffs.theory.claims"), data={}, started=started, files=files
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
