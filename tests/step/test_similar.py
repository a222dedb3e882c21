"""What may have been meant by a name that is not known."""

from tradeoffs.step.similar import did_you_mean, similar

KNOWN = ["waterbirds", "rival10", "Salman2020_resnet18"]


def test_names_that_come_close_are_told_as_they_are_written():
    assert similar("waterbird", KNOWN) == "waterbirds"
    assert similar("salman2020_RESNET50", KNOWN) == "Salman2020_resnet18"
    assert similar("train", ["strain", "trains", "main"]) == "trains or strain or main"
    assert did_you_mean("rival1", iter(KNOWN)) == "; did you mean rival10?"


def test_where_none_comes_close_nothing_is_said():
    assert similar("", KNOWN) == similar("hat", KNOWN) == similar("hat", []) == did_you_mean("hat", KNOWN) == ""
