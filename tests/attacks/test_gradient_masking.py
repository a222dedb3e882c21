"""Networks that hide their gradients are said to; sound ones are not."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tradeoffs.attacks.gradient_masking import QUERIES, Signs, random_search, signs, suspicions, together
from tradeoffs.attacks.strong import accuracy_curve

BUDGETS = {"linf": 0.04, "l2": 0.8}
LARGE = {"linf": 0.25, "l2": 6.0}  # within reach of a random search


@pytest.fixture(scope="module")
def learnt() -> tuple[nn.Module, Tensor, Tensor]:
    """A network that has learnt to tell ten noisy patterns apart, and images that it classifies correctly."""
    torch.manual_seed(0)
    patterns = torch.rand(10, 3, 16, 16)
    labels = torch.arange(400) % 10
    x = (0.5 + 0.3 * (patterns[labels] - 0.5) + 0.05 * torch.randn(400, 3, 16, 16)).clamp(0, 1)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for part in torch.randperm(400).repeat(5).split(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[part]), labels[part]).backward()
        optimizer.step()
    network.requires_grad_(False)
    right = network(x).argmax(1) == labels
    assert right.float().mean() > 0.9
    return network, x[right][:60], labels[right][:60]


def looked(
    logits: Any, x: Tensor, labels: Tensor, budgets: dict[str, float] = BUDGETS
) -> tuple[Signs, dict[tuple[str, float], Tensor]]:
    withstood = {
        (norm, epsilon): accuracy_curve(
            logits,
            x,
            labels,
            norm=norm,
            epsilons=[epsilon],
            steps=10,
            restarts=2,
            generator=torch.Generator().manual_seed(0),
            batch_size=len(x),
        )[0]
        for norm, epsilon in budgets.items()
    }
    return signs(logits, x, labels, withstood, steps=10, generator=torch.Generator().manual_seed(1)), withstood


class Misled(torch.autograd.Function):
    """The identity, with a gradient that has nothing to do with it."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return torch.ones_like(gradient)


