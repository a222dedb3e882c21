"""``tradeoffs figure NAME``: the options and settings of a figure are those of its module's ``draw``."""

from tradeoffs.figures.style import save, use_style  # before matplotlib, which the figures import

# isort: split

import importlib
from pathlib import Path
from typing import Any

from tradeoffs.figures import catalogue
from tradeoffs.step.command import Option, Step, Written, options_of


def step(name: str) -> Step:
    """Return the step that draws a figure: ``draw(settings, **tables)`` or ``draw(**tables)`` of its module.

    InputError for a figure that the catalogue does not have.
    """
    module = importlib.import_module(catalogue.entry(name).dotted)

    def run(*settings: Any, out: Path, **tables: Path) -> Written:
        use_style()
        save(module.draw(*settings, **tables), out / name)
        return Written("figure", [out / f"{name}.svg", out / f"{name}.png"])

    options = options_of(module.draw) | {"out": Option(Path, f"folder to write {name}.svg and {name}.png into", True)}
    title = (module.__doc__ or "").split("\n")[0]
    return Step(title, getattr(module, "Settings", None), options, run, (__name__, module.__name__))
