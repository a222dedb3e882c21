"""Synthetic studies: evaluation cards and outcome files in the exact format of tradeoffs.benchmarks.evaluation."""

import csv
import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tradeoffs.claims.row import Claim
from tradeoffs.models.ids import model_id
from tradeoffs.results.metrics import Benchmark, Metric, benchmarks_of
from tradeoffs.results.study import Model, Settings, study_of
from tradeoffs.results.study import Study as ToldStudy
from tradeoffs.step.cards import digests, sealed
from tradeoffs.step.command import kinds_of
from tradeoffs.step.specs import parse_spec
from tradeoffs.study.specification import declared

DRAWS = 400
GROUPS = ("landbird_on_land", "landbird_on_water", "waterbird_on_land", "waterbird_on_water")
VARIANTS = ("original", "mixed_same", "mixed_rand", "mixed_next", "only_fg", "no_fg", "only_bg_b", "only_bg_t")
WITHIN_IMAGES = ("gradient_share_background", "swap_change", "swap_flips", "swap_change_same_class")
KINDS = ("", "adversarial_")
CLAIMS = list(Claim._fields)
THEORY_CLAIM = "theory.i,An exact statement.,count,1,,,,supported,,,,,,,linear model,conclusion,,,,exact,,,,False,"
Plan = Callable[[Model, str, str], float]
Run = Callable[..., int]


# Settings of the imagenet study that decide which metrics there are.
IMAGENET_BENCHMARKS: dict[str, dict[str, Any]] = {
    "imagenet": {},
    "rival10": {"linf_levels": [0.25], "l2_levels": [100.0]},
    "salient_imagenet": {},
    "imagenet9": {},
    "waterbirds": {},
    "objectnet": {},
    "adversarial": {
        "domains": {"validation": "val"},
        "budgets": {"linf": [0.5, 1, 2, 4, 8], "l2": [0.25, 0.5, 1, 3, 5]},
    },
}
# What figures are told of: every benchmark, a ceiling of accuracies, and a scale of the theory.
CONFIG: dict[str, Any] = {
    "study": "imagenet",
    "imagenet": {"benchmarks": IMAGENET_BENCHMARKS},
    "claims": {"criteria": {"ceiling": 0.98}},
    "theory": {"simulation": {"scale": 2}},
}
# id, architecture, norm, epsilon of models of the user's own; the id of a reference may follow
EXTRAS = (("convnext_tiny", "convnext_tiny", "none", 0.0), ("madry_linf_eps4", "resnet50", "linf", 4.0))


class Study(NamedTuple):
    spec: str
    models: list[Model]
    evaluations: Path


def told(spec: str) -> ToldStudy:
    """The study of ``--spec``, as the steps see it."""
    return study_of(Settings(**parse_spec(spec, kinds_of(Settings), optional=Settings._field_defaults)))


def benchmarks_told() -> dict[str, Benchmark]:
    """Every benchmark of the project, as the steps see it."""
    return {benchmark.name: benchmark for benchmark in benchmarks_of(declared(CONFIG))}


def metrics_told() -> dict[tuple[str, str], Metric]:
    """Their metrics, by benchmark and name."""
    return {(each.name, metric.name): metric for each in benchmarks_told().values() for metric in each.metrics}


