"""Numbers of work by rule and benchmark, as text."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tradeoffs.compute.work import Work, added
from tradeoffs.cost.jobs import Job

HEADER = ("step", "jobs", "to do", "files read", "forward", "gradients", "updates", "at most")


class Row(NamedTuple):
    """What the jobs of a rule and a benchmark do: as it is expected, and at most."""

    name: str
    jobs: list[Job]
    expected: Work
    most: Work


def rows(jobs: Iterable[Job], name: Callable[[Job], str]) -> list[Row]:
    """Return a row for each name that jobs have, in the order of the jobs."""
    grouped: dict[str, list[Job]] = {}
    for job in jobs:
        grouped.setdefault(name(job), []).append(job)
    return [
        Row(
            each,
            own,
            added(*(job.estimate.expected for job in own)),
            added(*(job.estimate.most for job in own)),
        )
        for each, own in grouped.items()
    ]


def passes(work: Work) -> float:
    """Return in units of a forward pass what the network does: a gradient is two, an update three.

    A backward pass to the image is as many multiplications as a forward one, and one to the weights as many again.
    """
    return work.forward + 2 * work.gradients + 3 * work.updates


def shown(number: float) -> str:
    """Return a number of images in three digits: 950, 12.3 k, 4.56 M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 0.9995 * size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row, in the order of HEADER."""
    to_do = sum(not job.done for job in row.jobs)
    bound = passes(row.most) / max(1.0, passes(row.expected))
    numbers = [shown(value) for value in row.expected[:4]]
    return row.name, str(len(row.jobs)), str(to_do), *numbers, f"x {bound:.2g}" if bound > 1.005 else "exact"


def aligned(listed: Sequence[Sequence[str]]) -> str:
    """Return rows as text, their columns aligned: names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    lines = []
    for row in listed:
        first, *others = (
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)
