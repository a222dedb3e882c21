"""The n of a metric: how many images it rests on, which is not how many there are."""

import numpy as np
import pytest

from tradeoffs.benchmarks import imagenet9, objectnet, rival10, salient_imagenet, shifted_correlation, waterbirds

# In the others an image may be right in as many trials, or under as many attacks, as all are on average, or count as
# often as another that shows its photograph.
EACH_RIGHT_OR_WRONG = (objectnet, rival10)


@pytest.mark.parametrize("benchmark", [imagenet9, objectnet, rival10, salient_imagenet, shifted_correlation])
def test_no_other_image_changes_a_metric(small, monkeypatch, benchmark):
    """Each image in turn counts twice: an accuracy that is neither 0 nor 1 changes with each of its own."""
    changed, plain = {}, benchmark.summarise

    def watched(statistic, strata, *how, **also):
        once = statistic(np.ones((1, len(strata))))
        twice = statistic(np.ones(len(strata)) + np.eye(len(strata)))
        changed.update({name: int((abs(twice[name] - once[name]) > 1e-12).sum()) for name in once})
        return plain(statistic, strata, *how, **also)

    monkeypatch.setattr(benchmark, "summarise", watched)
    found = small.evaluate(benchmark).metrics
    assert found.keys() == changed.keys()
    for name, metric in found.items():
        assert 0 <= changed[name] <= metric["n"], name
        if "accuracy" in name and 0 < metric["value"] < 1 and benchmark in EACH_RIGHT_OR_WRONG:
            assert metric["n"] == changed[name], name
    assert len({metric["n"] for metric in found.values()}) > (0 if benchmark is rival10 else 1)


def test_the_challenge_rests_on_its_foregrounds_and_attacks_on_the_images_attacked(small):
    found = small.evaluate(imagenet9)
    assert found.metrics["challenge_accuracy"]["n"] == small.specs["imagenet9"]["challenge_foregrounds"]
    assert found.metrics["bg_gap"]["n"] == len(found.outcomes["label"])
    found, told = small.evaluate(shifted_correlation).metrics, small.specs["shifted_correlation"]
    for domain in shifted_correlation.DOMAINS:
        assert found[f"accuracy_{domain}"]["n"] == told["images"]
        assert found[f"adversarial_accuracy_{domain}"]["n"] == told["attacked"]
    for domain in shifted_correlation.SHIFTED:
        assert found[f"excess_risk_{domain}"]["n"] == 2 * told["images"]
        assert found[f"adversarial_excess_risk_{domain}"]["n"] == 2 * told["attacked"]


def test_a_group_of_waterbirds_has_its_own_number(small):
    found = small.evaluate(waterbirds)
    sizes = np.bincount(found.outcomes["group"])
    for name, size in zip(waterbirds.GROUPS, sizes, strict=True):
        assert found.metrics[f"accuracy_{name}"]["n"] == size
    assert found.metrics["worst_group_accuracy"]["n"] == sizes.sum()
