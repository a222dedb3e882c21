"""What a run says on the terminal beside Snakemake's own: what is left out and why, what it cost, what fell short."""

import json
import math
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tradeoffs.claims import reference_run
from tradeoffs.compute import processor
from tradeoffs.results.rows import rows
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json
from tradeoffs.study.model import Config, Model


def print_missing(rows: list[Config]) -> None:
    """Print the benchmarks that are left out because a data set is not at hand (``study.missing_benchmarks``)."""
    for name, reason in {row["dataset"]: row["reason"] for row in rows}.items():
        left_out = ", ".join(row["benchmark"] for row in rows if row["dataset"] == name)
        print(f"{name} is missing, so the benchmarks that need it are left out ({left_out}): {reason}", file=sys.stderr)


def print_slow_training(workflow: Any, listed: dict[str, Model]) -> None:
    """Print why models that are trained here, on cores, will take long."""
    if workflow.resource_settings.nodes is None and workflow.global_resources["gpu"].value == 0:
        precisions = {model.spec["precision"] for model in listed.values() if model.source == "train"}
        for said in filter(None, map(processor.slow_bfloat16, sorted(precisions))):
            print(said, file=sys.stderr)


def print_left_out(reasons: dict[str, str]) -> None:
    """Print the published models that are left out (``plan.left_out``)."""
    for name, reason in reasons.items():
        print(f"{name} of the zoo is left out: {reason}", file=sys.stderr)


def print_unavailable(cards: list[str]) -> None:
    """Print the controls that are left out because their weights could not be had, as their cards say."""
    for card in map(Path, cards):
        with suppress(InputError):  # not made: another target was asked for
            if why := read_json(card).get("unavailable"):
                print(f"control {card.parent.name} is left out: {why}", file=sys.stderr)


def print_regime(path: Path) -> None:
    """Print how many criteria of the regime fail, and the first two; ``path``: the table, if there is one."""
    try:
        checked = rows(path, ("criterion", "subject", "passed"))
    except InputError:  # no claims in what was asked for; whoever reads the table is told of damage
        return
    failed = [row for row in checked if row["passed"] == "False"]
    if failed:
        kinds = Counter(row["criterion"] for row in failed)
        said = ", ".join(f"{criterion} ({count})" for criterion, count in kinds.items())
        print(
            f"{len(failed)} of {len(checked)} criteria fail, and claims that rest on them have no verdict: {said}",
            *(f"  {row['criterion']}: {row['subject']}" for row in failed[:2]),
            f"{path} names them",
            sep="\n",
            file=sys.stderr,
        )


def print_reference(folder: Path) -> None:
    """Print which verdicts differ from the reference run's; ``folder``: the study's, with the comparison, if any."""
    try:
        compared = rows(folder / "reference.csv", reference_run.Compared._fields)
        differing = read_json(folder / "cards/reference.json")["other_settings"]
    except (InputError, KeyError, TypeError):  # not asked for; whoever reads the table is told of damage
        return
    print(*reference_run.said(compared, differing, reference_run.facts()), sep="\n", file=sys.stderr)
    print(f"{folder / 'reference.csv'} has all of them", file=sys.stderr)


def print_cost(
    workflow: Any, listed: dict[str, Model], training_cores: int, evaluation_cores: int, since: float | None
) -> None:
    """Print how much of cores x wall time was the steps' own work: the seconds on every card, times a job's cores.

    ``since``: when the jobs began (``hooks.started``); nothing is printed where they did not.
    """
    if since is None:
        return
    wall = time.time() - since
    cards = [path for root in ("resources", "results") for path in _new_cards(Path(root), since)]
    if workflow.resource_settings.nodes is not None:
        work = sum(map(_seconds, cards))
        print(f"{work:.0f} s of work on the cluster and here in {wall:.0f} s", file=sys.stderr)
        return
    trained = {model.id for model in listed.values() if model.source == "train"}

    def granted(card: Path) -> int:
        match card.parts:
            case ("results", _, "evaluations", *_):
                return evaluation_cores
            case ("results", _, "models", model, *_) if model in trained:
                return training_cores
        return 1

    work = sum(_seconds(card) * granted(card) for card in cards)
    cores = workflow.cores
    share = 1 - work / (cores * wall)
    print(
        f"{work:.0f} s of work in {wall:.0f} s on {cores} cores: "
        f"{share:.0%} went to start-up, imports, scheduling and idle cores",
        file=sys.stderr,
    )


def _new_cards(root: Path, since: float) -> list[Path]:
    return [path for path in root.rglob("*.json") if _changed(path) >= since]


def _changed(path: Path) -> float:
    """Return when a file was changed; before all time where there is none: a broken link, one being replaced."""
    try:
        return path.stat().st_mtime if path.is_file() else -math.inf
    except OSError:
        return -math.inf


def _seconds(path: Path) -> float:
    """Return the work that a card records; other JSON files, and what cannot be read as JSON, record none."""
    try:
        content = json.loads(path.read_text())
        seconds = float(content["seconds"])
    except (OSError, ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0
