"""Values and bootstrap draws of the metrics that claims are about, by model."""

from collections.abc import Sequence

from tradeoffs.results import beyond_accuracy, effective_robustness
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.evaluations import Evaluations, draws, metric_value
from tradeoffs.results.metrics import Metric
from tradeoffs.results.study import Model

Measurements = dict[tuple[str, str, str], Measured]  # (model id, benchmark, metric)


def measure(evaluations: Evaluations, models: Sequence[Model], reliance: Sequence[Metric]) -> Measurements:
    """Every metric of every card with its draws, and what is found over several models where it can be had.

    That is effective robustness, and the measures of ``reliance`` that are in cards beyond accuracy.
    """
    found: Measurements = {}
    for (model, benchmark), card in evaluations.items():
        drawn = draws(card, list(card.metrics))
        for name, values in drawn.items():
            n = int(card.metrics[name]["n"])
            found[model, benchmark, name] = Measured(metric_value(card, name), values, n, card.df)
    derived = dict(beyond_accuracy.of_models(found, models, reliance))
    for (model, name), measured in effective_robustness.of_models(evaluations, models).items():
        derived[model, "objectnet", name] = measured
    return found | {key: measured._replace(df=evaluations[key[:2]].df) for key, measured in derived.items()}
