"""Every benchmark takes the paths that a GPU takes, without one, to the outcomes of the CPU."""

import numpy as np
import pytest

from benchmarks.conftest import MODEL, SETS, SMALL
from pretended_gpu import GPU, pretended_gpu
from tradeoffs.benchmarks import adversarial, imagenet, imagenet9, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.models.networks import load


@pytest.mark.parametrize(
    "benchmark", [adversarial, imagenet, imagenet9, objectnet, rival10, salient_imagenet, waterbirds]
)
def test_outcomes_are_the_cpus(small, weights, benchmark):
    name = benchmark.__name__.rpartition(".")[2]
    expected = small.evaluate(benchmark)
    roots = {data: small.root / data for data in SETS.get(name, [name])}
    with pretended_gpu():
        found = benchmark.evaluate(
            load(weights, "basic", 10, GPU), benchmark.Settings(**MODEL | SMALL[name]), roots, GPU
        )
    assert found.outcomes.keys() == expected.outcomes.keys()
    for key, outcome in expected.outcomes.items():
        if outcome.dtype.kind == "U":
            assert found.outcomes[key].tolist() == outcome.tolist()
        else:
            np.testing.assert_allclose(np.asarray(found.outcomes[key], float), np.asarray(outcome, float), atol=1e-4)
    assert found.metrics.keys() == expected.metrics.keys()
    for key, metric in expected.metrics.items():
        assert found.metrics[key] == pytest.approx(metric, abs=1e-4)
