"""What a table of claims comes to, in sentences that are computed from its rows and from nothing else.

One sentence a question of the study; it names what is supported, what is contradicted, where there is no relevant
difference and what is undecided, with effects and 95 % intervals. Rows that point the other way are in it as any other.
A question that the table has no rows about has no sentence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from tradeoffs.claims.row import CONTRADICTED, EQUIVALENT, HEADLINE, LINEAR_MODEL, SUPPORTED, UNDECIDED
from tradeoffs.step.declarations import benchmarks

Row = Mapping[str, str]  # a row of claims.csv, cells as text
RELIANCE = "background_reliance"
BEYOND = "_beyond_accuracy"


def findings(rows: Sequence[Row]) -> list[str]:
    """Return the sentences, in the order of the questions: the networks', then the linear model's."""
    return [sentence for answer in QUESTIONS for sentence in answer(rows)]


def in_short(rows: Sequence[Row]) -> list[str]:
    """Return the sentences without effects and intervals."""
    return [re.sub(r" \([-+]\d[^()]*\)", "", sentence) for sentence in findings(rows)]


def reliance(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what adversarial training does to reliance on backgrounds, benchmark by benchmark."""
    yield from _headlines(rows, beyond=False)


def reliance_at_equal_accuracy(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the same against standard networks of equal clean accuracy."""
    yield from _headlines(rows, beyond=True)


def _headlines(rows: Sequence[Row], beyond: bool) -> Iterator[str]:
    titles = {name: declared.title for name, declared in benchmarks().items()}
    found = [row for row in rows if row["scope"] == HEADLINE and row["claim"].startswith(f"{RELIANCE}.")]
    found = [row for row in found if row["claim"].endswith(BEYOND) == beyond]
    if not found:
        return
    named = {row["claim"]: titles.get(row["claim"].split(".")[1], row["claim"].split(".")[1]) for row in found}
    against = "standard ones of equal accuracy" if beyond else "standard ones"
    said = _by_verdict(found, named, "more on {}", "less on {}", "as much, within the margin, on {}", "undecided on {}")
    yield f"Adversarially trained networks rely on backgrounds, against {against}: {said}."


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
        found = [row for row in rows if row["claim"].startswith(f"background_scale.{norm}.scale")]
        if found:
            names = {row["claim"]: row["background_scale"] for row in found}
            texts = ("raises it at {}", "lowers it at {}", "leaves it within the margin at {}", "undecided at {}")
            said = _by_verdict(found, names, *texts)
            yield f"Reliance on the background as its contrast is scaled: {norm} training {said}."
    claims = [row for row in rows if row["claim"].startswith("background_scale.") and row["scope"] == "conclusion"]
    if claims:
        yield "; ".join(f"{row['statement'].rstrip('.')}: {row['verdict']}{_effect(row)}" for row in claims) + "."


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
        yield f"Where the spurious correlation does not hold at test, adversarially trained networks lose: {said}."


def gradients(rows: Sequence[Row]) -> Iterator[str]:
    """Yield whether adversarially trained networks have more of their gradient on the background (exploratory)."""
    titles = {name: declared.title for name, declared in benchmarks().items()}
    names = {f"{RELIANCE}.{name}.gradient_share_background": title for name, title in titles.items()}
    found = [row for row in rows if row["claim"] in names]
    if found:
        texts = ("larger on {}", "smaller on {}", "the same, within the margin, on {}", "undecided on {}")
        said = _by_verdict(found, names, *texts)
        yield f"The share of the gradient on the background is, after adversarial training: {said} (exploratory)."


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

    ``texts``: for supported, contradicted, equivalent, undecided. ``sign``: -1 turns effects round, where a claim is
    that something falls.
    """
    parts = []
    for verdict, text in zip((SUPPORTED, CONTRADICTED, EQUIVALENT, UNDECIDED), texts, strict=True):
        named = [f"{names[row['claim']]}{_effect(row, sign)}" for row in rows if row["verdict"] == verdict]
        if named:
            parts.append(text.format(", ".join(named)))
    return "; ".join(parts)


def _effect(row: Row, sign: int = 1) -> str:
    if not row["value"] or not row["ci_low"]:
        return ""
    value, low, high = (sign * float(row[column]) for column in ("value", "ci_low", "ci_high"))
    return f" ({value:+.3f} [{min(low, high):.3f}, {max(low, high):.3f}])"


QUESTIONS = (reliance, reliance_at_equal_accuracy, correlation, scale, shifts, gradients, linear_model)
