"""How long the default run takes on so many cores, and what limits it: simulated from the seconds of a finished run.

    uv run python performance/cores.py --results FOLDER [--cores 1 2 4 8 16] [--overhead 0.1] [--dispatch 0.1]
    uv run python performance/cores.py --cluster 22 500 [--seconds-of-a-step 6] [--seconds-of-a-job 8]

FOLDER is one in which the workflow has run the miniature with the shipped config. The jobs are those of the plan but
for the page, its images and reference.csv, which come last and take seconds: each after what it needs, each as long as
its card says, plus ``--overhead`` seconds until Snakemake has begun and ended it; the first begins after ``--start``
seconds. Whenever a core is free the ready job of the highest priority takes it, as in Snakemake: what can be evaluated,
then trainings, the longest first. The critical path is the longest chain of jobs; no number of cores is faster.

The second call is of the imagenet study on SLURM, with so many models: jobs, and the share of start-up in them, where a
job starts Snakemake once and Python and torch for each of its evaluations. The hours are those that ``tradeoffs cost
--complete`` says of the published study, without controls, on a GPU that makes 2,500 forward passes of a ResNet-50 a
second.
"""

import argparse
import contextlib
import heapq
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tradeoffs.cost import slurm, study
from tradeoffs.cost.table import aligned
from tradeoffs.runner.hooks import FIRST, training_priority
from tradeoffs.study import plan
from tradeoffs.study.model import DEFAULT_WORLD

MINIATURE = Path("results/miniature")


class Job(NamedTuple):
    """One job: its seconds, the jobs that it comes after, and Snakemake's priority."""

    seconds: float
    after: tuple[str, ...]
    priority: int = 0


class Run(NamedTuple):
    """A simulated run: its ``wall`` seconds, and the seconds from its start at which trainings were done."""

    wall: float
    trained: float


def jobs() -> dict[str, Job]:
    """Return the jobs of the default run in this folder by name; those without a card here take no time."""
    asked = study.read([], [], complete=False)
    found: dict[str, Job] = {}
    for card in sorted(Path("resources/miniature").glob("*/*/card.json")):
        found[f"data {card.parent.parent.name} {card.parent.name}"] = Job(taken(card), (), FIRST)
    for card in sorted(Path("results/theory").glob("*.json")):
        found[f"theory {card.stem}"] = Job(taken(card), ())
    evaluated = []
    for model in asked.models.values():
        after = [f"data {model.world} imagenet", *([f"train {model.start}"] if model.start else [])]
        seconds = taken(MINIATURE / "models" / model.id / "card.json")
        found[f"train {model.id}"] = Job(seconds, tuple(after), training_priority(model))
        for benchmark in model.benchmarks:
            data = [f"data {model.world} {name}" for name in plan.read_by(benchmark)]
            card = MINIATURE / "evaluations" / benchmark / f"{model.id}.json"
            evaluated.append(f"evaluate {benchmark} {model.id}")
            found[evaluated[-1]] = Job(taken(card), (f"train {model.id}", *data), FIRST)
    tables = ("summary", "claims")
    for name in tables:
        theory = ("theory claims",) if name == "claims" else ()
        found[name] = Job(taken(MINIATURE / "cards" / f"{name}.json"), (*evaluated, *theory))
    for card in sorted((MINIATURE / "cards").glob("figure_*.json")):
        # Every figure is taken to wait for both tables and all of the theory: some wait for less.
        after = [*tables, *(name for name in found if name.startswith("theory "))]
        found[card.stem] = Job(taken(card), tuple(after))
    worlds = {model.world for model in asked.models.values()} | {DEFAULT_WORLD}
    kept = {name for name in found if not name.startswith("data ") or name.split()[1] in worlds}
    return {name: found[name]._replace(after=tuple(set(found[name].after) & kept)) for name in found if name in kept}


def taken(card: Path) -> float:
    """Return the seconds that a card says; 0 where there is none."""
    return float(json.loads(card.read_text()).get("seconds", 0.0)) if card.is_file() else 0.0


def simulate(listed: Mapping[str, Job], cores: int, overhead: float, start: float, dispatch: float) -> Run:
    """Return how long the jobs take on so many cores, begun in order of priority as soon as they can be.

    ``dispatch``: seconds between two that begin, as one process begins them all.
    """
    waits = {name: len(job.after) for name, job in listed.items()}
    follow: dict[str, list[str]] = {name: [] for name in listed}
    for name, job in listed.items():
        for before in job.after:
            follow[before].append(name)
    order = {name: position for position, name in enumerate(listed)}
    ready = [(-listed[name].priority, order[name], name) for name, left in waits.items() if not left]
    heapq.heapify(ready)
    now, trained, free = start, start, start
    running: list[tuple[float, str]] = []
    while ready or running:
        while ready and len(running) < cores:
            _, _, name = heapq.heappop(ready)
            begun = max(now, free)
            free = begun + dispatch
            heapq.heappush(running, (begun + listed[name].seconds + overhead, name))
        now, done = heapq.heappop(running)
        if done.startswith("train "):
            trained = now
        for name in follow[done]:
            waits[name] -= 1
            if not waits[name]:
                heapq.heappush(ready, (-listed[name].priority, order[name], name))
    return Run(now, trained)


