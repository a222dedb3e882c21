"""Risk by domain on linear networks, of which the distance of each image to the boundary is known."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tradeoffs.benchmarks import shifted_correlation
from tradeoffs.step.errors import InputError

SIDE, BOUNDARY = 4, 127.5
PIXELS = 3 * SIDE * SIDE
# Distance of each image from the boundary in 1/255, of linf, by class; negative: on the wrong side of it.
DISTANCES = {
    "val": [[1.5, 3.5, 5.5, 7.5, 9.5, 11.5], [0.5, 2.5, 4.5, 6.5, 8.5, 10.5]],
    "val_decorrelated": [[1.5, -3.5, 5.5, 7.5, -9.5, 11.5], [0.5, 2.5, -4.5, 6.5, 8.5, 0.5]],
    "val_reversed": [[-1.5, -3.5, 5.5, -7.5, -9.5, 1.5], [-0.5, 2.5, -4.5, 6.5, -8.5, 0.5]],
}
SPEC = {
    "model": "m",
    "architecture": "basic",
    "classes": 2,
    "seed": 3,
    "bootstrap": 200,
    "unreadable": "fail",
    "resize": SIDE,
    "crop": SIDE,
    "images": 12,
    "attacked": 12,
    "budgets": {"linf": [2], "l2": [6 * PIXELS**0.5 / 255]},  # all pixels move by as much
    "steps": 6,
}


class Brightness(nn.Module):
    """Class 1 where the mean of all pixels exceeds a half."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(PIXELS, 2)
        self.linear.weight.data = torch.stack([torch.zeros(PIXELS), torch.ones(PIXELS) / PIXELS])
        self.linear.bias.data = torch.tensor([BOUNDARY / 255, 0.0])

    def forward(self, x):
        return self.linear(x.flatten(1))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return the three domains: images of one shade each."""
    monkeypatch.setattr("tradeoffs.data.names.MINIATURE", ("n00000000", "n00000001"))
    for domain, by_class in DISTANCES.items():
        for label, distances in enumerate(by_class):
            folder = tmp_path / domain / f"n0000000{label}"
            folder.mkdir(parents=True)
            for number, distance in enumerate(distances):
                shade = round(BOUNDARY + distance * (1 if label else -1))
                Image.new("RGB", (SIDE, SIDE), (shade,) * 3).save(folder / f"{number}.png")
    return tmp_path


def evaluate(root, **changes):
    network = Brightness().requires_grad_(False)
    settings = shifted_correlation.Settings(**SPEC | changes)
    return shifted_correlation.evaluate(network, settings, {"imagenet": root}, torch.device("cpu"))


def test_risks_and_what_is_added_to_them_are_those_of_the_known_distances(root):
    found = {name: metric["value"] for name, metric in evaluate(root).metrics.items()}
    distance = {name: np.ravel(DISTANCES[folder]) for name, folder in shifted_correlation.DOMAINS.items()}
    clean = {name: np.mean(known > 0) for name, known in distance.items()}
    attacked = {name: np.mean([known > 2, known > 6]) for name, known in distance.items()}
    expected = {f"accuracy_{name}": share for name, share in clean.items()}
    expected |= {f"adversarial_accuracy_{name}": share for name, share in attacked.items()}
    for name in ("removed", "reversed"):
        expected[f"excess_risk_{name}"] = (1 - clean[name]) - (1 - clean["preserved"])
        expected[f"adversarial_excess_risk_{name}"] = (1 - attacked[name]) - (1 - attacked["preserved"])
    assert len(set(expected.values())) > 6  # no two domains could take each other's place
    assert found == pytest.approx(expected)


def test_some_of_the_images_are_attacked_and_all_are_measured_without_attack(root):
    result = evaluate(root, attacked=4)
    assert result.metrics["accuracy_reversed"]["value"] == pytest.approx(
        np.mean(np.ravel(DISTANCES["val_reversed"]) > 0)
    )
    chosen = [0, 3, 7, 11]
    assert result.outcomes["attacked_image"].tolist() == [i + 12 * number for number in range(3) for i in chosen]
    known = np.concatenate([np.ravel(each)[chosen] for each in DISTANCES.values()])
    assert result.outcomes["withstood_linf_eps2"].tolist() == (known > 2).tolist()


def test_what_is_added_is_paired_within_a_draw(root):
    draws = evaluate(root).draws
    for kind in ("", "adversarial_"):
        for name in ("removed", "reversed"):
            paired = draws[f"{kind}accuracy_preserved"] - draws[f"{kind}accuracy_{name}"]
            np.testing.assert_allclose(draws[f"{kind}excess_risk_{name}"], paired, atol=1e-6)
            assert paired.std() > 0


def test_a_domain_that_is_not_there_or_cannot_be_read_is_one_line(root):
    for path in (root / "val_reversed").rglob("*.png"):
        path.write_bytes(b"no image")
    with pytest.raises(InputError, match="val_reversed: fewer than two of 12 images can be read"):
        evaluate(root, unreadable="skip")
    (root / "val_reversed").rename(root / "elsewhere")
    with pytest.raises(InputError, match="val_reversed") as raised:
        evaluate(root)
    assert "\n" not in str(raised.value)
