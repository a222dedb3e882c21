"""How near ``tradeoffs cost`` is to what a finished run took, benchmark by benchmark.

    uv run python performance/cost.py --results FOLDER [--configfile FILE ...]
    uv run python performance/cost.py --results FOLDER --attacks MODEL ...

FOLDER is one in which the workflow has run. The first call times this machine's networks, as the command does, and
prints beside each other the seconds that are predicted and those that the cards hold: medians of the jobs of a row, of
one architecture. It means something on the machine that made the results, and as idle as it was.

The second puts models through the attacks again and counts the passes: as a share of the bound, which is what
``benchmarks/work/attack.py`` says is expected.
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

from tradeoffs.benchmarks import work
from tradeoffs.benchmarks.evaluate import find
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
    """A network that counts the images that go through it, forward and backward."""

    def __init__(self, network: nn.Module) -> None:
        """``count``: images, by forward and gradients."""
        super().__init__()
        self.network, self.count = network, Counter[str]()

    def forward(self, x: Tensor) -> Tensor:
        """Return the network's logits."""
        out: Tensor = self.network(x)
        self.count["forward"] += len(x)
        if out.requires_grad:
            out.register_hook(lambda _: self.count.update(gradients=len(x), forward=-len(x)))
        return out


def attacks(models: list[str]) -> None:
    """Print for each model and benchmark with attacks what they took, as a share of the bound."""
    rows = [("model", "benchmark", "forward", "gradients", "share of the bound")]
    for model in models:
        for benchmark in ("adversarial", "shifted_correlation"):
            card = Path(f"results/miniature/evaluations/{benchmark}/{model}.json")
            if not card.is_file():
                continue
            spec: dict[str, Any] = json.loads(card.read_text())["spec"]
            weights = Path(f"results/miniature/models/{model}/weights.pt")
            roots = {data: Path("resources/miniature/default", data) for data in find(benchmark).data}
            module: Any = importlib.import_module(f"tradeoffs.benchmarks.{benchmark}")
            device = torch.device("cpu")
            network: Any = Counted(load(weights, spec["architecture"], spec["classes"], device))  # type: ignore[arg-type]
            module.evaluate(network, module.Settings(**spec), roots, device)
            formula = work.find(benchmark)
            most = formula.estimate(spec, formula.counted(spec, roots)).most
            done = network.count
            share = (done["forward"] + 2 * done["gradients"]) / (most.forward + 2 * most.gradients)
            rows.append((model, benchmark, str(done["forward"]), str(done["gradients"]), f"{share:.3f}"))
            print(*rows[-1], flush=True)
    print(aligned(rows))


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
            attacks(arguments.attacks)
        else:
            compare(files)


if __name__ == "__main__":
    main()