def metric_names(settings: dict[str, Any], benchmark: str) -> list[str]:
    """The metrics of each card, as the benchmarks name them; ``settings`` of a study's benchmarks."""
    spec = settings[benchmark]
    if benchmark == "imagenet":
        return ["accuracy"]
    if benchmark == "rival10":
        levels = [f"{kind}_{level:g}" for kind in ("linf", "l2") for level in spec[f"{kind}_levels"]]
        regions = [f"accuracy_{region}_{level}" for region in ("foreground", "background") for level in levels]
        regions += [f"accuracy_{region}_{kind}" for region in ("foreground", "background") for kind in ("linf", "l2")]
        return ["accuracy", *regions, *(f"rfs_{level}" for level in levels), "rfs_linf", "rfs_l2", *WITHIN_IMAGES]
    if benchmark == "salient_imagenet":
        features = ["core_accuracy_by_feature", "spurious_accuracy_by_feature"]
        return ["accuracy", "core_accuracy", "spurious_accuracy", "rcs", WITHIN_IMAGES[0], *features]
    if benchmark == "imagenet9":
        return [*(f"accuracy_{variant}" for variant in VARIANTS), "bg_gap", "challenge_accuracy", *WITHIN_IMAGES]
    if benchmark == "waterbirds":
        groups = [f"accuracy_{group}" for group in GROUPS]
        return [*groups, "worst_group_accuracy", "adjusted_average_accuracy", "background_swap_gap"]
    if benchmark == "objectnet":
        kinds = ("objectnet_accuracy", "validation_accuracy", "drop", "relative_drop")
        return [f"{kind}_{protocol}" for kind in kinds for protocol in ("official", "restricted")]
    if benchmark == "shifted_correlation":
        risks = [f"{kind}accuracy_{domain}" for kind in KINDS for domain in ("preserved", "removed", "reversed")]
        return [*risks, *(f"{kind}excess_risk_{domain}" for kind in KINDS for domain in ("removed", "reversed"))]
    attacks = [f"{norm}_eps{budget:g}" for norm, budgets in spec["budgets"].items() for budget in budgets]
    return [
        name
        for domain in spec["domains"]
        for name in (
            f"accuracy_{domain}",
            *(f"adversarial_accuracy_{domain}_{attack}" for attack in attacks),
            f"clean_margin_{domain}",
        )
    ]


def flat(model: Model, benchmark: str, metric: str) -> float:
    """No model differs from another but in its validation accuracy, which effective robustness needs."""
    if metric.startswith("validation_accuracy"):
        return 0.8 + (model.images or 0) / 1e5
    return 0.5


def imagenet_models(
    benchmarks: Sequence[str] = tuple(IMAGENET_BENCHMARKS),
    architectures: Sequence[str] = ("resnet18", "resnet50"),
    budgets: dict[str, Sequence[float]] | None = None,
    extras: Sequence[tuple[Any, ...]] = EXTRAS,
) -> list[Model]:
    """The models of the imagenet study: no knobs, no sweeps, benchmarks as far as there are data sets."""
    listed = budgets if budgets is not None else {"linf": (0.5, 1, 2, 4, 8), "l2": (0.25, 0.5, 1, 3, 5)}
    grid = [("none", 0.0)] + [(norm, epsilon) for norm, found in listed.items() for epsilon in found]
    main = [
        (model_id(name, norm, epsilon), "main", name, norm, epsilon) for name in architectures for norm, epsilon in grid
    ]
    rest = (0, "default", tuple(benchmarks), None, None, None)
    beside = [Model(name, "extra", *row[:3], *rest, *row[3:]) for name, *row in extras]
    return [Model(*row, *rest) for row in main] + beside


def imagenet_plan(model: Model, benchmark: str, metric: str) -> float:
    """Plausible values: accuracy falls and reliance rises with the budget, less for the larger network."""
    strength = {"none": 0.0, "linf": model.epsilon / 8, "l2": model.epsilon / 5}[model.norm]
    larger = {"resnet18": 0.0, "resnet50": 0.06}.get(model.architecture, 0.09)
    clean = 0.7 + larger - 0.25 * strength
    if benchmark == "objectnet":
        shifted, kept = 0.45 * clean - 0.03 * strength, 1.15 if metric.endswith("restricted") else 1.0
        return {
            "objectnet_accuracy": kept * shifted,
            "validation_accuracy": kept * clean,
            "drop": kept * (clean - shifted),
            "relative_drop": 1 - shifted / clean,
        }[metric.rpartition("_")[0]]
    if attacked := re.search(r"_(linf|l2)_eps([0-9.]+)$", metric) if benchmark == "adversarial" else None:
        resisted = strength * {"linf": 8, "l2": 5}[attacked[1]]
        return clean * math.exp(-float(attacked[2]) / (0.2 + resisted))
    gaps = {"bg_gap": 0.07 + 0.1 * strength, "background_swap_gap": 0.2 + 0.2 * strength, "rcs": 0.3 - 0.2 * strength}
    return gaps.get(metric, 0.2 - 0.3 * strength if metric.startswith("rfs") else clean)


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
        "files": digests(path.with_suffix(".npz")),
    }
    path.write_text(json.dumps(sealed(card)))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def verdicts(path: Path) -> dict[str, str]:
    return {row["claim"]: row["verdict"] for row in table(path)}


def assert_drawn(path: Path) -> None:
    """The PNG has something on it."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) > 100
    assert 0.005 < (pixels < 200).mean() < 0.95
