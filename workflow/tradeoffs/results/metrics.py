"""What tables, claims and figures are told of the benchmarks: titles, and of each metric its label and direction.

They are told by their settings, which the rules make of the declarations beside the benchmarks: no benchmark and no
metric is named here.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tradeoffs.step.errors import InputError

SIGNS = {"more": 1, "less": -1}


class Metric(NamedTuple):
    """A metric of a benchmark.

    ``direction``: ``more`` where high values mean much reliance on the background, ``less`` where low ones do, None
    where it is no measure of reliance. ``label``: of its axis in the figure of its benchmark, where it has a row if it
    has a label. ``normalised``: whether it is a gap of two accuracies over the largest possible. ``gap``: whether it is
    an accuracy lost with the background, whose floor is 0: where standard models lose none, no training can be seen to
    lower it.
    """

    benchmark: str
    name: str
    label: str = ""
    meaning: str = ""
    direction: str | None = None
    normalised: bool = False
    gap: bool = False

    @property
    def sign(self) -> int:
        """+1 where high values mean much reliance, -1 where low ones do. KeyError for no measure of reliance."""
        return SIGNS[str(self.direction)]

    @property
    def reliance(self) -> bool:
        """Whether it is a measure of reliance."""
        return self.direction is not None


class Benchmark(NamedTuple):
    """A benchmark: its name, what it is called, its metrics in the order in which they are reported.

    ``rests_on``: names of the accuracies without which its measures of reliance say nothing: where the largest is near
    ``chance`` (the accuracy of the best constant answer; None where nothing rests on one), or the least near 1.
    """

    name: str
    title: str
    metrics: tuple[Metric, ...]
    rests_on: tuple[str, ...] = ()
    chance: float | None = None

    @property
    def reliance(self) -> tuple[Metric, ...]:
        """Its measures of reliance; the first is the one its part of the overall claim rests on."""
        return tuple(metric for metric in self.metrics if metric.reliance)

    @property
    def beyond(self) -> tuple[Metric, ...]:
        """Its measures of reliance beyond accuracy, in the same order; they are measured where a study can."""
        return tuple(beyond_accuracy(metric) for metric in self.reliance)

    @property
    def drawn(self) -> tuple[Metric, ...]:
        """The metrics that its figure shows."""
        return tuple(metric for metric in self.metrics if metric.label)


def beyond_accuracy(metric: Metric) -> Metric:
    """Return a measure of reliance beyond accuracy: of the same direction, :mod:`tradeoffs.results.beyond_accuracy`."""
    of_equals = "beyond a standard model of equal accuracy"
    return metric._replace(
        name=f"{metric.name}_beyond_accuracy",
        label=f"{metric.label or metric.name} {of_equals}",
        meaning=f"{metric.meaning}, {of_equals}",
        normalised=False,
        gap=False,
    )


def benchmarks_of(listed: Sequence[Any]) -> list[Benchmark]:
    """Return the benchmarks that settings list. InputError names what is missing, unknown or of another kind."""
    found = []
    for position, row in enumerate(listed):
        where = f"--spec: benchmarks[{position}]"
        if not isinstance(row, dict) or row.keys() != set(Benchmark._fields) or not isinstance(row["metrics"], list):
            raise InputError(f"{where}: {str(row)[:120]}; expected {', '.join(Benchmark._fields)}, metrics a list")
        rests_on, chance = row["rests_on"], row["chance"]
        if not isinstance(rests_on, list) or not all(isinstance(metric, str) for metric in rests_on):
            raise InputError(f"{where}.rests_on is {rests_on!r}; expected a list of metrics")
        if chance is not None and not isinstance(chance, float):
            raise InputError(f"{where}.chance is {chance!r}; expected a number between 0 and 1, or null")
        metrics = [_metric(row["name"], f"{where}.metrics[{i}]", metric) for i, metric in enumerate(row["metrics"])]
        found.append(Benchmark(row["name"], row["title"], tuple(metrics), tuple(rests_on), chance))
    return found


def _metric(benchmark: str, where: str, row: Any) -> Metric:
    keys = set(Metric._fields) - {"benchmark"}
    if not isinstance(row, dict) or not {"name"} <= row.keys() <= keys:
        raise InputError(f"{where}: {str(row)[:120]}; expected name and any of {', '.join(sorted(keys))}")
    if row.get("direction") not in (None, *SIGNS):
        raise InputError(f"{where}.direction = {row['direction']!r}; expected {' or '.join(SIGNS)}, or none")
    metric = Metric(benchmark, **row)
    for field, value in metric._asdict().items():
        kind = bool if field in ("normalised", "gap") else str
        if not isinstance(value, kind) and field != "direction":
            raise InputError(f"{where}.{field} is {value!r}; expected {kind.__name__}")
    return metric


def saturated(value: float, ci_low: float, ci_high: float) -> bool:
    """Whether a normalised gap is at the end of its scale, and so no measurement.

    It is 1 or -1, but for rounding, where and only where one of its two accuracies is 0 or 1, and then whatever the
    other one is; it is 0 in every bootstrap draw where both are. The evaluation's card says so under ``saturated``.
    """
    return abs(value) > 1 - 1e-9 or value == ci_low == ci_high == 0
