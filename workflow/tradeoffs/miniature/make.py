"""Make a data set of the miniature, in its published layout: ``tradeoffs miniature DATASET ...``."""

import importlib
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Annotated

from tradeoffs.miniature.folder import build
from tradeoffs.miniature.settings import Settings, checked
from tradeoffs.step.command import Step, options_of
from tradeoffs.step.declared_data import data
from tradeoffs.step.errors import InputError


def step(dataset: str) -> Step:
    """Return the step of a data set; InputError for one that the miniature does not have."""
    known = [name for name in data() if Path(__file__).with_name(f"{name}.py").is_file()]
    if dataset not in known:
        raise InputError(f"dataset: {dataset!r} is unknown; choose one of {', '.join(known)}")
    module = importlib.import_module(f"tradeoffs.miniature.{dataset}")
    title = f"Write the miniature {dataset} data set in its published layout."
    return Step(title, Settings, options_of(run), partial(run, module, dataset), (module.__name__,), carded=False)


def run(
    module: ModuleType, dataset: str, settings: Settings, *, out: Annotated[Path, "folder to make or replace"]
) -> None:
    """Write the data set; ``fingerprint.json`` and ``card.json`` lie in the folder."""
    extra = ("test_images",) if dataset == "imagenet" else ()
    build(out, dataset, checked(settings, extra), module.write, extra)
