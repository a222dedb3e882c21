"""Bootstrap draws of every benchmark, computed again from the outcomes by plain repetition of images."""

import csv

import numpy as np
import pytest

from tradeoffs.benchmarks import (
    adversarial,
    imagenet,
    imagenet9,
    objectnet,
    rival10,
    salient_imagenet,
    shifted_correlation,
    statistics,
    waterbirds,
)
from tradeoffs.benchmarks.statistics import resample
from tradeoffs.benchmarks.within_image import METRICS
from tradeoffs.models.linear_probe import refitted

SEED, DRAWS = 5, 23  # the seed of conftest.MODEL


def gap(a, b):
    m = (a + b) / 2
    return 0 if m in (0, 1) else (a - b) / (2 * min(m, 1 - m))


def by_class(hits, labels, drawn):
    """Mean over the drawn images, each divided by the size of its class in the data: equal classes, but for chance."""
    sizes = np.bincount(labels, minlength=10)
    return np.average(hits[drawn], weights=1 / sizes[labels[drawn]])


def repeated(weights):
    return np.repeat(np.arange(len(weights)), weights)


def of_imagenet(found, _):
    def statistic(drawn):
        return {"accuracy": found["correct"][drawn].mean()}

    return found["label"], None, statistic


def of_rival10(found, spec):
    labels = found["label"]

    def statistic(drawn):
        def accuracy(name):
            return by_class(found[name], labels, drawn)

        result = {"accuracy": accuracy("clean")}
        for kind in ("linf", "l2"):
            pairs = []
            for level in spec[f"{kind}_levels"]:
                behind, in_front = (accuracy(f"{region}_{kind}_{level:g}") for region in ("background", "foreground"))
                result[f"accuracy_background_{kind}_{level:g}"] = behind
                result[f"accuracy_foreground_{kind}_{level:g}"] = in_front
                result[f"rfs_{kind}_{level:g}"] = gap(behind, in_front)
                pairs.append((behind, in_front))
            behind, in_front = np.mean(pairs, axis=0)
            result[f"accuracy_background_{kind}"], result[f"accuracy_foreground_{kind}"] = behind, in_front
            result[f"rfs_{kind}"] = gap(behind, in_front)
        return result | {name: by_class(found[name], labels, drawn) for name in METRICS.values()}

    return labels, None, statistic


def of_imagenet9(found, _):
    labels, chosen = found["label"], found["challenge_image"]
    in_challenge = np.isin(np.arange(len(labels)), chosen).astype(int)

    def shown(variant, drawn):
        """What is drawn is photographs: an image counts as often as the photograph that it shows in a variant."""
        first = [found["cluster"].tolist().index(of) for of in found[f"cluster_{variant}"].tolist()]
        return np.repeat(np.arange(len(labels)), np.bincount(drawn, minlength=len(labels))[first])

    def statistic(drawn):
        others = ("challenge", "challenge_image", "label", *METRICS.values())
        variants = [name for name in found if name not in others and not name.startswith("cluster")]
        result = {f"accuracy_{name}": found[name][drawn].mean() for name in variants}
        for variant in ("mixed_same", "mixed_rand", "mixed_next"):
            result[f"accuracy_{variant}"] = found[variant][shown(variant, drawn)].mean()
        result["bg_gap"] = result["accuracy_mixed_same"] - result["accuracy_mixed_rand"]
        outcome = dict(zip(chosen.tolist(), found["challenge"].tolist(), strict=True))
        result |= {name: found[name][drawn].mean() for name in METRICS.values()}
        result["challenge_accuracy"] = np.mean([outcome[i] for i in drawn.tolist() if i in outcome])
        return result

    return labels * 2 + in_challenge, in_challenge, statistic


def of_objectnet(found, _):
    there, here = found["objectnet_label"], found["validation_label"]
    factor, names = found["objectnet_factor"], ["background", "rotation", "size"]

    def statistic(drawn):
        shifted, kept = drawn[drawn < len(there)], drawn[drawn >= len(there)] - len(there)
        result = {}
        for p in ("official", "restricted"):
            a, b = found[f"objectnet_{p}"][shifted].mean(), found[f"validation_{p}"][kept].mean()
            result |= {f"objectnet_accuracy_{p}": a, f"validation_accuracy_{p}": b, f"drop_{p}": b - a}
            result[f"relative_drop_{p}"] = (b - a) / b if b else 0
        for name in names:
            hits = found["objectnet_official"][shifted[factor[shifted] == name]]
            result[f"objectnet_accuracy_{name}"] = hits.mean()
            result[f"drop_{name}"] = found["validation_official"][kept].mean() - hits.mean()
        return result

    number = np.searchsorted(names, factor)
    strata = np.concatenate([there + 100 * number, here + 1000])
    return strata, np.repeat([0, 1], [len(there), len(here)]), statistic


