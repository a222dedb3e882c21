"""What the commands of all benchmarks share: arguments, the network, the card and the outcomes file."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tradeoffs.benchmarks.statistics import Metrics
from tradeoffs.compute import memory
from tradeoffs.compute.device import choose_device
from tradeoffs.models import confinement
from tradeoffs.models.networks import Network, load
from tradeoffs.step.cards import check, digests, write_card
from tradeoffs.step.code_id import code_id
from tradeoffs.step.errors import InputError
from tradeoffs.step.files import read_json, write_whole
from tradeoffs.step.specs import parse_spec

MODEL_KEYS: dict[str, type | tuple[type, ...]] = {
    "model": str,  # the id, for the card
    "architecture": str,
    "classes": int,
    "seed": int,  # noise, attacks and bootstrap
    "bootstrap": int,  # draws
    "unreadable": str,  # what a damaged image does: fail (ends the evaluation) or skip (is left out, and listed)
}


class Evaluation(NamedTuple):
    """A benchmark's result for one model: metrics with intervals, their bootstrap draws, per-image outcomes.

    ``skipped``: the damaged files that were left out; ``remarks``: what else the card says.
    """

    metrics: Metrics
    draws: dict[str, NDArray[np.float32]]
    outcomes: dict[str, NDArray[Any]]
    skipped: list[Path]
    remarks: dict[str, Any] = {}  # noqa: RUF012 (never written)


Evaluate = Callable[[Network, dict[str, Any], dict[str, Path], torch.device], Evaluation]


def run(
    benchmark: str, keys: dict[str, type | tuple[type, ...]], data: tuple[str, ...], evaluate: Evaluate, summary: str
) -> None:
    """Command line of a benchmark. ``data`` names the folders it reads, each an option of its own.

    Writes ``--card`` (metrics and provenance) and ``--outcomes`` (npz: per-image outcomes, and ``draws/<metric>``).
    """
    module = f"tradeoffs.benchmarks.{benchmark}"
    keys = MODEL_KEYS | keys
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=summary)
    parser.add_argument("--spec", required=True, help="settings as JSON; keys: " + ", ".join(keys))
    parser.add_argument("--weights", type=Path, required=True, help="state_dict of the model")
    for name in data:
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of the {name} data")
    parser.add_argument("--card", type=Path, required=True, help="JSON card to write")
    parser.add_argument("--outcomes", type=Path, required=True, help="npz file to write")
    arguments = parser.parse_args()
    started = time.perf_counter()
    spec = parse_spec(arguments.spec, keys)
    if spec["unreadable"] not in ("fail", "skip"):
        raise InputError(f"--spec: unreadable = {spec['unreadable']!r}; expected fail or skip")
    roots = {name: getattr(arguments, name) for name in data}
    for root in roots.values():
        check(root / "fingerprint.json")
    fingerprints = {name: read_json(root / "fingerprint.json")["fingerprint"] for name, root in roots.items()}
    weights, card = check(arguments.weights)
    device = choose_device()
    remarks = {}
    if spec["architecture"] == "torchscript":  # which is code
        remarks["confined"] = confinement.confine(arguments.card.parent, arguments.outcomes.parent)
    with memory.or_say("whatever the batch; free the GPU of other processes, or use a larger one"):
        network = load(arguments.weights, spec["architecture"], spec["classes"], device)
        result = evaluate(network, spec, roots, device)
    arrays = result.outcomes | {f"draws/{name}": draw for name, draw in result.draws.items()}
    write_whole(arguments.outcomes, lambda buffer: np.savez_compressed(buffer, allow_pickle=False, **arrays))
    write_card(
        arguments.card,
        kind="evaluation",
        benchmark=benchmark,
        model=spec["model"],
        metrics=result.metrics,
        skipped=[_below(roots, path) for path in result.skipped],
        spec=spec,
        code=code_id(module),
        data=fingerprints,
        started=started,
        files=digests(arguments.outcomes),
        weights={"sha256": weights, "checked": f"against {card.name}" if card else "not: no card beside the file"},
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        **result.remarks,
        **remarks,
    )


def _below(roots: dict[str, Path], path: Path) -> str:
    """Return a file's path from its data set's name on."""
    return next(f"{name}/{path.relative_to(root)}" for name, root in roots.items() if path.is_relative_to(root))
