"""What would later replicates save, and what would claims lose, if they left out more of the models of the first?

    python performance/later_replicates.py --results results/miniature [--seconds ELSEWHERE/results/miniature]

Of a finished run with several replicates: for each choice of what replicates after the first leave out, how long three
replicates take against one, by the seconds on the cards of a first replicate (``--seconds``: of another run, on which
nothing else ran), and how wide the 95 % intervals of headlines and conclusions become, median and largest, over every
three replicates in a row and all together; and how many of their verdicts change. Prints a table in Markdown.
"""

import argparse
import statistics
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cores import taken
from replicates import claims

from tradeoffs.claims.row import Claim
from tradeoffs.models.ids import in_replicate
from tradeoffs.results.study import Model, Settings, Study, study_of
from tradeoffs.step.cards import read_card

# What is left out: by how the ids of these models say it.
CHOICES: dict[str, tuple[str, ...]] = {
    "nothing more": (),
    "a third standard model": ("_copy3",),
    "a second and third": ("_copy2", "_copy3"),
    "controls of 1,000 images": ("_images1000",),
    "controls of 2,000 images": ("_images2000",),
    "controls of 3,000 images": ("_images3000",),
    "controls of 8 epochs": ("_epochs8",),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What later replicates could leave out")
    parser.add_argument("--results", type=Path, required=True, help="results/<study> of a run with several replicates")
    parser.add_argument(
        "--seconds", type=Path, help="results/<study> whose first replicate is timed; default: that one"
    )
    options = parser.parse_args()
    study = study_of(Settings(**read_card(options.results / "cards/claims.json")["spec"]))
    last = max(model.replicate for model in study.models)
    groups = [range(first, first + 3) for first in range(1, last - 1, 3)] + [range(1, last + 1)]
    evaluations = options.results / "evaluations"
    before = [claims(evaluations, part(study, group, ())) for group in groups]
    said = [f"{group[0]} to {group[-1]}" for group in groups]
    print("| left out of replicates after the first | three take, times one |", " | ".join(said), "|")
    print("|---|---|" + "---|" * len(said))
    for name, left in CHOICES.items():
        after = [claims(evaluations, part(study, group, left)) for group in groups]
        cells = [wider(old, new) for old, new in zip(before, after, strict=True)]
        print(f"| {name} | {three(options.seconds or options.results, study, left):.2f} |", " | ".join(cells), "|")


def part(study: Study, replicates: Sequence[int], left: Collection[str]) -> Study:
    """Return the study of these replicates, numbered from 1; all but the first without the models left out."""
    models = [
        model._replace(replicate=replicates.index(model.replicate) + 1)
        for model in study.models
        if model.replicate in replicates and (model.replicate == replicates[0] or not _is_left(model, left))
    ]
    return study._replace(models=models)


def wider(before: dict[str, Claim], after: dict[str, Claim]) -> str:
    """Say how many times as wide intervals have become, and how many verdicts have changed."""
    ratios = [
        (after[name].ci_high - after[name].ci_low) / (row.ci_high - row.ci_low)  # type: ignore[operator]
        for name, row in before.items()
        if row.ci_low is not None and after[name].ci_low is not None
    ]
    changed = sum(row.verdict != after[name].verdict for name, row in before.items())
    return f"{statistics.median(ratios):.2f}, {max(ratios):.2f}; {changed} of {len(before)}"


def three(results: Path, study: Study, left: Collection[str]) -> float:
    """Return how long three replicates take, as multiples of the first, whose cards lie in ``results``."""
    first = sum(taken(path) for path in results.parent.rglob("*.json"))
    worlds = sum(taken(path) for path in results.parent.parent.glob("resources/*/*/*/card.json"))
    names = {in_replicate(model.id, 2): model.id for model in study.models if model.replicate == 1}
    again = 0.0
    for model in study.models:
        if model.replicate == 2 and not _is_left(model, left):
            again += taken(results / "models" / names[model.id] / "card.json")
            again += sum(taken(results / f"evaluations/{each}/{names[model.id]}.json") for each in model.benchmarks)
    return 1 + 2 * (again + worlds) / (first + worlds)


def _is_left(model: Model, left: Collection[str]) -> bool:
    return any(each in model.id for each in left)


if __name__ == "__main__":
    main()
