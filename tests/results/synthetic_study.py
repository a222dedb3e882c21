"""Synthetic studies: evaluation cards and outcome files in the exact format of tradeoffs.benchmarks.evaluation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tradeoffs.results.table import Model

DRAWS = 400
GROUPS = ("landbird_on_land", "landbird_on_water", "waterbird_on_land", "waterbird_on_water")
VARIANTS = ("original", "mixed_same", "mixed_rand", "mixed_next", "only_fg", "no_fg", "only_bg_b", "only_bg_t")
Plan = Callable[[Model, str, str], float]


class Study(NamedTuple):
    spec: str
    models: list[Model]
    evaluations: Path


def metric_names(config: dict[str, Any], benchmark: str) -> list[str]:
    """The metrics of each card, as the benchmarks name them."""
    spec = config["miniature"]["benchmarks"][benchmark]
    if benchmark == "rival10":
        levels = [f"{kind}_{level:g}" for kind in ("linf", "l2") for level in spec[f"{kind}_levels"]]
        regions = [f"accuracy_{region}_{level}" for region in ("foreground", "background") for level in levels]
        return ["accuracy", *regions, *(f"rfs_{level}" for level in levels), "rfs_linf", "rfs_l2"]
    if benchmark == "salient_imagenet":
        features = ["core_accuracy_by_feature", "spurious_accuracy_by_feature"]
        return ["accuracy", "core_accuracy", "spurious_accuracy", "rcs", *features]
    if benchmark == "imagenet9":
        return [*(f"accuracy_{variant}" for variant in VARIANTS), "bg_gap", "challenge_accuracy"]
    if benchmark == "waterbirds":
        groups = [f"accuracy_{group}" for group in GROUPS]
        return [*groups, "worst_group_accuracy", "adjusted_average_accuracy", "background_swap_gap"]
    if benchmark == "objectnet":
        kinds = ("objectnet_accuracy", "validation_accuracy", "drop", "relative_drop")
        return [f"{kind}_{protocol}" for kind in kinds for protocol in ("official", "restricted")]
    attacks = [f"{norm}_eps{budget:g}" for norm, budgets in spec["budgets"].items() for budget in budgets]
    return [
        name
        for domain in spec["domains"]
        for name in (f"accuracy_{domain}", *(f"adversarial_accuracy_{domain}_{attack}" for attack in attacks))
    ]


def flat(model: Model, benchmark: str, metric: str) -> float:
    """No model differs from another but in its validation accuracy, which effective robustness needs."""
    if metric.startswith("validation_accuracy"):
        return 0.8 + (model.images or 0) / 1e5
    return 0.5


def write_evaluation(
    folder: Path, model: Model, benchmark: str, names: list[str], plan: Plan, noise: float, number: int
) -> None:
    path = folder / benchmark / f"{model.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"correct": np.ones(5, dtype=bool)}
    metrics = {}
    for position, name in enumerate(names):
        shared = np.random.default_rng(position).normal(0, 2 * noise, DRAWS)
        own = np.random.default_rng([position, number]).normal(0, noise, DRAWS)
        value = plan(model, benchmark, name)
        drawn = value + shared + own
        arrays[f"draws/{name}"] = drawn.astype(np.float32)
        low, high = np.quantile(drawn, [0.025, 0.975])
        metrics[name] = {"value": value, "ci_low": float(low), "ci_high": float(high), "n": 500}
    np.savez(path.with_suffix(".npz"), **arrays)
    card = {
        "kind": "evaluation",
        "benchmark": benchmark,
        "model": model.id,
        "metrics": metrics,
        "spec": {"seed": 0, "bootstrap": DRAWS, "model": model.id},
        "data": {benchmark: f"fingerprint of {model.world}"},
        "seed": 0,
        "code": "0" * 16,
        "versions": {},
        "device": "cpu",
        "seconds": 0.1,
    }
    path.write_text(json.dumps(card))
