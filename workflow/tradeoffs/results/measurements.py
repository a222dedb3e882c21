"""Values and bootstrap draws of the metrics that claims are about, by model."""

from collections.abc import Sequence

from tradeoffs.results import effective_robustness
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.evaluations import Evaluations, draws, metric_value
from tradeoffs.results.study import Model

Measurements = dict[tuple[str, str, str], Measured]  # (model id, benchmark, metric)


def measure(evaluations: Evaluations, models: Sequence[Model]) -> Measurements:
    """Every metric of every card with its draws, and effective robustness where it can be had."""
    found: Measurements = {}
    for (model, benchmark), card in evaluations.items():
        drawn = draws(card, list(card.metrics))
        for name, values in drawn.items():
            found[model, benchmark, name] = Measured(metric_value(card, name), values, int(card.metrics[name]["n"]))
    for (model, name), measured in effective_robustness.of_models(evaluations, models).items():
        found[model, "objectnet", name] = measured
    return found