def longest_chain(listed: Mapping[str, Job], overhead: float) -> tuple[float, list[str]]:
    """Return the seconds of the critical path, and its jobs."""
    ends: dict[str, tuple[float, str | None]] = {}

    def end(name: str) -> float:
        if name not in ends:
            before = max(((end(each), each) for each in listed[name].after), default=(0.0, None))
            ends[name] = (before[0] + listed[name].seconds + overhead, before[1])
        return ends[name][0]

    last: str | None = max(listed, key=end)
    chain: list[str] = []
    length = ends[str(last)][0]
    while last is not None:
        chain.append(last)
        last = ends[last][1]
    return length, chain[::-1]


def table(listed: Mapping[str, Job], numbers: list[int], overhead: float, start: float, dispatch: float) -> str:
    """Return a row for each number of cores."""
    work = sum(job.seconds for job in listed.values())
    path, _ = longest_chain(listed, overhead)
    head = ("cores", "wall s", "times one core", "efficiency", "trainings done s", "least s", "limited by")
    rows: list[tuple[str, ...]] = [head]
    one = simulate(listed, 1, overhead, start, dispatch).wall
    for cores in numbers:
        run = simulate(listed, cores, overhead, start, dispatch)
        limits = {
            "work": (work + overhead * len(listed)) / cores,
            "critical path": path,
            "beginning jobs": dispatch * len(listed),
        }
        by = max(limits, key=lambda name: limits[name])
        cells = [f"{run.wall:.0f}", f"{one / run.wall:.2f}", f"{work / (cores * run.wall):.0%}", f"{run.trained:.0f}"]
        rows.append((str(cores), *cells, f"{start + limits[by]:.0f}", by))
    return aligned(rows)


def cluster(models: list[int], step: float, job: float, hours_of_a_model: float, benchmarks: int) -> str:
    """Return jobs and the share of start-up for numbers of models, as grouped in the profile and so that it is 5 %."""
    grouped = slurm.evaluations_in_a_job(slurm.profile())
    each = 3600 * hours_of_a_model / benchmarks
    rows = [("models", "evaluations", "in a job", "jobs", "hours of a job", "start-up s of a job", "share of start-up")]
    for number in models:
        for size in (1, grouped):
            count = number * benchmarks
            begun = job + size * step
            share = begun / (begun + size * each)
            cells = (str(math.ceil(count / size)), f"{size * each / 3600:.2f}", f"{begun:.0f}", f"{share:.2%}")
            rows.append((str(number), str(count), str(size), *cells))
    return aligned(rows)


def hours_of_a_model() -> float:
    """Return the hours that a GPU takes for all benchmarks of a model of the published study, on average."""
    from tradeoffs.cost import hours, jobs  # torch takes seconds

    asked = study.read([], ["study=imagenet", "imagenet={controls: []}"], complete=True)
    known = jobs.listed(asked.config, asked.models.values())
    seconds = hours.measured(asked.config, known.jobs, {"resnet50": 2500.0}).seconds
    return sum(seconds.values()) / 3600 / len(asked.models)


def main() -> None:
    """Print a table of cores, or of a cluster."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, help="folder in which the workflow has run")
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2, 4, 8, 16], help="numbers of cores")
    parser.add_argument("--overhead", type=float, default=0.1, help="seconds of Snakemake for each job")
    parser.add_argument("--start", type=float, default=8.0, help="seconds until the first job begins")
    parser.add_argument("--dispatch", type=float, default=0.1, help="seconds between two jobs that begin")
    parser.add_argument("--cluster", type=int, nargs="+", default=[], help="numbers of models of the imagenet study")
    parser.add_argument("--seconds-of-a-step", type=float, default=6.0, help="until Python and torch are there")
    parser.add_argument("--seconds-of-a-job", type=float, default=8.0, help="until Snakemake has read the workflow")
    parser.add_argument("--hours-of-a-model", type=float, help="of a GPU; by default those of the published study")
    parser.add_argument("--benchmarks", type=int, default=7, help="of a model")
    given = parser.parse_args()
    if given.results:
        with contextlib.chdir(given.results):
            listed = jobs()
        length, chain = longest_chain(listed, given.overhead)
        total = sum(job.seconds for job in listed.values())
        if not total:
            parser.error(f"{given.results}: no job of the default run has a card here; expected where it was run")
        print(f"{len(listed)} jobs, {total:.0f} s of work; critical path {length:.0f} s: {', '.join(chain)}\n")
        print(table(listed, given.cores, given.overhead, given.start, given.dispatch))
    if given.cluster:
        of_a_model = given.hours_of_a_model or hours_of_a_model()
        told = (given.seconds_of_a_step, given.seconds_of_a_job, of_a_model, given.benchmarks)
        print(cluster(given.cluster, *told))


if __name__ == "__main__":
    main()
