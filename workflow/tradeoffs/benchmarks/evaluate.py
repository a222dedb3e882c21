"""Put a model through a benchmark.

    tradeoffs evaluate waterbirds --spec '{"model": "basic_standard", "architecture": "basic", ...}' \
        --weights weights.pt --data waterbirds=resources/miniature/default/waterbirds \
        --outcomes waterbirds.npz --card waterbirds.json

A benchmark is a module of this folder with ``Settings`` and ``evaluate``, and the declaration beside it. Its card holds
metrics and provenance, its outcomes (npz) what was said of each image and ``draws/<metric>`` of the bootstrap.
"""

import importlib
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch

from tradeoffs.benchmarks import ranges
from tradeoffs.benchmarks.evaluation import Evaluation, EvaluationSettings
from tradeoffs.compute import memory
from tradeoffs.compute.device import choose_device
from tradeoffs.models import confinement
from tradeoffs.models.networks import Network, load
from tradeoffs.step import declared_benchmarks
from tradeoffs.step.cards import check
from tradeoffs.step.command import Step, Written, options_of
from tradeoffs.step.declared_benchmarks import Benchmark
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json, write_whole
from tradeoffs.step.similar import did_you_mean


def step(benchmark: str) -> Step:
    """Return the step of a benchmark; InputError for an unknown one, and one whose module and declaration differ."""
    declared = find(benchmark)
    module = importlib.import_module(f"tradeoffs.benchmarks.{benchmark}")
    own = {field.name for field in fields(module.Settings)} - {field.name for field in fields(EvaluationSettings)}
    if wrong := own ^ declared.settings.keys():
        raise InputError(
            f"benchmarks/{benchmark}.yaml: settings: {', '.join(sorted(wrong))} in one of the declaration and Settings "
            f"of {benchmark}.py only; expected the same in both"
        )
    title = (module.__doc__ or "").split("\n")[0]
    meanings = {name: declared_benchmarks.meaning(schema) for name, schema in declared.settings.items()}
    act = partial(run, benchmark)
    return Step(title, module.Settings, options_of(run), act, code(benchmark), meanings=meanings)


def code(benchmark: str) -> tuple[str, ...]:
    """Return the modules that an evaluation depends on."""
    return (__name__, f"tradeoffs.benchmarks.{benchmark}")


def find(benchmark: str) -> Benchmark:
    """Return the declaration of a benchmark; InputError for an unknown one."""
    declared = declared_benchmarks.benchmark(benchmark)
    if declared is None:
        known = declared_benchmarks.benchmarks()
        hint = did_you_mean(benchmark, known) or f"; expected one of {', '.join(known)}"
        raise InputError(f"no benchmark is called {benchmark!r}{hint}")
    return declared


def run(
    benchmark: str,
    settings: EvaluationSettings,
    *,
    weights: Annotated[Path, "state_dict of the model"],
    data: Annotated[dict[str, Path], "folder of a data set that the benchmark reads, once for each"],
    outcomes: Annotated[Path, "npz file to write"],
    card: Annotated[Path, "JSON card to write"],
) -> Written:
    """Evaluate one model; of one whose weights could not be had there are no metrics, and the card says why.

    InputError for data sets that are missing or too many, a damaged file, weights that do not fit, what the benchmark
    refuses, and metrics that are not those it declares.
    """
    from tradeoffs.data import decoded  # with Pillow, which whoever only asks this module for a benchmark does without

    declared = find(benchmark)
    given = {name: getattr(settings, name) for name in (*ranges.COMMON, *declared.settings)}
    ranges.checked(benchmark, "--spec", given, declared.settings)
    if data.keys() != set(declared.data):
        raise InputError(
            f"--data: {', '.join(sorted(data)) or 'none'} given; expected one NAME=PATH for each of "
            f"{', '.join(declared.data)}"
        )
    roots = {name: data[name] for name in declared.data}
    for root in roots.values():
        check(root / "fingerprint.json")
    fingerprints = {name: read_json(root / "fingerprint.json")["fingerprint"] for name, root in roots.items()}
    digest, of_weights = check(weights)
    checked = f"against {of_weights.name}" if of_weights else "not: no card beside the file"
    said = {"benchmark": benchmark, "model": settings.model, "weights": {"sha256": digest, "checked": checked}}
    if of_weights and (why := read_json(of_weights).get("unavailable")):
        write_whole(outcomes, np.savez_compressed)
        return Written("evaluation", [outcomes], said | {"metrics": {}, "unavailable": why}, fingerprints)
    device = choose_device()
    remarks = {}
    if settings.architecture == "torchscript":  # which is code
        remarks["confined"] = confinement.confine(card.parent, outcomes.parent)
    with memory.or_say(CURE):
        network = load(weights, settings.architecture, settings.classes, device)
    # Code that came with a model reads what is kept for others, and writes nothing for them.
    with decoded.kept({root: fingerprints[name] for name, root in roots.items()}, writes="confined" not in remarks):
        result = measured(benchmark, network, settings, roots, device)
    write_outcomes(result, outcomes)
    content = said | found(result, roots) | _of_training(of_weights) | remarks
    return Written("evaluation", [outcomes], content, fingerprints, device_name(device))


CURE = "whatever the batch; free the GPU of other processes, or use a larger one"


def measured(
    benchmark: str, network: Network, settings: EvaluationSettings, roots: dict[str, Path], device: torch.device
) -> Evaluation:
    """Return what a benchmark measures of a network on the device; ``roots``: the folder of each of its data sets.

    InputError for what the benchmark refuses, and for metrics that are not those it declares, or are no numbers.
    """
    with memory.or_say(CURE):
        result: Evaluation = importlib.import_module(f"tradeoffs.benchmarks.{benchmark}").evaluate(
            network, settings, roots, device
        )
    declared_benchmarks.check_metrics(benchmark, find(benchmark), result.metrics)
    for name, said in result.metrics.items():
        numbers = [value for value in said.values() if value is not None]
        if not (np.isfinite(numbers).all() and np.isfinite(result.draws[name]).all()):
            raise InputError(
                f"benchmarks/{benchmark}.py: metrics: {name} is not finite, by itself or in a draw "
                f"({', '.join(f'{value:g}' for value in numbers)}); say there what it is where nothing is to be divided"
            )
    return result


def write_outcomes(result: Evaluation, path: Path) -> None:
    """Write what was said of each image, and the draws, as npz."""
    arrays = result.outcomes | {f"draws/{name}": draw for name, draw in result.draws.items()}
    write_whole(path, lambda buffer: np.savez_compressed(buffer, allow_pickle=False, **arrays))


def found(result: Evaluation, roots: dict[str, Path]) -> dict[str, Any]:
    """Return what the card says of a result."""
    return {
        "metrics": result.metrics,
        "resampled": result.resampled._asdict(),
        "skipped": [_below(roots, path) for path in result.skipped],
        **result.remarks,
    }


def device_name(device: torch.device) -> str:
    """Return what the card calls a device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _of_training(card: Path | None) -> dict[str, Any]:
    """Return what the card beside the weights says of how far their training was from its end, if it says it."""
    content = read_json(card) if card is not None else {}
    return {key: content[key] for key in ("convergence",) if key in content}


def _below(roots: dict[str, Path], path: Path) -> str:
    """Return a file's path from its data set's name on."""
    return next(f"{name}/{path.relative_to(root)}" for name, root in roots.items() if path.is_relative_to(root))
