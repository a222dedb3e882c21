"""The claims as they are listed: each with its effect drawn, its verdict, and the models and benchmarks behind it."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from tradeoffs.claims.row import LINEAR_MODEL
from tradeoffs.page.facts import Facts
from tradeoffs.page.interval import interval
from tradeoffs.page.rows import number
from tradeoffs.results.rows import Row


class Listed(NamedTuple):
    """A claim: its row, the drawing of its effect, ids of the models and names of the benchmarks behind it."""

    row: Row
    drawing: Markup | None
    models: list[str]
    benchmarks: list[str]


def claim_list(facts: Facts) -> list[Listed]:
    """Return all claims, those about networks first, in the order of the table."""
    limit = scale(facts.networks)
    rows = sorted(facts.claims, key=lambda row: row["subject"] == LINEAR_MODEL)
    return [Listed(row, _drawing(row, limit), *_behind(row, facts)) for row in rows]


def _behind(row: Row, facts: Facts) -> tuple[list[str], list[str]]:
    """Return the models and the benchmarks of a claim that are of this study, in its order."""
    models, benchmarks = set(row["models"].split()), set(row["benchmarks"].split())
    of_study = facts.study
    return (
        [model.id for model in of_study.models if model.id in models],
        [each.name for each in of_study.benchmarks if each.name in benchmarks],
    )


def difference_list(facts: Facts) -> list[tuple[Row, Markup | None]]:
    """Return the differences between models, each with its drawing; they are listed where there are no claims."""
    limit = scale(facts.differences)
    return [(row, _drawing(row | {"margin": ""}, limit)) for row in facts.differences]


def scale(rows: Sequence[Row]) -> float:
    """Return the end of the scale on which all effects are drawn: nine of ten intervals lie within it."""
    intervals = [(number(row["ci_low"]), number(row["ci_high"])) for row in rows]
    ends = sorted(max(abs(low), abs(high)) for low, high in intervals if low is not None and high is not None)
    return ends[int(0.9 * (len(ends) - 1))] if ends and ends[-1] > 0 else 1.0


def _drawing(row: Row, limit: float) -> Markup | None:
    """Draw an effect that has an interval; a share, or what is exact, is a number alone."""
    value, low, high = (number(row[name]) for name in ("value", "ci_low", "ci_high"))
    if value is None or low is None or high is None:
        return None
    return interval(value, low, high, number(row["margin"]), limit)
