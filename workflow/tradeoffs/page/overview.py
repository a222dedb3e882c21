"""The overview: the question, the answer in three sentences computed from the claims, how sure it is, what was run."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from tradeoffs.claims.findings import headlines
from tradeoffs.claims.row import (
    CONCLUSION,
    CONTRADICTED,
    EQUIVALENT,
    RELIANCE,
    SUPPORTED,
    UNDECIDED,
    VERDICTS,
)
from tradeoffs.page.facts import Facts
from tradeoffs.page.rows import number
from tradeoffs.results.rows import Row
from tradeoffs.results.standard import is_standard

_ANSWERS = {
    SUPPORTED: "Yes, on every benchmark",
    CONTRADICTED: "No, not on every benchmark",
    EQUIVALENT: "By no relevant amount",
    UNDECIDED: "Undecided",
}
_NO_GRID = "the study has no grid of adversarially trained models to ask it of"


class Overview(NamedTuple):
    """What stands at the top. ``answer`` and ``sure``: sentences.

    ``decided``: conclusions about networks with a verdict. ``run``: what was run, as name and value.
    """

    answer: list[str]
    sure: list[str]
    decided: list[Row]
    run: list[tuple[str, str]]


def overview(facts: Facts) -> Overview:
    """Return all of it; where there are no claims, the reason stands in the place of the answer."""
    decided = [row for row in conclusions(facts) if row["verdict"] != UNDECIDED]
    return Overview(answer(facts), sure(facts), decided, run(facts))


def conclusions(facts: Facts) -> list[Row]:
    """Return the conclusions about networks that are no headlines."""
    return [row for row in facts.networks if row["scope"] == CONCLUSION]


def answer(facts: Facts) -> list[str]:
    """Return three sentences: over all benchmarks, at equal accuracy, and of the other conclusions."""
    if not facts.claims:
        return [f"No answer to that: {facts.no_claims}."]
    whole = next((row for row in facts.networks if row["claim"] == RELIANCE), None)
    raw, equal = (headlines(facts.networks, at_equal_accuracy=equal) for equal in (False, True))
    if whole is None:
        why = "no measure of reliance was taken of it" if _has_grid(facts) else _NO_GRID
        first = f"No answer over all benchmarks: {why}."
    else:
        # A claim that all hold is tested by each of them by itself; their own verdicts are among all (claims.all_of).
        alone = whole["verdict"] in (SUPPORTED, EQUIVALENT) and any(row["verdict"] != whole["verdict"] for row in raw)
        first = f"{_ANSWERS[whole['verdict']]}{', each by itself; corrected for their number' if alone else ''}: "
        first += f"{counted(raw, 'headline measure', 'of reliance')}."
    second = (
        f"Against standard models of equal clean accuracy, {counted(equal, 'headline measure', 'of reliance')}."
        if equal
        else _nothing_at_equal_accuracy(facts)
    )
    others = conclusions(facts)
    exact = [row for row in facts.claims if row not in facts.networks]
    found = [counted(others, "other conclusion", "about networks")] if others else []
    found += [counted(exact, "exact statement", "about linear models")] if exact else []
    third = (
        f"When? {_capital('; '.join(found))}."
        if found
        else "Nothing else is concluded, of networks or of linear models."
    )
    return [first, second, third]


def _has_grid(facts: Facts) -> bool:
    return any(model.role == "main" and not is_standard(model) for model in facts.study.models)


def _nothing_at_equal_accuracy(facts: Facts) -> str:
    """Say why no headline stands at equal accuracy, and what does."""
    said = "Nothing is said of headlines at equal clean accuracy: "
    own = sum(row["at_equal_accuracy"] == "True" for row in facts.networks)
    beside = f"; rows of single models at equal accuracy: {own}" if own else ""
    why = "too few standard models of different accuracy were measured" if _has_grid(facts) else _NO_GRID
    return f"{said}{why}{beside}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def counted(rows: Sequence[Row], thing: str, about: str) -> str:
    """Return ``of 5 headlines about networks 1 is supported, 4 are undecided``, or ``all 5 headlines ... are``."""
    counts = Counter(row["verdict"] for row in rows)
    things = f"{len(rows)} {thing}{'' if len(rows) == 1 else 's'} {about}"
    if len(counts) == 1:
        (verdict,) = counts
        return f"the {things[2:]} is {verdict}" if len(rows) == 1 else f"all {things} are {verdict}"
    listed = [(counts[verdict], verdict) for verdict in VERDICTS if counts[verdict]]
    said = ", ".join(f"{count} {'is' if count == 1 else 'are'} {verdict}" for count, verdict in listed)
    return f"of {things} {said or 'none was tested'}"


def sure(facts: Facts) -> list[str]:
    """Return how sure the answer is: replicates, chances that a rerun says the same, criteria that fail."""
    if not facts.claims:
        return []
    count = facts.replicates
    worlds = len({model.world for model in facts.study.models if model.role == "main"})
    of_its_own = "each in a world of its own" if worlds == count else "in one world"
    said = [
        "It rests on one replicate: each network was trained once, in one world."
        if count == 1
        else f"It rests on {count} replicates: each network of the grid was trained as many times, {of_its_own}."
    ]
    of_headlines = headlines(facts.networks, at_equal_accuracy=False)
    chances = [chance for row in of_headlines if (chance := number(row["rerun"])) is not None]
    if chances:
        least, most = f"{min(chances):.0%}", f"{max(chances):.0%}"
        between = least if least == most else f"{least} to {most}"
        said.append(
            f"The chance that another study of the same size comes to the same verdict is {between} for the headlines, "
            "each by itself."
        )
    failed = [row for row in facts.regime if row["passed"] != "True"]
    if not facts.regime:
        said.append("No criteria of the regime were checked.")
    elif failed:
        names = Counter(row["criterion"] for row in failed)
        listed = ", ".join(f"{name} ({times})" for name, times in names.items())
        said.append(
            f"{len(failed)} of {len(facts.regime)} criteria of whether numbers can say something fail: {listed}."
        )
    else:
        said.append(f"All {len(facts.regime)} criteria of whether numbers can say something are met.")
    warned = sum(bool(row["warning"]) for row in facts.networks)
    if warned:
        said.append(f"{warned} claims have no verdict because of a criterion that fails.")
    return said


def run(facts: Facts) -> list[tuple[str, str]]:
    """Return what was run, as name and value."""
    study = facts.study
    seeds = {row["seed"] for row in [*facts.summary, *facts.sweeps]} - {""}
    there = {row["model"] for row in [*facts.summary, *facts.sweeps]}  # a control may not have been to be had
    roles = Counter(model.role for model in study.models if model.id in there)
    cards = [*facts.cards.values(), *facts.evaluations.values()]
    measured = {row["benchmark"] for row in [*facts.summary, *facts.sweeps]}
    listed = [
        ("Study", study.name),
        ("Models", f"{roles.total()} ({', '.join(f'{number} {role}' for role, number in roles.items())})"),
        ("Replicates", str(facts.replicates)),
        *([("Seeds", f"{len(seeds)}; a model's card has its own")] if seeds else []),
        ("Benchmarks", ", ".join(each.title for each in study.benchmarks if each.name in measured) or "none"),
    ]
    if absent := [each.title for each in study.benchmarks if each.name not in measured]:
        listed.append(("Not measured", ", ".join(absent)))
    if cards:
        trained, had = (
            [card for model, card in facts.cards.items() if (facts.sources.get(model) == "train") == here]
            for here in (True, False)
        )
        work = {"trainings": trained, "conversions of weights": had, "evaluations": [*facts.evaluations.values()]}
        spent = {name: sum(card["seconds"] for card in each) for name, each in work.items() if each}
        time = ", ".join(f"{seconds:,.0f} s of {name}" for name, seconds in spent.items())
        listed += [
            ("Device", ", ".join(sorted({str(card["device"]) for card in cards}))),
            ("Time", f"{time}, one after the other"),
            ("Versions", _versions([card["versions"] for card in cards])),
        ]
    return listed


def _versions(found: Sequence[dict[str, Any]]) -> str:
    """Return each library with its version, or all that were used where they differ."""
    names = dict.fromkeys(name for each in found for name in each)
    return ", ".join(f"{name} {' or '.join(sorted({each[name] for each in found if name in each}))}" for name in names)
