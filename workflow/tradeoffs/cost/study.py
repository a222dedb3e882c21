"""The study that a command is asked about: config files as Snakemake reads them, and the models they name."""

import os
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tradeoffs.runner import hooks
from tradeoffs.step.errors import InputError
from tradeoffs.study import config_files, imagenet, plan
from tradeoffs.study.model import Config, Model, by_id
from tradeoffs.study.published_data import IMAGENET


class Study(NamedTuple):
    """The checked config, its models, and a line for each benchmark or model that is left out of a run."""

    config: Config
    models: dict[str, Model]
    left_out: list[str]


def read(files: list[Path], given: list[str], *, complete: bool) -> Study:
    """Return the study of the folder's config, of ``files`` over it and of what is ``given`` as KEY=VALUE.

    ``complete``: with all its data sets and the models that these allow, whether or not they are at hand. The program
    ends with one line for a config that Snakemake would not run.
    """
    from snakemake.utils import update_config  # a fifth of a second, which other commands need not wait for

    if not hooks.SCHEMA.is_file():
        raise InputError(
            f"cost: {hooks.SCHEMA} is not there: this package was installed without the workflow; run `python -m "
            "tradeoffs cost` with the folder workflow/ of the project on PYTHONPATH, as uv run does in the project"
        )
    base = Path("config.yaml") if os.path.lexists("config.yaml") else hooks.HERE.parent / "config.yaml"
    config: Config = {}
    for path in (base, *files):
        text = Path(config_files.readable(path)).read_text(encoding="utf-8")
        update_config(config, yaml.safe_load(text))
    for text in given:
        update_config(config, _said(text))
    if complete and config.get("study") == "imagenet":
        return _complete(config, [base, *files], files)
    full, models = hooks.configured(config, [base, *files], files)
    rows = plan.missing_benchmarks(full)
    left_out = [f"{row['benchmark']}: {row['dataset']} is missing: {row['reason']}" for row in rows]
    return Study(full, models, left_out + [f"{name}: {why}" for name, why in plan.left_out(full).items()])


def _complete(config: Config, files: list[Path], given: list[Path]) -> Study:
    """Return the imagenet study as if every data set were at hand."""
    config = deepcopy(config)
    section = config.get("imagenet")
    entries = section.get("data") if isinstance(section, dict) else None
    for entry in entries.values() if isinstance(entries, dict) else ():  # what has another shape the check names
        if isinstance(entry, dict) and not _is_there(entry.get("path")):
            entry["path"] = None
    full = hooks.checked_config(config, files, given)
    study = full["imagenet"] | {"data": full["imagenet"]["data"] | {IMAGENET: {"path": "wherever it will be"}}}
    listed = [name for name, settings in study["benchmarks"].items() if settings.get("domains") != {}]
    models = by_id(imagenet.models(study, tuple(listed)))
    plan.check_together(full | {"imagenet": study}, models, tuple(listed))
    return Study(full | {"imagenet": study}, models, [f"{n}: {why}" for n, why in plan.left_out(full).items()])


def _is_there(path: object) -> bool:
    """Whether a data set is read from a folder of one's own, so that it is never downloaded."""
    return isinstance(path, str) and os.path.isdir(path)  # noqa: PTH112 - False for what no system takes too


def _said(text: str) -> dict[str, Any]:
    """Return what KEY=VALUE says, as Snakemake reads it; InputError for what it refuses."""
    from snakemake.cli import parse_config  # half a second, which other commands need not wait for

    try:
        return dict(parse_config([text]))
    except Exception:  # of many kinds, AssertionError among them
        raise InputError(f"--config: {text!r}; expected KEY=VALUE, as study=imagenet") from None
