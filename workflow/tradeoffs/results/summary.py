"""The tidy summary: every metric of every model in one row, from the evaluation cards.

    python -m tradeoffs.results.summary --spec '{"study": "miniature", "models": [...]}' \
        --evaluations results/miniature/evaluations --out summary.csv --sweeps sweeps.csv --card summary.json

``--out`` holds the models of the main grid and those of the user's own, ``--sweeps`` those of the sweeps and the
reference models. Effective robustness, which needs several models at once, is added here.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tradeoffs.results import effective_robustness
from tradeoffs.results.evaluations import FIELDS, Evaluations, read
from tradeoffs.results.table import SUMMARY_COLUMNS, SWEEP_COLUMNS, Model, parse, write_csv
from tradeoffs.step.cards import digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import exit_code

ROLES = ("main", "extra")  # whose models the summary lists; the others are in the table of the sweeps


def summary_rows(study: str, models: Sequence[Model], evaluations: Evaluations) -> Iterator[tuple[Any, ...]]:
    """Rows of the main models and the user's own, in the order of models, their benchmarks and the metrics' names."""
    added = effective_robustness.of_models(evaluations, models)
    for model in models:
        if model.role not in ROLES:
            continue
        for benchmark in model.benchmarks:
            metrics = dict(evaluations[model.id, benchmark].metrics)
            if benchmark == "objectnet":
                for (owner, name), measured in added.items():
                    if owner == model.id:
                        low, high = np.quantile(measured.draws, [0.025, 0.975])
                        values = (measured.value, float(low), float(high), measured.n)
                        metrics[name] = dict(zip(FIELDS, values, strict=True))
            for name in sorted(metrics):
                yield (*_identity(study, model), benchmark, name, *(metrics[name][field] for field in FIELDS))


def sweep_rows(study: str, models: Sequence[Model], evaluations: Evaluations) -> Iterator[tuple[Any, ...]]:
    """Rows of all other models, with what is swept."""
    for model in models:
        if model.role in ROLES:
            continue
        swept = (model.role.removesuffix("_sweep"), model.correlation, model.background_scale, model.images)
        for benchmark in model.benchmarks:
            metrics = evaluations[model.id, benchmark].metrics
            for name in sorted(metrics):
                values = (metrics[name][field] for field in FIELDS)
                yield (*_identity(study, model), *swept, benchmark, name, *values)


def _identity(study: str, model: Model) -> tuple[Any, ...]:
    return (study, model.id, model.architecture, model.norm, float(model.epsilon), model.seed)


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.results.summary", description="Evaluation cards to CSV")
    parser.add_argument("--spec", required=True, help='JSON: {"study": name, "models": [...]}')
    parser.add_argument("--evaluations", type=Path, required=True, help="folder with <benchmark>/<model>.json")
    parser.add_argument("--out", type=Path, required=True, help="CSV to write: models of the grid and your own")
    parser.add_argument("--sweeps", type=Path, required=True, help="CSV to write: models beside the main grid")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    study, models, spec = parse(arguments.spec)
    evaluations = read(arguments.evaluations, models)
    rows = list(summary_rows(study, models, evaluations))
    missing = effective_robustness.reason_to_leave_out(evaluations, models)
    if missing is not None:
        print(f"effective robustness is left out: {missing}")
    write_csv(arguments.sweeps, SWEEP_COLUMNS, sweep_rows(study, models, evaluations))
    write_csv(arguments.out, SUMMARY_COLUMNS, rows)
    write_card(
        arguments.card,
        kind="summary",
        spec=spec,
        code=code_id("tradeoffs.results.summary"),
        data={},
        started=started,
        files=digests(arguments.out, arguments.sweeps),
        rows=len(rows),
        left_out={} if missing is None else {"effective_robustness": missing},
    )


if __name__ == "__main__":
    sys.exit(exit_code(main))
