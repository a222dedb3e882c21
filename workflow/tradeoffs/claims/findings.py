"""What a table of claims comes to, in sentences that are computed from its rows and from nothing else.

One sentence a question of the study; it names what is supported, what is contradicted, where there is no relevant
difference and what is undecided, with effects and 95 % intervals. Rows that point the other way are in it as any other.
A question that the table has no rows about has no sentence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from tradeoffs.claims.row import CONTRADICTED, EXPLORATORY, HEADLINE, LINEAR_MODEL, SUPPORTED, VERDICTS
from tradeoffs.step.declared_benchmarks import benchmarks

Row = Mapping[str, str]  # a row of claims.csv, cells as text
AnyRow = TypeVar("AnyRow", bound=Row)
GRADIENT = "gradient_share_background"
_WARNED = "no verdict, as a criterion fails"
# The conclusions about the background's scale (:mod:`tradeoffs.claims.scale_sweep`).
OF_SCALES = [f"background_scale.{name}" for name in ("l2", "l2.turns", "linf", "linf.growth")]


def findings(rows: Sequence[Row]) -> list[str]:
    """Return the sentences, in the order of the questions: the networks', then the linear model's."""
    return [sentence for answer in QUESTIONS for sentence in answer(rows)]


def in_short(rows: Sequence[Row]) -> list[str]:
    """Return the sentences without effects and intervals."""
    return [re.sub(r" \([-+]\d[^()]*\)", "", sentence) for sentence in findings(rows)]


def reliance(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what adversarial training does to reliance on backgrounds, benchmark by benchmark."""
    yield from _reliance(rows, at_equal_accuracy=False)


