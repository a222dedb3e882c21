"""The benchmarks that a study leaves out because a data set is not at hand, with the reason and what to do.

    python -m tradeoffs.results.missing --spec '{"missing": [{"benchmark": ..., "dataset": ..., "reason": ...}]}' \
        --out missing.csv --card missing.json
"""

import argparse
import sys
import time
from pathlib import Path

from tradeoffs.results.table import write_csv
from tradeoffs.step.cards import write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError, exit_code
from tradeoffs.step.specs import parse_spec

COLUMNS = ("benchmark", "dataset", "reason")


def main() -> None:
    """Command line of the step."""
    parser = argparse.ArgumentParser(prog="python -m tradeoffs.results.missing", description="Benchmarks left out")
    parser.add_argument("--spec", required=True, help='JSON: {"missing": [{"benchmark", "dataset", "reason"}, ...]}')
    parser.add_argument("--out", type=Path, required=True, help="CSV to write")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    spec = parse_spec(arguments.spec, {"missing": list})
    for row in spec["missing"]:
        if not isinstance(row, dict) or row.keys() != set(COLUMNS):
            raise InputError(f"--spec: missing holds {row!r}; expected the keys {', '.join(COLUMNS)}")
    write_csv(arguments.out, COLUMNS, [[row[column] for column in COLUMNS] for row in spec["missing"]])
    code = code_id("tradeoffs.results.missing")
    write_card(arguments.card, kind="missing", spec=spec, code=code, data={}, started=started)


if __name__ == "__main__":
    sys.exit(exit_code(main))
