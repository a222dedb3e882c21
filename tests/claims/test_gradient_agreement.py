"""Where the gradient's share on the background and BG-gap point the same way, and where not."""

import pytest

from claims.hand_made import by_name, grid, measured, strength, study
from tradeoffs.claims import gradient_agreement
from tradeoffs.claims.row import Claim
from tradeoffs.claims.variance import Estimate
from tradeoffs.results.study import Model

SHARE = "gradient_share_background"
CELLS = [(architecture, norm) for architecture in ("basic", "bottleneck") for norm in ("linf", "l2")]


def rows_of(signs: dict[tuple[str, str], tuple[float, float]], benchmark: str = "rival10") -> dict[str, Claim]:
    """The rows where training of each cell moves the share, and the gap, by these numbers at the largest budget."""
    models = grid(("basic", "bottleneck"))

    def moved(each: Model, which: int) -> float:
        return 0.0 if each.norm == "none" else signs[each.architecture, each.norm][which] * strength(each)

    found = measured(models, benchmark, SHARE, lambda m: 0.5 + moved(m, 0), trainings=0.002)
    found |= measured(models, "imagenet9", "bg_gap", lambda m: 0.1 + moved(m, 1), trainings=0.002)
    return by_name(gradient_agreement.claims(found, study(models)))


def test_all_signs_known_and_the_same() -> None:
    (row,) = rows_of({cell: (0.2, 0.1) if cell[1] == "l2" else (-0.2, -0.1) for cell in CELLS}).values()
    assert (row.claim, row.value, row.verdict, row.scope) == (
        "gradient_agreement.rival10",
        1.0,
        "supported",
        "exploratory",
    )
    assert row.p_value is not None
    assert row.p_value < 0.01
    assert "signs differ in none; they agree in basic linf (share -0." in row.evidence


def test_one_pair_of_known_signs_that_differ_contradicts_and_is_named() -> None:
    signs = dict.fromkeys(CELLS, (0.2, 0.1)) | {("basic", "linf"): (-0.2, 0.1)}
    (row,) = rows_of(signs, "salient_imagenet").values()
    assert (row.claim, row.value, row.verdict) == ("gradient_agreement.salient_imagenet", 0.75, "contradicted")
    differ, agree = row.evidence.split("; they agree in ")
    assert differ.startswith("salient_imagenet: signs differ in basic linf (share -0.")
    assert "BG-gap +0.0" in differ
    assert [cell for cell in CELLS if f"{cell[0]} {cell[1]} (" in agree] == CELLS[1:]


@pytest.mark.parametrize("gap", [1e-9, -1e-9])
def test_signs_that_are_not_known_decide_nothing_whichever_they_happen_to_be(gap: float) -> None:
    (row,) = rows_of(dict.fromkeys(CELLS, (0.2, gap))).values()
    assert row.verdict == "undecided"


def row_of(monkeypatch: pytest.MonkeyPatch, effects: list[tuple[float, float]], level: float = 0.05) -> Claim:
    """The row of architectures with these effects on share and gap, in standard errors."""
    found = [
        gradient_agreement.Pair(f"a{number}", "linf", *(Estimate(value, 1.0, 1e6, number + 1) for value in both))
        for number, both in enumerate(effects)
    ]
    monkeypatch.setattr(gradient_agreement, "pairs", lambda *_: found)
    models = grid()
    known = measured(models, "rival10", SHARE, lambda _: 0.5) | measured(models, "imagenet9", "bg_gap", lambda _: 0.1)
    (row,) = gradient_agreement.claims(known, study(models, level=level))
    return row


@pytest.mark.parametrize(
    ("effects", "level", "verdict"),
    [
        ([(3.0, 3.0), (2.0, 9.0)], 0.05, "supported"),
        ([(3.0, 3.0), (1.9, 9.0)], 0.05, "undecided"),  # every sign has to be known
        ([(3.0, 3.0), (2.0, 9.0)], 0.01, "undecided"),
        ([(-9.0, 9.0), (1.0, 0.1)], 0.05, "contradicted"),  # one that differs is enough
        ([(-2.1, 9.0), (1.0, 0.1)], 0.05, "undecided"),  # p = .036, of two that were looked at
        ([(-2.1, 9.0)], 0.05, "contradicted"),
        ([(-2.1, 9.0)], 0.01, "undecided"),
    ],
)
def test_signs_are_known_at_the_level_and_those_that_differ_among_all(
    monkeypatch: pytest.MonkeyPatch, effects: list[tuple[float, float]], level: float, verdict: str
) -> None:
    row = row_of(monkeypatch, effects, level)
    weakest = max(Estimate(value, 1.0, 1e6, 1).p_value() for both in effects for value in both)
    differ = any(share * gap < 0 for share, gap in effects)
    assert (row.verdict, row.replicates) == (verdict, 1)
    assert row.p_value == pytest.approx(1.0 if differ else weakest)


def test_without_bg_gap_there_is_no_row_and_without_noise_one_that_says_so() -> None:
    models = grid()
    only = measured(models, "rival10", SHARE, lambda _: 0.5)
    assert gradient_agreement.claims(only, study(models)) == []
    few = grid(budgets={"linf": (4.0,)}, copies=("",))
    found = measured(few, "imagenet9", SHARE, lambda _: 0.5) | measured(few, "imagenet9", "bg_gap", lambda _: 0.1)
    (row,) = gradient_agreement.claims(found, study(few))
    assert (row.verdict, row.value) == ("undecided", None)
    assert "three budgets" in row.evidence
