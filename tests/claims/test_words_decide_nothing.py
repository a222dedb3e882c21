"""What stands in a table of claims for people to read decides nothing: links, findings and figures follow columns."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from results.synthetic_study import Study, flat, told
from tradeoffs.claims.findings import OF_SCALES, findings, headlines
from tradeoffs.claims.row import CONCLUSION, EXPLORATORY, NETWORKS, Claim
from tradeoffs.figures import claims as figure
from tradeoffs.page.claim_list import claim_list
from tradeoffs.page.facts import Facts, Places, read
from tradeoffs.page.overview import overview
from tradeoffs.results.reading import read_table
from tradeoffs.results.rows import Row
from tradeoffs.results.study import Model
from tradeoffs.step.errors import InputError

ADDED = ["benchmarks", "metric", "models", "at_equal_accuracy", "missing"]


def moved(model: Model, benchmark: str, metric: str) -> float:
    """Metrics that move with the budget."""
    return flat(model, benchmark, metric) + 0.02 * model.epsilon


@pytest.fixture
def known(make_study: Callable[..., Study], make_tables: Callable[[Study], Path]) -> Facts:
    """A synthetic study with a grid and all sweeps, as a page reads it."""
    study = make_study(moved)
    folder = make_tables(study)
    return read(told(study.spec), {}, Places(folder / "summary", claims=folder / "claims"))


def reworded(rows: Sequence[Row]) -> list[Row]:
    """Other words in each statement and as its evidence; benchmarks and models are among them."""
    trap = "imagenet9: basic_standard; rival10 rfs_linf: cannot be tested: nothing"
    return [row | {"statement": f"Statement {n}.", "evidence": trap} for n, row in enumerate(rows)]


def test_links_findings_and_the_overview_stay_when_words_change(known: Facts) -> None:
    other = known._replace(claims=reworded(known.claims))
    ours, theirs = claim_list(known), claim_list(other)
    assert [each[1:] for each in ours] == [each[1:] for each in theirs]
    for each in ours:
        assert bool(each.benchmarks) == (each.row["subject"] == NETWORKS)
        assert bool(each.models) == (each.row["subject"] == NETWORKS and bool(each.row["value"]))
    said = findings(known.claims)
    assert len(said) >= 5
    of_scales = {row["claim"] for row in known.claims if row["scope"] == CONCLUSION and row["metric"] == "bg_gap"}
    assert of_scales == set(OF_SCALES)
    for before, after in zip(known.claims, other.claims, strict=True):  # some sentences quote their statement
        said = [text.replace(before["statement"].rstrip("."), after["statement"].rstrip(".")) for text in said]
    assert said == findings(other.claims)
    assert overview(known)._replace(decided=[]) == overview(other)._replace(decided=[])


def test_the_headlines_are_one_row_for_each_benchmark_raw_and_at_equal_accuracy(known: Facts) -> None:
    named = [benchmark.name for benchmark in known.study.benchmarks if benchmark.reliance]
    for equal in (False, True):
        found = headlines(known.claims, at_equal_accuracy=equal)
        assert [row["benchmarks"] for row in found] == named
        assert [row["metric"] for row in found] == [b.reliance[0].name for b in known.study.benchmarks if b.reliance]
        assert all(row["claim"].endswith("_beyond_accuracy") == equal for row in found)


def test_the_figure_stays_when_words_change(known: Facts, tmp_path: Path) -> None:
    shown = []
    for number, rows in enumerate((known.claims, reworded(known.claims))):
        path = tmp_path / f"{number}.csv"
        pd.DataFrame(rows).to_csv(path, index=False)
        table = read_table(path, Claim._fields)
        listed = figure.rows_of(table[table["subject"] == NETWORKS])
        shown.append([each.lines if each.claim is None else each.claim["claim"] for each in listed])
    assert shown[0] == shown[1]
    assert sum(isinstance(each, list) for each in shown[0]) == 4  # headings


def test_what_is_missing_is_said_by_its_column_alone(known: Facts, tmp_path: Path) -> None:
    for row in known.claims:
        assert bool(row["missing"]) == (not row["value"])
    untested = [row | {"value": "", "ci_low": "", "missing": "two budgets"} for row in reworded(known.claims)]
    pd.DataFrame(untested).to_csv(tmp_path / "untested.csv", index=False)
    assert figure.untested(read_table(tmp_path / "untested.csv", Claim._fields)).endswith(": two budgets")
    pd.DataFrame([row | {"scope": EXPLORATORY} for row in untested]).to_csv(tmp_path / "plain.csv", index=False)
    said = figure.untested(read_table(tmp_path / "plain.csv", Claim._fields))
    assert said.endswith("claims.csv says what is missing")


def test_a_table_from_before_these_columns_is_one_line(known: Facts, tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    pd.DataFrame(known.claims).drop(columns=ADDED).to_csv(old, index=False)
    for read_it in (
        lambda: figure.draw(claims=old),
        lambda: read(known.study, {}, Places(tmp_path / "summary", claims=old)),
    ):
        with pytest.raises(InputError) as caught:
            read_it()
        (line,) = str(caught.value).splitlines()
        assert line.startswith(f"{old}: columns {', '.join(ADDED)} are missing among ")
        assert line.endswith("make it again")
