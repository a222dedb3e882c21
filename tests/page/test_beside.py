"""The page beside the published run: which verdicts differ, counted; nothing where nothing was compared."""

import pytest

from page.made_study import compared, page, write
from page.test_page_content import known, read
from tradeoffs.claims import reference_run
from tradeoffs.claims.reference_run import CONFLICT, HERE, NOT_HERE, NOT_THERE, SAME, Compared
from tradeoffs.claims.row import CONCLUSION, CONTRADICTED, EQUIVALENT, EXPLORATORY, HEADLINE, SUPPORTED, UNDECIDED
from tradeoffs.page import command
from tradeoffs.page.beside import beside
from tradeoffs.step.errors import InputError

ROWS = [
    Compared("same", "Alike.", HEADLINE, SUPPORTED, SUPPORTED, SAME),
    Compared("open", "Not seen here.", CONCLUSION, UNDECIDED, SUPPORTED, HERE),
    Compared("turned", "The other way.", CONCLUSION, CONTRADICTED, SUPPORTED, CONFLICT),
    Compared("looked", "A cell.", EXPLORATORY, EQUIVALENT, SUPPORTED, CONFLICT),
    Compared("new", "Ours alone.", CONCLUSION, SUPPORTED, None, NOT_THERE),
    Compared("old", "Theirs alone.", CONCLUSION, None, SUPPORTED, NOT_HERE),
]


def words(path):
    return " ".join(" ".join(read(path).seen).split())


def test_differing_conclusions_are_listed_and_the_rest_is_counted(tmp_path):
    found = beside(known(tmp_path, beside=ROWS))
    made = reference_run.in_words(reference_run.facts())
    assert found.said == [
        f"1 of 4 verdicts are those of the reference run ({made}); 2 contradict it.",
        "Exploratory: 1 conflict.",
        "2 are in one of the two alone.",
        "Settings that differ: miniature.training.epochs 12, there 24.",
    ]
    assert [row["claim"] for row in found.rows] == ["turned", "open"]  # what is in conflict first
    assert found.open
    said = words(page(tmp_path / "again", beside=ROWS))
    assert "published run The other way. contradicted supported Not seen here. undecided supported" in said


def test_a_run_that_only_decides_less_is_folded_and_one_like_it_has_no_table(tmp_path):
    assert not beside(known(tmp_path / "less", beside=ROWS[:2])).open
    alike = page(tmp_path / "alike", beside=ROWS[:1])
    assert "1 of 1 verdicts are those of the reference run" in words(alike)
    assert "whose verdicts differ" not in words(alike)


def test_where_nothing_was_compared_nothing_is_said(tmp_path):
    assert beside(known(tmp_path)) is None
    assert "published run" not in words(page(tmp_path / "page"))


def test_a_comparison_without_its_settings_is_one_line_and_one_without_a_card_has_none(tmp_path):
    settings, written = write(tmp_path, beside=ROWS)
    compared(written["reference"], ROWS, other="1")
    with pytest.raises(InputError, match=r"reference\.json: no other_settings; make reference\.csv again"):
        command.run(settings, out=tmp_path / "index.html", **written)
    assert not (tmp_path / "index.html").exists()
    (tmp_path / "cards/reference.json").unlink()
    command.run(settings, out=tmp_path / "index.html", **written)
    assert "4 verdicts" in words(tmp_path / "index.html")
    assert "Settings that differ" not in words(tmp_path / "index.html")
