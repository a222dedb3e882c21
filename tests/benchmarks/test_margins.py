"""The first-order distance to the boundary, where it is known: of linear and of broken networks."""

import pytest
import torch
from torch import Tensor

from tradeoffs.benchmarks.margins import distances
from tradeoffs.step.errors import InputError

FARTHEST = 12**0.5  # of two images of 3 x 2 x 2


def linear(weights: Tensor, bias: Tensor) -> object:
    return lambda x: x.flatten(1) @ weights.T + bias


def test_of_a_linear_network_it_is_the_distance_to_the_leading_other_class() -> None:
    generator = torch.Generator().manual_seed(0)
    weights, bias = torch.randn(3, 12, generator=generator), torch.randn(3, generator=generator)
    x = torch.rand(8, 3, 2, 2, generator=generator)
    labels = torch.arange(8) % 3
    logits = linear(weights, bias)(x)
    others = logits.scatter(1, labels[:, None], -torch.inf)
    lead = logits.gather(1, labels[:, None])[:, 0] - others.amax(1)
    expected = lead / (weights[labels] - weights[others.argmax(1)]).norm(dim=1)
    assert (expected > 0).any()
    assert (expected < 0).any()
    found = distances(linear(weights, bias), x, labels)
    torch.testing.assert_close(found, expected.double(), rtol=1e-5, atol=1e-6)
    # In units of the logits nothing is said: a network of ten times the logits has the same boundary.
    torch.testing.assert_close(distances(linear(10 * weights, 10 * bias), x, labels), found, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ([2.0, 1.0], FARTHEST),  # an answer that no change of the image changes
        ([1.0, 2.0], -FARTHEST),
        ([1.0, 1.0], 0.0),
        ([float("nan"), 1.0], -FARTHEST),
        ([float("inf"), 1.0], -FARTHEST),
    ],
)
def test_without_a_gradient_it_is_as_far_as_images_are_apart(logits: list[float], expected: float) -> None:
    x = torch.full((1, 3, 2, 2), 0.5)
    found = distances(lambda x: torch.tensor([logits]) + 0 * x.flatten(1).sum(1, keepdim=True), x, torch.tensor([0]))
    assert found.tolist() == pytest.approx([expected])


def test_a_steep_network_without_bounds_is_no_farther_than_images_are_apart() -> None:
    x = torch.full((1, 3, 2, 2), 0.5)
    nearly_level = linear(torch.tensor([[1e-6] * 12, [0.0] * 12]), torch.tensor([1.0, 0.0]))
    assert distances(nearly_level, x, torch.tensor([0])).tolist() == pytest.approx([FARTHEST])


def test_a_network_that_lets_no_gradient_through_is_refused() -> None:
    with pytest.raises(InputError, match="have no gradient with respect to its input"):
        distances(lambda x: x.detach().flatten(1), torch.zeros(1, 3, 2, 2), torch.tensor([0]))
