"""The headline claims of a study and their verdicts: the first measure of reliance of each benchmark, all together.

A look (:mod:`tradeoffs.claims.look`) asks for no more than this function.
"""

from tradeoffs.claims import reliance
from tradeoffs.claims.row import UNDECIDED
from tradeoffs.results.measurements import Measurements
from tradeoffs.results.study import Study


def headlines(measured: Measurements, study: Study, level: float) -> dict[str, str]:
    """Return the verdict on each headline claim, by name, at a level that all share by Holm's procedure (1979)."""
    rows = {row.claim: row for row in reliance.claims(measured, study)}
    names = [f"background_reliance.{b.name}.{b.reliance[0].name}" for b in study.benchmarks if b.reliance]
    found = dict.fromkeys(names, UNDECIDED)
    listed = sorted((row.p_value, name) for name in names if (row := rows.get(name)) and row.p_value is not None)
    for turn, (p_value, name) in enumerate(listed):
        if p_value > level / (len(listed) - turn):
            break
        found[name] = rows[name].verdict
    return found