class Lost(torch.autograd.Function):
    """The identity, with a gradient that is NaN."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return gradient * torch.nan


MASKS = {
    "quantised input": (lambda network, x: network((x * 16).round() / 16), "zero_gradient", BUDGETS),
    "saturated probabilities": (lambda network, x: (1e4 * network(x)).softmax(1), "zero_gradient", BUDGETS),
    "misleading gradients": (lambda network, x: network(Misled.apply(x)), "random_search", LARGE),
    "gradients that are NaN": (lambda network, x: network(Lost.apply(x)), "not_finite", BUDGETS),
}


@pytest.mark.parametrize("mask", MASKS)
def test_a_network_that_hides_its_gradients_is_suspected(mask, learnt):
    network, x, labels = learnt
    wrap, sign, budgets = MASKS[mask]
    found, withstood = looked(lambda z: wrap(network, z), x, labels, budgets)
    assert getattr(found, sign) > 0.05
    assert any(text.startswith("gradient masking: ") for text in suspicions(found))
    # It does look more robust than it is.
    honest = looked(network, x, labels, budgets)[1]
    assert sum(int(stood.sum()) for stood in withstood.values()) > sum(int(stood.sum()) for stood in honest.values())


@pytest.mark.parametrize("factor", [1.0, 1e4])
def test_a_sound_network_is_not_suspected_however_confident(factor, learnt):
    """Large logits blind cross-entropy; the attack here sees past them, so there is nothing to suspect."""
    network, x, labels = learnt
    found, withstood = looked(lambda z: factor * network(z), x, labels)
    assert suspicions(found) == []
    assert 0 < withstood["linf", BUDGETS["linf"]].sum() < len(x)


def test_logits_that_are_nan_once_attacked_are_suspected_though_nothing_withstands(learnt):
    network, x, labels = learnt

    def lost_when_moved(z: Tensor) -> Tensor:
        known = (z[:, None] == x).flatten(2).all(2).any(1)
        return torch.where(known[:, None], network(z), torch.nan)

    found, withstood = looked(lost_when_moved, x, labels)
    assert not any(stood.any() for stood in withstood.values())
    assert found.not_finite == 1
    assert "gradient masking: 100% of the images checked have logits or gradients that are not finite" in suspicions(
        found
    )
    # Said of what withstood one step as well: NaN there is no sign that it withstood.
    stood = {("linf", 0.04): torch.ones(len(x), dtype=torch.bool)}
    again = signs(lost_when_moved, x, labels, stood, steps=2, generator=torch.Generator().manual_seed(1))
    assert again.single_step == again.random_search == 1


def test_a_tie_counts_as_found_by_every_check(learnt):
    _, x, labels = learnt

    def level(z: Tensor) -> Tensor:
        return (z - z.detach()).sum((1, 2, 3))[:, None].expand(-1, 10)

    stood = {("l2", 0.5): torch.ones(len(x), dtype=torch.bool)}
    found = signs(level, x, labels, stood, steps=2, generator=torch.Generator().manual_seed(1))
    assert found.unbounded_accuracy == 0
    assert found.single_step == found.random_search == 1


def test_signs_of_parts_are_those_of_the_whole():
    parts = [(1, Signs(1.0, 0, 0, 0.5, 0)), (3, Signs(0, 0, 0.5, 0.5, 1.0))]
    assert together(parts) == Signs(0.25, 0, 0.375, 0.5, 0.75)
    assert together([]) == Signs(0, 0, 0, 0, 0)


def test_each_sign_is_said_with_its_share():
    assert suspicions(Signs(0, 0, 0, 0)) == []
    assert suspicions(Signs(0, 0.125, 0, 0.5)) == [
        "gradient masking: 12% of the images checked withstand an attack without bounds",
        "gradient masking: 50% of the images checked withstand the attack and fall to a random search that sees no "
        "gradients",
    ]


@pytest.mark.parametrize("fall", [0.0, 1.0])
@pytest.mark.parametrize(("side", "first", "last"), [(40, 22, 4), (2, 1, 1), (1, 1, 1)])
def test_squares_of_the_random_search_shrink_from_30_to_1_percent_of_the_image(side, first, last, fall):
    """Seen where no square is better than nothing, so that every square is laid over the same stripes."""
    x = torch.full((60, 3, side, side), 0.5)
    seen: list[Tensor] = []

    def sinking(z: Tensor) -> Tensor:
        seen.append(z.clone())
        return torch.tensor([0.0, -fall * len(seen)]).expand(len(z), 2)

    random_search(sinking, x, torch.zeros(60, dtype=torch.long), norm="linf", epsilon=0.1, generator=torch.Generator())
    assert len(seen) == QUERIES
    rows = [(z != seen[0]).any(1).any(2).sum(1).max().item() for z in seen[1:]]
    assert rows == sorted(rows, reverse=True)
    assert (rows[0], rows[-1]) == (first, last)
    assert (seen[0] == seen[0][:, :, :1]).all()  # stripes down the columns


def test_nothing_to_check_is_nothing_to_suspect(learnt):
    network, x, labels = learnt
    none = {("l2", 0.5): torch.zeros(0, dtype=torch.bool)}
    found = signs(network, x[:0], labels[:0], none, steps=3, generator=torch.Generator())
    assert suspicions(found) == []


def brightness(z: Tensor) -> Tensor:
    """Class 1 where the mean of all pixels exceeds a half; distance in linf: that of the mean from a half."""
    return torch.stack([torch.full((len(z),), 0.5), z.flatten(1).mean(1)], 1)


@pytest.mark.parametrize("near", [[0.001] * 3 + [0.1] * 7, [0.001] * 9 + [0.1], [0.1] * 10])
def test_each_share_is_that_of_the_images_checked_whatever_the_budget(near):
    """Images within reach of both budgets, said to have withstood them, fall to a single step and to the search."""
    distance = torch.tensor(near)
    labels = torch.arange(10) % 2
    x = (0.5 + distance * (2 * labels - 1))[:, None, None, None].expand(-1, 3, 8, 8).contiguous()
    generator = torch.Generator().manual_seed(0)
    both = {("linf", 0.03): torch.ones(10, dtype=torch.bool), ("l2", 0.03 * 192**0.5): torch.ones(10, dtype=torch.bool)}
    within = (distance < 0.03).float()
    found = signs(brightness, x, labels, both, steps=5, generator=generator)
    assert found[:4] == pytest.approx((0, 0, within.mean().item(), within.mean().item()))
    # Images that did not withstand a budget are no sign; what another budget felled hides nothing.
    some = {("linf", 0.03): torch.arange(10) >= 2, ("l2", 0.03 * 192**0.5): torch.zeros(10, dtype=torch.bool)}
    found = signs(brightness, x, labels, some, steps=5, generator=generator)
    assert found[:4] == pytest.approx((0, 0, within[2:].sum().item() / 10, within[2:].sum().item() / 10))


def test_shares_of_vanished_gradients_and_of_images_that_nothing_moves():
    x = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    x[:3, 0] = 0
    labels = torch.zeros(8, dtype=torch.long)

    def stubborn(z: Tensor) -> Tensor:
        """Class 0 everywhere; no gradient where the first channel is dark, as it is in three images."""
        seen = z[:, 0].flatten(1).mean(1).relu()
        return torch.stack([torch.ones_like(seen), 0.5 * seen * seen], 1)

    found = signs(stubborn, x, labels, {}, steps=5, generator=torch.Generator().manual_seed(0))
    assert found[:4] == pytest.approx((3 / 8, 1, 0, 0))


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_random_search_stays_in_the_ball_and_finds_what_is_easy(norm, learnt):
    network, x, labels = learnt
    epsilon = LARGE[norm]

    def watched(z: Tensor) -> Tensor:
        distance = (z - x).flatten(1).norm(p=2 if norm == "l2" else torch.inf, dim=1)
        assert (distance <= epsilon * (1 + 1e-5)).all()
        assert z.min() >= 0
        assert z.max() <= 1
        return network(z)

    generator = torch.Generator().manual_seed(0)
    found = random_search(watched, x, labels, norm=norm, epsilon=epsilon, generator=generator)
    assert found.float().mean() > 0.3