def of_shifted_correlation(found, _):
    labels, domain, under = found["label"], found["domain"], found["attacked_image"]
    names = list(shifted_correlation.DOMAINS)
    stood = np.mean([found[name] for name in found if name.startswith("withstood_")], axis=0)
    place = {image: at for at, image in enumerate(under.tolist())}

    def statistic(drawn):
        result = {}
        for number, name in enumerate(names):
            own = drawn[domain[drawn] == number]
            result[f"accuracy_{name}"] = found["correct"][own].mean()
            attacked = [place[image] for image in own.tolist() if image in place]
            result[f"adversarial_accuracy_{name}"] = stood[attacked].mean()
        for kind in ("", "adversarial_"):
            for name in names[1:]:
                added = result[f"{kind}accuracy_preserved"] - result[f"{kind}accuracy_{name}"]
                result[f"{kind}excess_risk_{name}"] = added
        return result

    return (labels * 3 + domain) * 2 + np.isin(np.arange(len(labels)), under), domain, statistic


PLAIN = {
    imagenet: of_imagenet,
    rival10: of_rival10,
    imagenet9: of_imagenet9,
    objectnet: of_objectnet,
    shifted_correlation: of_shifted_correlation,
}


def check(result, strata, within, statistic, clusters):
    weights, resampled = resample(strata, DRAWS, SEED, within, clusters)
    assert weights.shape == (DRAWS, len(strata))
    assert resampled.units == len(set(clusters)) < len(strata)
    fewest = result.resampled.units - result.resampled.strata  # of several domains
    assert fewest <= resampled.units - resampled.strata
    expected = [statistic(repeated(row)) for row in weights]
    for name in expected[0]:
        plain = np.array([row[name] for row in expected])
        assert result.draws[name].shape == (DRAWS,)
        np.testing.assert_allclose(result.draws[name], plain, atol=1e-6, err_msg=name)
        low, high = np.quantile(plain, [0.025, 0.975])
        metric = result.metrics[name]
        assert (metric["ci_low"], metric["ci_high"]) == pytest.approx((low, high), abs=1e-9), name
        assert metric["n"] <= len(strata)
        assert metric["value"] == pytest.approx(statistic(np.arange(len(strata)))[name]), name
    return set(expected[0])


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    """Compute the draws a few at a time, the last few fewer."""
    monkeypatch.setattr(statistics, "_AT_ONCE", 250)


@pytest.mark.parametrize("benchmark", PLAIN, ids=lambda module: module.__name__.rpartition(".")[2])
def test_draws_are_the_statistics_of_repeated_images(small, benchmark):
    result = small.evaluate(benchmark, bootstrap=DRAWS)
    spec = small.specs[benchmark.__name__.rpartition(".")[2]]
    found = result.outcomes
    clusters = found.get("cluster")
    if benchmark is objectnet:
        clusters = np.concatenate([found["objectnet_cluster"], found["validation_cluster"]])
    names = check(result, *PLAIN[benchmark](found, spec), clusters)
    assert result.draws.keys() == result.metrics.keys()
    assert names == result.draws.keys()
    assert sum(np.ptp(draws) > 0 for draws in result.draws.values()) > len(names) / 2
    other = small.evaluate(benchmark, bootstrap=DRAWS, seed=SEED + 1)
    assert any((result.draws[name] != other.draws[name]).any() for name in names)


