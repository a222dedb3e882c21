"""What a study costs in one line: counts alone, for every start of the workflow."""

import sys
from collections.abc import Mapping

from tradeoffs.compute.work import added
from tradeoffs.cost.jobs import listed
from tradeoffs.cost.table import passes, shown
from tradeoffs.study import replicates
from tradeoffs.study.model import Config, Model


def line(config: Config, models: Mapping[str, Model]) -> str:
    """Return how many trainings and evaluations there are, what has no result yet, and the passes of all."""
    jobs, unknown, _ = listed(config, models.values())
    todo = [job for job in jobs if not job.done]
    trained = sum(job.rule == "train" for job in jobs)
    whole, left = (passes(added(*(job.estimate.expected for job in some))) for some in (jobs, todo))
    rest = f"; without a result yet: {len(todo)} of them, {shown(left)}" if len(todo) < len(jobs) else ""
    most = "at most " if replicates.sequential(config[config["study"]]) else ""
    absent = f"; {len(unknown)} benchmark(s) not counted" if unknown else ""
    return (
        f"cost: {most}{trained} trainings and {len(jobs) - trained} evaluations, about {shown(whole)} passes of an "
        f"image through a network{rest}{absent} (tradeoffs cost says more)"
    )


def print_line(config: Config, models: Mapping[str, Model]) -> None:
    """Print the line beside what else a dry run says."""
    print(line(config, models), file=sys.stderr)
