"""The results page of a comparison: the same page that a study has, of models that anybody put side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradeoffs.api.result import Result
from tradeoffs.page import facts, render
from tradeoffs.page.leaderboard import NUMBERS
from tradeoffs.results.metrics import SIGNS, benchmarks_of
from tradeoffs.results.rows import Row
from tradeoffs.results.study import Model, Study
from tradeoffs.results.table import SUMMARY_COLUMNS
from tradeoffs.step.declared_benchmarks import benchmarks as declared
from tradeoffs.study.specification import told

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"  # what a model was trained against, which nobody said
NO_CLAIMS = (
    "verdicts are about ways to train, and take several trainings of each; the differences here are those of these "
    "networks from {reference}, each trained once, with intervals over images alone"
)


def write(
    table: "pd.DataFrame", results: Mapping[tuple[str, str], Result], images: Sequence[dict[str, Any]], path: Path
) -> None:
    """Write the page of a comparison, of its table, results and images; OSError where it cannot be written."""
    names = tuple(dict.fromkeys(benchmark for _, benchmark in results))
    known = facts.Facts(
        Study(
            "comparison",
            _models(results, names),
            benchmarks_of([told(name, declared()[name], "imagenet") for name in names]),
        ),
        sources={},
        summary=[
            _row(model, benchmark, metric, *(each.card["metrics"][metric][field] for field in NUMBERS))
            for (model, benchmark), each in results.items()
            for metric in each.table.metric
        ],
        evaluations={key: each.card for key, each in results.items()},
        differences=[
            _row(row["model"], row["benchmark"], row["metric"], *_oriented(row), row["n"])
            for row in table.to_dict("records")
            if row["reliance"]
        ],
        no_claims=NO_CLAIMS.format(reference=table["reference"].iloc[0]),
    )
    render.write(path, known, images)


def _models(results: Mapping[tuple[str, str], Result], benchmarks: tuple[str, ...]) -> list[Model]:
    """Return the models, of whose training nothing is known."""
    networks = {model: str(each.card["spec"]["architecture"]) for (model, _), each in results.items()}
    return [
        Model(*(name, "extra", network, UNKNOWN, 0.0, 0, UNKNOWN, benchmarks, None, None, None))
        for name, network in networks.items()
    ]


def _row(model: str, benchmark: str, metric: str, *numbers: float) -> Row:
    """Return a row as a table of models has it."""
    text = [f"{number:.6g}" if number == number else "" for number in numbers]
    who = ("comparison", model, "extra", "", UNKNOWN, "", "")
    return dict(zip(SUMMARY_COLUMNS, (*who, benchmark, metric, *text, "1", ""), strict=True))


def _oriented(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return a difference and its interval, turned so that positive is more reliance."""
    value, low, high = (float(row[name]) for name in ("difference", "ci_low", "ci_high"))
    return (value, low, high) if SIGNS[row["reliance"]] > 0 else (-value, -high, -low)
