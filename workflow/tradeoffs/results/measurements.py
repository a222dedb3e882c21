"""Values and bootstrap draws of the metrics that claims are about, by model."""

from collections.abc import Sequence

import numpy as np

from tradeoffs.results import beyond_accuracy, effective_robustness
from tradeoffs.results.effective_robustness import Measured
from tradeoffs.results.evaluations import Evaluations, draws, metric_value
from tradeoffs.results.metrics import Metric
from tradeoffs.results.study import Model

CONVERGENCE = ("training", "convergence")  # not of a benchmark: how far a network's training was from its end
Measurements = dict[tuple[str, str, str], Measured]  # (model id, benchmark, metric)


def measure(evaluations: Evaluations, models: Sequence[Model], reliance: Sequence[Metric]) -> Measurements:
    """Every metric of every card with its draws, and what is found over several models where it can be had.

    That is effective robustness, and the measures of ``reliance`` that are in cards beyond accuracy. Of models trained
    here also the ``CONVERGENCE`` of their training.
    """
    found: Measurements = {}
    for (model, benchmark), card in evaluations.items():
        drawn = draws(card, list(card.metrics))
        for name, values in drawn.items():
            n = int(card.metrics[name]["n"])
            found[model, benchmark, name] = Measured(metric_value(card, name), values, n, card.df, card.drawn)
    derived = dict(beyond_accuracy.of_models(found, models, reliance))
    for (model, name), measured in effective_robustness.of_models(evaluations, models).items():
        derived[model, "objectnet", name] = measured
    trained = {model: card.convergence for (model, _), card in evaluations.items() if card.convergence is not None}
    found |= {(model, *CONVERGENCE): Measured(value, np.full(1, value), 1) for model, value in trained.items()}
    return found | {key: measured._replace(df=evaluations[key[:2]].df) for key, measured in derived.items()}