def reliance_at_equal_accuracy(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the same against standard networks of equal clean accuracy."""
    yield from _reliance(rows, at_equal_accuracy=True)


def headlines(rows: Sequence[AnyRow], *, at_equal_accuracy: bool) -> list[AnyRow]:
    """Return the headlines, of one measure each: the row that rests on all of them has no metric."""
    told = str(at_equal_accuracy)
    return [row for row in rows if row["scope"] == HEADLINE and row["metric"] and row["at_equal_accuracy"] == told]


def _reliance(rows: Sequence[Row], *, at_equal_accuracy: bool) -> Iterator[str]:
    found = headlines(rows, at_equal_accuracy=at_equal_accuracy)
    if not found:
        return
    named = _titles(found)
    against = "standard ones of equal accuracy" if at_equal_accuracy else "standard ones"
    said = _by_verdict(found, named, "more on {}", "less on {}", "as much, within the margin, on {}", "undecided on {}")
    yield f"Adversarially trained networks rely on backgrounds, against {against}: {said}."


def _titles(rows: Sequence[Row]) -> dict[str, str]:
    """Return what the benchmark of each row is called, by its claim; its name where it is none of ours."""
    titles = {name: declared.title for name, declared in benchmarks().items()}
    return {row["claim"]: titles.get(row["benchmarks"], row["benchmarks"]) for row in rows}


def correlation(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what a stronger spurious correlation in training does to accuracy, clean and under attack."""
    for kept, does, other in (("broken", "lowers", "raises"), ("preserved", "raises", "lowers")):
        names = {
            f"spurious_correlation.{kept}": "accuracy under attack",
            f"spurious_correlation.{kept}.clean": "clean accuracy",
            f"spurious_correlation.{kept}.retained": "the share retained under attack",
            f"spurious_correlation.{kept}.margin": "the distance to the decision boundary",
        }
        found = [row for row in rows if row["claim"] in names]
        if found:
            texts = (f"{does} {{}}", f"{other} {{}}", "leaves within the margin {}", "undecided: {}")
            sign = 1 if does == "raises" else -1
            said = _by_verdict(found, names, *texts, sign=sign)
            yield f"A stronger spurious correlation that is {kept} at test: {said}."


def scale(rows: Sequence[Row]) -> Iterator[str]:
    """Yield at which contrasts of the background training raises or lowers reliance on it, and the claims on that."""
    for norm in ("linf", "l2"):
        found = [row for row in rows if row["norm"] == norm and row["background_scale"]]
        if found:
            names = {row["claim"]: row["background_scale"] for row in found}
            texts = ("raises it at {}", "lowers it at {}", "leaves it within the margin at {}", "undecided at {}")
            said = _by_verdict(found, names, *texts)
            yield f"Reliance on the background as its contrast is scaled: {norm} training {said}{_mark(found)}."
    claims = [row for row in rows if row["claim"] in OF_SCALES]
    if claims:
        yield "; ".join(f"{row['statement'].rstrip('.')}: {_verdict(row)}{_effect(row)}" for row in claims) + "."


def shifts(rows: Sequence[Row]) -> Iterator[str]:
    """Yield claim (iii) on networks: what is lost where the correlation is removed or reversed at test."""
    losses = {
        "shifted_correlation.excess_risk_removed": "on clean images where it is removed",
        "shifted_correlation.excess_risk_reversed": "on clean images where it is reversed",
        "shifted_correlation.adversarial_excess_risk_removed": "under attack where it is removed",
        "shifted_correlation.adversarial_excess_risk_reversed": "under attack where it is reversed",
    }
    found = [row for row in rows if row["claim"] in losses]
    if found:
        said = _by_verdict(found, losses, "more {}", "less {}", "as much, within the margin, {}", "undecided {}")
        said += _mark(found)
        yield f"Where the spurious correlation does not hold at test, adversarially trained networks lose: {said}."


def gradients(rows: Sequence[Row]) -> Iterator[str]:
    """Yield whether adversarially trained networks have more of their gradient on the background."""
    of_grid = [row for row in rows if row["metric"] == GRADIENT and not row["norm"]]
    found = [row for row in of_grid if row["at_equal_accuracy"] == "False"]
    if found:
        texts = ("larger on {}", "smaller on {}", "the same, within the margin, on {}", "undecided on {}")
        said = _by_verdict(found, _titles(found), *texts)
        yield f"The share of the gradient on the background is, after adversarial training: {said}{_mark(found)}."


def linear_model(rows: Sequence[Row]) -> Iterator[str]:
    """Yield how many of the exact statements about the linear model hold, by claim and family."""
    for causal, family in ((True, "cause the response"), (False, "are caused by the response")):
        said = []
        for claim in ("(i)", "(ii)", "(iii)"):
            name = f"theory {claim}" + ("" if causal else ", anticausal")
            verdicts = [row["verdict"] for row in rows if row["subject"] == LINEAR_MODEL and row["claim"] == name]
            if verdicts:
                against = verdicts.count(CONTRADICTED)
                counted = f"{verdicts.count(SUPPORTED)} of {len(verdicts)} statements supported"
                said.append(f"claim {claim} {counted}" + (f", {against} contradicted" if against else ""))
        if said:
            yield f"Linear model whose features {family}: {'; '.join(said)}."


def _by_verdict(rows: Sequence[Row], names: Mapping[str, str], *texts: str, sign: int = 1) -> str:
    """Return a part for each verdict that rows have, with their names, effects and intervals in it.

    ``texts``: for supported, contradicted, equivalent, undecided; rows with a warning are told apart from the last.
    ``sign``: -1 turns effects round, where a claim is that something falls.
    """
    parts = []
    warned = [row for row in rows if row["warning"]]
    listed = [
        (text, [row for row in rows if row["verdict"] == verdict and row not in warned])
        for verdict, text in zip(VERDICTS, texts, strict=True)
    ]
    words = texts[-1].removeprefix("undecided")
    for text, found in [*listed, (f"{_WARNED}{'' if words.startswith(':') else ','}{words}", warned)]:
        if found:
            parts.append(text.format(", ".join(f"{names[row['claim']]}{_effect(row, sign)}" for row in found)))
    return "; ".join(parts)


def _mark(rows: Sequence[Row]) -> str:
    """Return what a sentence ends with that no conclusion rests on."""
    return " (exploratory)" if all(row["scope"] == EXPLORATORY for row in rows) else ""


def _verdict(row: Row) -> str:
    return _WARNED if row["warning"] else row["verdict"]


def _effect(row: Row, sign: int = 1) -> str:
    if not row["value"] or not row["ci_low"]:
        return ""
    value, low, high = (sign * float(row[column]) for column in ("value", "ci_low", "ci_high"))
    return f" ({value:+.3f} [{min(low, high):.3f}, {max(low, high):.3f}])"


QUESTIONS = (reliance, reliance_at_equal_accuracy, correlation, scale, shifts, gradients, linear_model)