def test_draws_of_waterbirds_are_those_of_test_images_and_of_the_training_images_of_the_head(small):
    """Both are drawn at once, as they share photographs; the head of a draw is found here from its own weights."""
    result = small.evaluate(waterbirds, bootstrap=DRAWS)
    found, root = result.outcomes, small.root / "waterbirds"
    sets = {split: waterbirds.waterbirds.read(root, split) for split in ("train", "test")}
    x = {
        split: np.concatenate(
            [small.network.features(small.pixels(path, "waterbirds")).double() for path in data.paths]
        )
        for split, data in sets.items()
    }
    clusters = np.concatenate([found["cluster"], found["train_cluster"]])
    strata = np.concatenate([found["group"], found["train_group"] + 4])
    n = len(found["group"])
    weights, resampled = resample(strata, DRAWS, SEED, np.repeat([0, 1], [n, len(strata) - n]), clusters)
    assert result.resampled == resampled == (10, 2)  # ten photographs: of land, and of water
    head = waterbirds.fit(x["train"], sets["train"].y, 2, 0.01)
    heads = refitted(head, x["train"], sets["train"].y, 0.01, weights[:, n:])
    hits = (heads.of(x["test"], slice(None)) > 0) == sets["test"].y
    assert (hits != found["correct"]).any()

    def of_groups(hit, images):
        means = [hit[own if len(own) else found["group"] == g].mean() for g, own in enumerate(images)]
        return min(means), (means[0] + means[3]) / 2 - (means[1] + means[2]) / 2

    drawn = [repeated(row) for row in weights[:, :n]]
    images = [[own[found["group"][own] == g] for g in range(4)] for own in drawn]  # without any, those of the data
    of_heads = np.array([of_groups(hit, own) for hit, own in zip(hits, images, strict=True)])
    of_one = np.array([of_groups(found["correct"], own) for own in images])
    # What all draws owe to the redrawing of heads is no uncertainty.
    expected = of_heads - of_heads.mean(0) + of_one.mean(0)
    for column, name in enumerate(("worst_group_accuracy", "background_swap_gap")):
        np.testing.assert_allclose(result.draws[name], expected[:, column], atol=1e-6)
    assert result.metrics["worst_group_accuracy"]["n"] == n


def test_draws_of_waterbirds_average_have_the_training_groups_weights(small):
    result = small.evaluate(waterbirds, bootstrap=DRAWS)
    with next((small.root / "waterbirds").glob("*/metadata.csv")).open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "0"]
    shares = np.bincount([2 * int(row["y"]) + int(row["place"]) for row in rows], minlength=4) / len(rows)
    groups = np.stack([result.draws[f"accuracy_{name}"] for name in waterbirds.GROUPS], axis=1)
    np.testing.assert_allclose(result.draws["adjusted_average_accuracy"], groups @ shares, atol=1e-6)


def test_draws_of_salient_imagenet_are_the_statistics_of_repeated_images(small):
    """Which masks an image has is read from the published files, by a loop written here."""
    result = small.evaluate(salient_imagenet, bootstrap=DRAWS)
    root, votes = small.root / "salient_imagenet", {}
    with (root / "mturk_results/discover_spurious_features.csv").open() as file:
        for row in csv.DictReader(file):
            key = (row["Input.wordnet_id"], row["Input.feature_index"])
            votes.setdefault(key, []).append(row["Answer.main"] in ("separate_object", "background"))
    kinds = {}
    for (wnid, feature), answers in votes.items():
        for path in (root / "salient_imagenet_dataset" / wnid / f"feature_{feature}").iterdir():
            kinds.setdefault((wnid, path.name), set()).add("spurious" if sum(answers) >= 3 else "core")
    images = sorted(kinds)
    core, spurious = (np.array([kind in kinds[image] for image in images]) for kind in ("core", "spurious"))
    found, labels = result.outcomes, result.outcomes["label"]
    in_spurious_class = np.isin(labels, labels[spurious])

    def statistic(drawn):
        def accuracy(kind, kept):
            some = (np.cumsum(kept) - 1)[drawn[kept[drawn]]]
            return np.mean([by_class(trial[kept], labels[kept], some) for trial in found[kind]])

        of_core, of_spurious = accuracy("outside_core", core), accuracy("core_region", core)
        return {
            "accuracy": by_class(found["clean"], labels, drawn),
            "core_accuracy": of_core,
            "spurious_accuracy": of_spurious,
            "rcs": gap(of_core, of_spurious),
            "core_accuracy_by_feature": accuracy("spurious_features", spurious),
            "spurious_accuracy_by_feature": accuracy("core_features", core & in_spurious_class),
            METRICS["share"]: by_class(found[METRICS["share"]], labels, drawn),
        }

    strata = labels * 4 + 2 * core + spurious
    assert check(result, strata, labels, statistic, found["cluster"]) == result.draws.keys()


def test_draws_of_adversarial_accuracy_are_those_of_each_domains_images(small):
    result = small.evaluate(adversarial, bootstrap=DRAWS)
    for domain, folder in small.specs["adversarial"]["domains"].items():
        paths = sorted((small.root / "imagenet" / folder).rglob("*.JPEG"))
        labels = np.array([int(paths[i].parent.name[-1]) for i in np.linspace(0, len(paths) - 1, 30).astype(int)])
        names = [name for name in result.metrics if f"accuracy_{domain}" in name]
        assert len(names) == 5
        clusters = result.outcomes[f"cluster_{domain}"]
        check(
            result,
            labels,
            None,
            lambda drawn, names=names: {n: result.outcomes[n][drawn].mean() for n in names},
            clusters,
        )
    assert any(np.ptp(draws) > 0 for draws in result.draws.values())
