"""The leaderboard: a row for each model, a column for each metric, with the numbers as they stand in the tables."""

from typing import Any

from tradeoffs.benchmarks.attack_metrics import Attack, read_name
from tradeoffs.page.facts import Facts
from tradeoffs.results.beyond_accuracy import CLEAN_ACCURACY
from tradeoffs.results.metrics import Benchmark, Metric
from tradeoffs.results.study import Study

WHO = ("model", "role", "architecture", "norm", "epsilon", "seed", "replicate")
NUMBERS = ("value", "ci_low", "ci_high", "n")
ATTACKED = "adversarial"  # the benchmark whose metrics are accuracies under attack


def leaderboard(facts: Facts) -> dict[str, Any]:
    """Return ``metrics``, ``models`` and ``values``: model -> per metric its :data:`NUMBERS` as text, or None.

    A metric has its ``key``, ``benchmark``, ``title`` of that, ``label``, ``meaning``, ``direction`` and whether it is
    ``shown`` from the start: clean accuracy, accuracy under attack, and the headline of each benchmark.
    """
    roles = {model.id: model.role for model in facts.study.models}
    found = [*facts.summary, *({"role": roles.get(row["model"], row["sweep"])} | row for row in facts.sweeps)]
    names = metrics(facts.study, {(row["benchmark"], row["metric"]) for row in found})
    shown = first_shown(facts, names)
    place = {(metric.benchmark, metric.name): i for i, metric in enumerate(names)}
    models: dict[str, dict[str, str]] = {}
    values: dict[str, list[list[str] | None]] = {}
    for row in found:
        model = row["model"]
        models.setdefault(
            model,
            {name: row[name] for name in WHO}
            | {"source": facts.sources.get(model, ""), "objective": row.get("objective", "")},
        )
        numbers = values.setdefault(model, [None] * len(names))
        numbers[place[row["benchmark"], row["metric"]]] = [row[name] for name in NUMBERS]
    titles = facts.study.titles
    return {
        "metrics": [
            {
                "key": f"{metric.benchmark}.{metric.name}",
                "benchmark": metric.benchmark,
                "title": titles.get(metric.benchmark, metric.benchmark),
                "label": metric.label or metric.name,
                "meaning": metric.meaning,
                "direction": metric.direction or "",
                "shown": metric in shown,
            }
            for metric in names
        ],
        "models": list(models.values()),
        "values": values,
    }


def metrics(study: Study, measured: set[tuple[str, str]]) -> list[Metric]:
    """Return the metrics that were measured: by benchmark, in the study's order, declared ones and then all others."""
    found = []
    unknown = sorted({name for name, _ in measured} - set(study.titles))
    for benchmark in [*study.benchmarks, *(Benchmark(name, name, ()) for name in unknown)]:
        declared = [*benchmark.metrics, *benchmark.beyond]
        names = {metric.name for metric in declared}
        others = sorted(name for of, name in measured if of == benchmark.name and name not in names)
        found += [metric for metric in declared if (benchmark.name, metric.name) in measured]
        found += [_described(benchmark.name, name) for name in others]
    return found


def _described(benchmark: str, name: str) -> Metric:
    """Return a metric of a family, which nobody declared one by one."""
    attack = read_name(name) if benchmark == ATTACKED else None
    if attack is None or attack.norm == "none":
        return Metric(benchmark, name, meaning="a metric of a family: the page of the benchmark describes it")
    budget = f"{attack.norm} {attack.epsilon:g}{'/255' if attack.norm == 'linf' else ''}"
    label = f"accuracy under {budget} attack, {attack.domain}"
    return Metric(benchmark, name, label, f"accuracy under the strongest {budget} attack on images of {attack.domain}")


def first_shown(facts: Facts, names: list[Metric]) -> list[Metric]:
    """Return the columns of the start: clean accuracy, accuracy under attack, the headline of each benchmark.

    Under attack: of each norm the budget in the middle, on the images that clean accuracy is measured on.
    """
    headlines = {(each.name, each.reliance[0].name) for each in facts.study.benchmarks if each.reliance}
    attacked = _middle_attacks(facts, names)
    return [
        metric
        for metric in names
        if (metric.benchmark, metric.name) in {CLEAN_ACCURACY, *headlines} or metric in attacked
    ]


def _middle_attacks(facts: Facts, names: list[Metric]) -> list[Metric]:
    under: dict[str, list[tuple[Attack, Metric]]] = {}
    domain = _validation(facts)
    for metric in names:
        attack = read_name(metric.name) if metric.benchmark == ATTACKED else None
        if attack is not None and attack.norm != "none" and attack.domain == (domain or attack.domain):
            under.setdefault(attack.norm, []).append((attack, metric))
    return [sorted(each, key=lambda one: one[0].epsilon)[len(each) // 2][1] for each in under.values()]


def _validation(facts: Facts) -> str | None:
    """Return the name of the domain that is the validation folder itself, from the card of any model under attack."""
    for (_, benchmark), card in facts.evaluations.items():
        if benchmark == ATTACKED:
            return next((name for name, folder in card["spec"].get("domains", {}).items() if folder == "val"), None)
    return None
