"""How near ``tradeoffs cost`` is to what a finished run took, benchmark by benchmark.

    uv run python performance/cost.py --results FOLDER [--configfile FILE ...]
    uv run python performance/cost.py --results FOLDER --attacks MODEL ...

FOLDER is one in which the workflow has run. The first call times this machine's networks, as the command does, and
prints beside each other the seconds that are predicted and those that the cards hold: medians of the jobs of a row, of
one architecture. It means something on the machine that made the results, and as idle as it was.

The second puts models through the attacks again and counts the passes: as a share of the bound, which is what
``benchmarks/work/attack.py`` says is expected. How far a prediction is off then falls apart into what nobody knows
before, how soon images fall, and how long so many passes take.
"""

import argparse
import contextlib
import importlib
import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tradeoffs.benchmarks.evaluate import find
from tradeoffs.compute.batching import attacked_together
from tradeoffs.cost import hours, jobs, study
from tradeoffs.cost.jobs import Job
from tradeoffs.cost.table import aligned
from tradeoffs.models.networks import load

_WITHIN = 0.25


def compare(files: list[Path]) -> None:
    """Print a row for each rule or benchmark and architecture."""
    asked = study.read(files, [], complete=False)
    known = jobs.listed(asked.config, asked.models.values(), counting=True)
    predicted = hours.measured(asked.config, known.jobs, {}).seconds
    grouped: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for job in known.jobs:
        if (taken := seconds(asked.config["study"], job)) is not None and id(job) in predicted:
            grouped.setdefault((name(job), job.model.architecture), []).append((predicted[id(job)], taken))
    rows = [("step", "architecture", "jobs", "predicted s", "measured s", "ratio", "")]
    for (step, architecture), pairs in grouped.items():
        guess, taken = (statistics.median(values) for values in zip(*pairs, strict=True))
        good = "" if abs(guess / taken - 1) <= _WITHIN else f"more than {_WITHIN:.0%} off"
        rows.append((step, architecture, str(len(pairs)), f"{guess:.2f}", f"{taken:.2f}", f"{guess / taken:.2f}", good))
    everything = [pair for pairs in grouped.values() for pair in pairs]
    if not everything:
        raise SystemExit(f"{Path.cwd()}: no job of this config has a card here; expected the folder it was run in")
    guess, taken = (sum(values) for values in zip(*everything, strict=True))
    rows.append(("all", "", str(len(everything)), f"{guess:.0f}", f"{taken:.0f}", f"{guess / taken:.2f}", ""))
    print(aligned(rows))


def name(job: Job) -> str:
    """Return what a job's row is called; trainings of unlike lengths have rows of their own."""
    if job.part:
        return job.part
    kind = "standard" if job.model.norm == "none" else "adversarial"
    return f"train {kind}, {job.model.spec['images']} images x {job.model.spec['epochs']}"


def seconds(of_study: str, job: Job) -> float | None:
    """Return what a job took, as its card says; None where there is none."""
    place = f"evaluations/{job.part}/{job.model.id}.json" if job.part else f"models/{job.model.id}/card.json"
    card = Path("results", of_study, place)
    return float(json.loads(card.read_text())["seconds"]) if card.is_file() else None


class Counted(nn.Module):
    """A network that counts the images that go through it, forward and backward, and the calls."""

    def __init__(self, network: nn.Module) -> None:
        """``count``: images, by forward and gradients, and calls with a gradient."""
        super().__init__()
        self.network, self.count = network, Counter[str]()

    def forward(self, x: Tensor) -> Tensor:
        """Return the network's logits."""
        out: Tensor = self.network(x)
        self.count["forward"] += len(x)
        if out.requires_grad:
            out.register_hook(lambda _: self.count.update(gradients=len(x), forward=-len(x), calls=1))
        return out


def attacks(files: list[Path], models: list[str]) -> None:
    """Print for each model and benchmark with attacks what they took, and the seconds that follow from these passes."""
    asked = study.read(files, [], complete=False)
    of_study = asked.config["study"]
    listed = jobs.listed(asked.config, asked.models.values(), counting=True).jobs
    found = [(job, counted(of_study, job)) for job in listed if job.model.id in models and attacked(of_study, job)]
    predicted = hours.measured(asked.config, [job for pair in found for job in pair], {}).seconds
    rows: list[tuple[str, ...]] = [
        ("model", "benchmark", "share of the bound", "expected s", "of these passes s", "measured s", "ratio")
    ]
    for before, job in found:
        took, most = ((work.forward + 2 * work.gradients) for work in job.estimate[:2])
        taken = seconds(of_study, job) or float("nan")
        values = (predicted[id(before)], predicted[id(job)], taken, predicted[id(job)] / taken)
        rows.append((job.model.id, job.part, f"{took / most:.3f}", *(f"{value:.2f}" for value in values)))
    print(aligned(rows))


def attacked(of_study: str, job: Job) -> bool:
    """Whether a job is an evaluation whose passes the network's answers decide by attacks, and which has a card."""
    return job.part in ("adversarial", "shifted_correlation") and seconds(of_study, job) is not None


def counted(of_study: str, job: Job) -> Job:
    """Return the job with the passes that it takes in place of those expected: it is done again."""
    card = json.loads(Path("results", of_study, f"evaluations/{job.part}/{job.model.id}.json").read_text())
    spec: dict[str, Any] = card["spec"]
    weights = Path("results", of_study, f"models/{job.model.id}/weights.pt")
    roots = {data: Path("resources", of_study, job.model.world, data) for data in find(job.part).data}
    module: Any = importlib.import_module(f"tradeoffs.benchmarks.{job.part}")
    device = torch.device("cpu")
    network: Any = Counted(load(weights, spec["architecture"], spec["classes"], device))  # type: ignore[arg-type]
    module.evaluate(network, module.Settings(**spec), roots, device)
    count = network.count
    took = job.estimate.expected._replace(forward=count["forward"], gradients=count["gradients"])
    at_once = min(attacked_together(spec["crop"] ** 2, device), job.estimate.units)
    standing = count["gradients"] / count["calls"] / at_once
    print(job.model.id, job.part, dict(count), f"standing {standing:.3f}", flush=True)
    return job._replace(estimate=job.estimate._replace(expected=took, standing=standing))


def main() -> None:
    """Compare, or count attacks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, required=True, help="folder in which the workflow has run")
    parser.add_argument("--configfile", type=Path, nargs="+", default=[], help="config files that it was run with")
    parser.add_argument("--attacks", nargs="+", metavar="MODEL", help="count the attacks on these models instead")
    arguments = parser.parse_args()
    files = [path.absolute() for path in arguments.configfile]
    with contextlib.chdir(arguments.results):
        if arguments.attacks:
            attacks(files, arguments.attacks)
        else:
            compare(files)


if __name__ == "__main__":
    main()
