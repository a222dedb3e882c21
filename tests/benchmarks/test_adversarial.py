"""The adversarial benchmark's wiring: budgets, domains and draws under their names, on linear networks.

Of two linear classes the distance of an image to the boundary is known, in either norm, so that what withstands which
budget is known image by image.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tradeoffs.attacks import gradient_masking
from tradeoffs.attacks.strong import accuracy_curve
from tradeoffs.benchmarks import adversarial
from tradeoffs.benchmarks.evaluation import Evaluation
from tradeoffs.compute import batching

SIDE = 4
PIXELS = 3 * SIDE * SIDE
BOUNDARY = 127.5
# Distance of each image from the boundary in 1/255, of linf, by class; negative: on the wrong side of it.
DISTANCES = {
    "val": [[1.5, 3.5, 5.5, 7.5, 9.5, 11.5], [0.5, 2.5, 4.5, 6.5, 8.5, -0.5]],
    "val_decorrelated": [[12.5, -1.5, 4.5, 0.5, -3.5, 2.5], [7.5, 3.5, -2.5, 1.5, 9.5, 6.5]],
}
# Each withstands another number of images: linf in 1/255, l2 in pixel units of which sqrt(PIXELS) / 255 is such a one.
BUDGETS = {"linf": [8, 2], "l2": [10 * PIXELS**0.5 / 255, 1 * PIXELS**0.5 / 255, 4 * PIXELS**0.5 / 255]}
SPEC = {
    "model": "m",
    "architecture": "basic",
    "classes": 2,
    "seed": 3,
    "bootstrap": 50,
    "unreadable": "fail",
    "resize": SIDE,
    "crop": SIDE,
    "images": 12,
    "domains": {"kept": "val", "broken": "val_decorrelated"},
    "budgets": BUDGETS,
    "steps": 6,
    "restarts": 2,
}


class Brightness(nn.Module):
    """Class 1 where the mean of all pixels exceeds a half; all weights are equal, so both distances are known."""

    def __init__(self, levels: int | None = None) -> None:
        """``levels``: the shades it sees; the gradient of the rounding is zero."""
        super().__init__()
        self.levels = levels
        self.linear = nn.Linear(PIXELS, 2)
        self.linear.weight.data = torch.stack([torch.zeros(PIXELS), torch.ones(PIXELS) / PIXELS])
        self.linear.bias.data = torch.tensor([BOUNDARY / 255, 0.0])

    def forward(self, x: Tensor) -> Tensor:
        seen = x if self.levels is None else (x * self.levels).round() / self.levels
        out: Tensor = self.linear(seen.flatten(1))
        return out


@pytest.fixture(autouse=True)
def two_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set of two classes, which no published one is."""
    monkeypatch.setattr("tradeoffs.data.names.MINIATURE", ("n00000000", "n00000001"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return both domains: images of one shade each."""
    folder = tmp_path_factory.mktemp("imagenet")
    for domain, by_class in DISTANCES.items():
        for label, distances in enumerate(by_class):
            of_class = folder / domain / f"n0000000{label}"
            of_class.mkdir(parents=True)
            for number, distance in enumerate(distances):
                shade = round(BOUNDARY + distance * (1 if label else -1))
                Image.new("RGB", (SIDE, SIDE), (shade,) * 3).save(of_class / f"{number}.png")
    return folder


def evaluate(root: Path, network: nn.Module | None = None, **changes: Any) -> Evaluation:
    network = (network or Brightness()).requires_grad_(False)
    return adversarial.evaluate(
        network, adversarial.Settings(**SPEC | changes), {"imagenet": root}, torch.device("cpu")
    )


def distances(domain: str) -> np.ndarray:
    return np.array(DISTANCES[domain]).ravel()


def expected(budgets: dict[str, list[float]], domains: dict[str, str]) -> dict[str, list[bool]]:
    """Return which images withstand what, by the name of the metric."""
    found = {}
    for name, domain in domains.items():
        found[f"accuracy_{name}"] = (distances(domain) > 0).tolist()
        for norm, sizes in budgets.items():
            for size in sizes:
                reach = size if norm == "linf" else size * 255 / PIXELS**0.5
                found[f"adversarial_accuracy_{name}_{norm}_eps{size:g}"] = (distances(domain) > reach).tolist()
    return found


def accuracies(outcomes: dict[str, np.ndarray]) -> dict[str, list[bool]]:
    """Return what is said of each image, but for its distance to the boundary."""
    return {name: outcome.tolist() for name, outcome in outcomes.items() if not name.startswith("clean_margin")}


@pytest.mark.parametrize("budgets", [BUDGETS, {norm: BUDGETS[norm] for norm in ("l2", "linf")}, {"l2": [0.1]}], ids=str)
def test_each_name_holds_what_withstands_its_norm_and_budget_in_its_domain(root, budgets):
    result = evaluate(root, budgets=budgets)
    known = expected(budgets, SPEC["domains"])
    assert len({tuple(outcome) for outcome in known.values()}) == len(known)  # no two could take each other's place
    assert accuracies(result.outcomes) == known
    for name, outcome in known.items():
        assert result.metrics[name]["value"] == pytest.approx(np.mean(outcome))
        assert result.metrics[name]["n"] == 12
    margins = {f"clean_margin_{name}" for name in SPEC["domains"]}
    assert result.metrics.keys() == result.draws.keys() == known.keys() | margins


def test_margins_are_distances_in_l2_of_each_image_and_their_mean(root):
    result = evaluate(root)
    for name, domain in SPEC["domains"].items():
        known = distances(domain) * PIXELS**0.5 / 255  # all pixels move by as much
        np.testing.assert_allclose(result.outcomes[f"clean_margin_{name}"], known, atol=1e-5)
        assert result.metrics[f"clean_margin_{name}"]["value"] == pytest.approx(known.mean(), abs=1e-5)


def test_the_order_in_which_domains_are_named_changes_nothing(root):
    one, other = evaluate(root), evaluate(root, domains=dict(reversed(SPEC["domains"].items())))
    assert one.metrics == other.metrics
    assert one.remarks == other.remarks
    for name, outcome in one.outcomes.items():
        np.testing.assert_array_equal(outcome, other.outcomes[name])


def test_domains_are_told_apart_by_their_names(root):
    swapped = {"kept": "val_decorrelated", "broken": "val"}
    result = evaluate(root, domains=swapped)
    assert accuracies(result.outcomes) == expected(BUDGETS, swapped)


@pytest.mark.parametrize("block", [1, 5, 24])
def test_what_margins_decide_does_not_depend_on_the_blocks(root, monkeypatch, block):
    """Blocks of any size, also such as span both domains; random starts, which decide nothing here, do."""
    monkeypatch.setattr(batching, "_ATTACKED_PIXELS", {"cpu": block * SIDE**2})
    result = evaluate(root)
    assert accuracies(result.outcomes) == expected(BUDGETS, SPEC["domains"])


def test_fewer_images_are_spread_over_the_classes(root):
    result = evaluate(root, images=4)
    for name, domain in SPEC["domains"].items():
        assert result.outcomes[f"accuracy_{name}"].tolist() == (distances(domain)[[0, 3, 7, 11]] > 0).tolist()


def test_draws_vary_are_of_their_metric_and_follow_the_seed(root):
    one, again, other = evaluate(root), evaluate(root), evaluate(root, seed=4)
    for name, outcome in one.outcomes.items():
        assert one.draws[name].shape == (50,)
        np.testing.assert_array_equal(one.draws[name], again.draws[name])
        if outcome.std() > 0:
            assert one.draws[name].mean() == pytest.approx(outcome.mean(), abs=0.1)
            assert (one.draws[name] != one.draws[name][0]).any()
            assert (one.draws[name] != other.draws[name]).any()


@pytest.fixture
def calls(monkeypatch) -> list[dict[str, Any]]:
    """Return a list that fills with what each call of the attack is given, the seed of its generator among it."""
    noted: list[dict[str, Any]] = []

    def watched(logits: Any, x: Tensor, labels: Tensor, **arguments: Any) -> Tensor:
        noted.append(arguments | {"n": len(x), "seed": arguments["generator"].initial_seed()})
        return accuracy_curve(logits, x, labels, **arguments)

    monkeypatch.setattr(adversarial, "accuracy_curve", watched)
    return noted


def test_the_settings_reach_the_attack(root, calls):
    evaluate(root, steps=7, restarts=3)
    assert [call["norm"] for call in calls] == ["linf", "l2"]
    assert [call["epsilons"] for call in calls] == [[0.0, 8 / 255, 2 / 255], [0.0, *BUDGETS["l2"]]]
    assert {(call["steps"], call["restarts"], call["n"], call["batch_size"]) for call in calls} == {(7, 3, 24, 24)}


def test_every_block_and_every_seed_has_random_starts_of_its_own(root, calls, monkeypatch):
    monkeypatch.setattr(batching, "_ATTACKED_PIXELS", {"cpu": 8 * SIDE**2})
    evaluate(root)
    assert [call["n"] for call in calls] == [8] * 6
    seeds = [call["seed"] for call in calls[::2]]
    assert seeds == [call["seed"] for call in calls[1::2]]
    assert len(set(seeds)) == 3
    evaluate(root)
    assert [call["seed"] for call in calls[6::2]] == seeds
    evaluate(root, seed=4)
    assert not {call["seed"] for call in calls[12:]} & set(seeds)


def test_a_sound_network_is_not_suspected(root):
    remarks = evaluate(root).remarks
    assert remarks["suspicion"] == []
    assert remarks["masking"] == gradient_masking.Signs(0, 0, 0, 0)._asdict()


def test_a_network_that_rounds_its_input_is_suspected(root):
    remarks = evaluate(root, Brightness(levels=255)).remarks
    assert remarks["masking"]["zero_gradient"] == 1
    assert "gradient masking: 100% of the images checked have a gradient of exactly zero" in remarks["suspicion"]


@pytest.mark.parametrize(("most", "block"), [(50, 500), (11, 20), (10, 500), (3, 20), (2, 12)])
def test_masking_is_looked_for_at_the_largest_budgets_on_right_images_of_the_first_domain(
    root, monkeypatch, most, block
):
    noted: list[tuple[int, int, bool, bool]] = []  # shade, label, whether it withstood linf and l2
    keys, settings = set(), []

    def watched(logits: Any, x: Tensor, labels: Tensor, withstood: Any, **arguments: Any) -> gradient_masking.Signs:
        shades = (255 * x.mean((1, 2, 3))).round().int().tolist()
        noted.extend(zip(shades, labels.tolist(), *(stood.tolist() for stood in withstood.values()), strict=True))
        keys.add(tuple(withstood))
        settings.append((arguments["steps"], arguments["generator"].initial_seed()))
        return gradient_masking.Signs(0.5, 0, 0, 0)

    monkeypatch.setattr(adversarial, "signs", watched)
    monkeypatch.setattr(adversarial, "IMAGES", most)
    monkeypatch.setattr(batching, "_ATTACKED_PIXELS", {"cpu": block * SIDE**2})
    result = evaluate(root, steps=7)
    assert settings == [(7, 3)]
    assert keys == {(("linf", 8 / 255), ("l2", BUDGETS["l2"][0]))}
    first = SPEC["domains"][min(SPEC["domains"])]  # by name
    right = [(label, distance) for label in (0, 1) for distance in DISTANCES[first][label] if distance > 0]
    known = [
        (round(BOUNDARY + distance * (1 if label else -1)), label, distance > 8, distance > 10)
        for label, distance in right
    ]
    assert set(noted) <= set(known)
    assert len(noted) == len(set(noted))
    assert min(most, len(right)) / 2 <= len(noted) <= most
    assert {label for _, label, *_ in noted} == {0, 1}  # spread over the images, not the first of them
    assert result.remarks["masking"]["zero_gradient"] == 0.5
    assert len(result.remarks["suspicion"]) == 1
