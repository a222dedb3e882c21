"""Does adversarial training make networks rely more on backgrounds? Ask it of any network, from Python.

    import tradeoffs
    tradeoffs.evaluate(model, benchmark, data)      a benchmark of one model: metrics with intervals, images one by one
    tradeoffs.compare({name: model, ...}, ...)      several models on the same images: paired differences
    tradeoffs.benchmarks()                          what there is to measure, and what each needs
    tradeoffs.models()                              what a model may be
    tradeoffs.data()                                the data sets, their licences, how to have them
    tradeoffs.InputError                            whatever is wrong with what was given, in one line

The same as commands: ``tradeoffs evaluate``, ``compare``, ``list`` and ``fetch``; every step of the workflow is one too
(``tradeoffs --help``). Nothing is imported before it is used: torch takes seconds.
"""

import importlib
from types import ModuleType
from typing import Any

# Named by text, because an import would make every step of the workflow depend on all of them (step/code_id.py).
_PUBLIC = {
    "evaluate": "tradeoffs.api.evaluate",
    "compare": "tradeoffs.api.compare",
    "InputError": "tradeoffs.step.errors",
}
__all__ = ["InputError", "benchmarks", "compare", "data", "evaluate", "models"]


class _Room(ModuleType):
    """A room of the package that, called, lists what there is of its kind."""

    def __call__(self) -> Any:
        """Return a table: a row for each, and what it needs."""
        return importlib.import_module("tradeoffs.api.lists").table(self.__name__.rpartition(".")[2])


for _name in ("benchmarks", "data", "models"):
    importlib.import_module(f"{__name__}.{_name}").__class__ = _Room


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
