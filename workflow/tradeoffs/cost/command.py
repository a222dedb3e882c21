"""What a study costs, before it runs: passes, bytes, hours, and what a cluster is asked for.

    tradeoffs cost --configfile lab.yaml --images-per-second resnet50=2500

Counts follow from the formulas beside the benchmarks (:mod:`tradeoffs.benchmarks.work`). Hours are those of this
machine, on which each network is timed for a moment, or of a GPU whose throughput is given. All is of the whole study;
beside it stands how many jobs have no result yet.
"""

from pathlib import Path
from typing import Annotated

from tradeoffs.compute.work import added
from tradeoffs.cost import files, jobs, slurm, study, table
from tradeoffs.cost.jobs import Job
from tradeoffs.cost.study import Study
from tradeoffs.cost.table import Row
from tradeoffs.step.errors import InputError
from tradeoffs.study import plan, replicates
from tradeoffs.study.model import Config


def run(
    *,
    configfile: Annotated[
        list[Path] | None, "config files over the folder's config.yaml, as Snakemake takes them"
    ] = None,
    config: Annotated[list[str] | None, "KEY=VALUE over all of them, as study=imagenet"] = None,
    complete: Annotated[bool, "the imagenet study with all its data sets, at hand or not"] = False,
    by: Annotated[str, "what has a row: benchmark, architecture (each benchmark of it) or model"] = "benchmark",
    images_per_second: Annotated[
        list[str] | None,
        "forward passes of a GPU, by network, as resnet50=2500; others follow by their multiplications",
    ] = None,
    counts: Annotated[bool, "no hours: no network is built or timed"] = False,
) -> None:
    """Print the tables; InputError for an option that says nothing, and for what Snakemake would not run."""
    if by not in _NAMES:
        raise InputError(f"--by: {by!r}; expected {', '.join(_NAMES)}")
    if counts and images_per_second:
        raise InputError("--images-per-second: says hours, of which --counts prints none; leave one of them out")
    try:
        found = study.read(configfile or [], config or [], complete=complete)
    except SystemExit as end:  # as the Snakefile's hooks end a run
        raise InputError(str(end.code).removeprefix("error: ")) from None
    known = jobs.listed(found.config, found.models.values(), counting=not complete)
    rows = table.rows(known.jobs, _NAMES[by])
    absent = list(known.unknown)
    hours: dict[str, float | None] = {}
    weights: dict[str, float] = {}
    said: list[str] = []
    if not counts:
        from tradeoffs.cost import hours as timed  # torch takes seconds
        from tradeoffs.cost import throughput

        result = timed.measured(found.config, known.jobs, throughput.given(images_per_second or []))
        if result.seconds:
            known_of = {row.name: [result.seconds[id(j)] for j in row.jobs if id(j) in result.seconds] for row in rows}
            hours = {name: sum(seconds) / 3600 if seconds else None for name, seconds in known_of.items()}
        weights = result.weights
        said = result.said + _left(known.jobs, result.seconds)
        said.append(_slurm(found, known.jobs, result.seconds if result.on_gpu else {}, bool(images_per_second)))
        absent += result.unknown
    _print_table(rows, hours)
    size = files.needed(found.config, found.models.values(), known.jobs, weights)
    print()
    images = sum(row.expected.kept for row in rows)
    once = f", {_gigabytes(known.decoded)} of them for {table.shown(images)} images that are not decoded again"
    keep = f"{_gigabytes(size.keep + known.decoded)} to keep{once if images else ''}"
    print(f"bytes: {_gigabytes(size.download)} to download, {keep}")
    print(f"memory: {_memory(found.config)}")
    if replicates.sequential(found.config[found.config["study"]]):
        said.append(f"replicates: auto: all is at most, of {replicates.most(found.config[found.config['study']])}")
    for line in said:
        print(line)
    for line in absent + size.unknown:
        print(f"not in the sum: {line}")
    for line in found.left_out:
        print(f"left out of the study: {line}")


_NAMES = {
    "benchmark": lambda job: job.part or job.rule,
    "architecture": lambda job: f"{job.part or job.rule} {job.model.architecture}",
    "model": lambda job: job.model.id,
}


def _print_table(rows: list[Row], hours: dict[str, float | None]) -> None:
    everything = [job for row in rows for job in row.jobs]
    total = Row(
        "all",
        everything,
        added(*(row.expected for row in rows)),
        added(*(row.most for row in rows)),
    )
    header: tuple[str, ...] = table.HEADER
    listed: list[tuple[str, ...]] = [table.cells(row) for row in (*rows, total)]
    if hours:
        values = [*(hours[row.name] for row in rows), sum(each for each in hours.values() if each is not None)]
        header = (*header, "hours")
        listed = [(*row, "?" if each is None else f"{each:.3g}") for row, each in zip(listed, values, strict=True)]
    print(table.aligned([header, *listed]))


def _left(listed: list[Job], seconds: dict[int, float]) -> list[str]:
    """Return the hours of the jobs without a result here, where some have one."""
    left, whole = (
        sum(seconds.get(id(job), 0.0) for job in some) / 3600
        for some in ([job for job in listed if not job.done], listed)
    )
    return [f"to do: {left:.3g} of {whole:.3g} hours"] if any(job.done for job in listed) else []


def _slurm(found: Study, listed: list[Job], seconds: dict[int, float], given: bool) -> str:
    """Return what a cluster is asked for, in a line; ``seconds`` of a GPU, of those jobs whose hours are known.

    ``given``: whether a throughput was, so that it is no use to ask for one.
    """
    by_rule = {rule: [job for job in listed if job.rule == rule] for rule in ("train", "evaluate")}
    grouped = slurm.evaluations_in_a_job(slurm.profile())
    number = slurm.jobs(len(by_rule["train"]), len(by_rule["evaluate"]), grouped)
    models = found.models.values()
    others = slurm.without_gpu(models, files.fetched(found.config, models))
    beside = ", ".join(f"{count} of {rule}" for rule, count in others.items() if count)
    jobs_asked = f"{number} job{'' if number == 1 else 's'}" + (f", and {beside} without a GPU" if beside else "")
    if not seconds:
        return f"SLURM: {jobs_asked}; " + ("hours of none are known" if given else "--images-per-second says the hours")
    trainings, evaluations = ([seconds[id(job)] for job in own if id(job) in seconds] for own in by_rule.values())
    asked = slurm.asked(trainings, evaluations, found.config["gpus_per_training"], grouped)
    longest = f"the longest training {asked.longest_training:.2g} h, " if trainings else ""
    return (
        f"SLURM: {asked.gpu_hours:.3g} GPU hours in {jobs_asked}; {longest}the longest evaluation "
        f"{asked.longest_evaluation:.2g} h, {grouped} of them in one job at most {asked.longest_group:.2g} h"
    )


def _memory(config: Config) -> str:
    """Return what a job of each rule asks for at its first attempt."""
    needs = plan.NEEDS[config["study"]].items()
    return ", ".join(f"{rule} {need.memory / 1000:.0f} GB" for rule, need in needs)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
