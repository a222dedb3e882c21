"""Settings of the figures that are told of benchmarks."""

from typing import Any, NamedTuple


class Settings(NamedTuple):
    """The benchmarks that a figure shows or names, in their order."""

    benchmarks: list[dict[str, Any]]  # of the fields of tradeoffs.results.metrics.Benchmark
