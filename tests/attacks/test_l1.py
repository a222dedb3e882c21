"""The l1 ball inside the pixel range: its projection beside a quadratic program's conditions, its step, its attack."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tradeoffs.attacks.gradient_masking import random_search
from tradeoffs.attacks.l1 import STRIDE, project, sparse_step
from tradeoffs.attacks.strong import accuracy_curve


@settings(max_examples=60, deadline=None)
@given(
    epsilon=st.floats(0.05, 8.0),
    reach=st.floats(0.01, 3.0),
    bounded=st.booleans(),
    sparse=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_the_projection_is_the_nearest_point_of_ball_and_box(epsilon, reach, bounded, sparse, seed):
    """No other point of the convex set is nearer: (moved - p) . (q - p) <= 0 for every q in it."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(6, 2, 5, generator=generator, dtype=torch.float64)
    moved = x + reach * torch.randn(x.shape, generator=generator, dtype=torch.float64)
    if sparse:
        moved = torch.where(torch.rand(x.shape, generator=generator) < 0.3, moved, x)
    bounds = (0.0, 1.0) if bounded else None
    found = project(moved, x, epsilon, bounds)
    assert ((found - x).flatten(1).abs().sum(1) <= epsilon + 1e-9).all()
    assert not bounded or (found.min() >= 0 and found.max() <= 1)
    for _ in range(20):
        other = x + torch.randn(x.shape, generator=generator, dtype=torch.float64)
        other = other.clamp(0, 1) if bounded else other
        size = (other - x).flatten(1).abs().sum(1)[:, None, None]
        other = x + (other - x) * (epsilon / size).clamp(max=1)  # towards x: it stays within the bounds
        assert (((moved - found) * (other - found)).flatten(1).sum(1) <= 1e-9).all()
    torch.testing.assert_close(project(found, x, epsilon, bounds), found)


def test_a_step_moves_the_steepest_coordinates_that_are_not_at_their_bound():
    x = torch.tensor([[1.0, 0.5, 0.5, 0.5, 0.0, 0.5]])
    gradient = torch.tensor([[9.0, 3.0, -2.0, 1.0, -8.0, 0.0]])
    moved = sparse_step(x, gradient, 2 * STRIDE, (0.0, 1.0))
    torch.testing.assert_close(moved - x, STRIDE * torch.tensor([[0.0, 1, -1, 0, 0, 0]]))
    assert (sparse_step(x, gradient, 0.01, None) != x).sum() == 1
    torch.testing.assert_close(sparse_step(x, torch.zeros_like(x), 1.0, (0.0, 1.0)), x)


@pytest.mark.parametrize("epsilon", [0.5, 1.5])
def test_of_a_linear_classifier_those_withstand_that_are_far_enough_in_l1(epsilon):
    """Away from the bounds the l1 distance to the boundary of w.x + b is |w.x + b| / max |w|."""
    generator = torch.Generator().manual_seed(0)
    network = nn.Linear(40, 2, dtype=torch.float64)
    with torch.no_grad():
        weight = torch.randn(40, generator=generator, dtype=torch.float64)
        network.weight.copy_(torch.stack([weight, torch.zeros_like(weight)]))
        network.bias.zero_()
    x = torch.rand(60, 40, generator=generator, dtype=torch.float64)
    labels = network(x).argmax(1)
    stood = accuracy_curve(
        network,
        x,
        labels,
        norm="l1",
        epsilons=[epsilon],
        steps=30,
        restarts=2,
        generator=generator,
        batch_size=60,
    )[0]
    # The exact best point inside the pixel range: the steepest coordinates, each as far as it may go.
    slope = -weight * (x @ weight).sign()[:, None]
    room = torch.where(slope > 0, 1 - x, x)
    order = slope.abs().argsort(1, descending=True)
    there = room.gather(1, order)
    used = (epsilon - (there.cumsum(1) - there)).clamp(min=0).minimum(there)
    left = (x @ weight).abs() - (used * slope.abs().gather(1, order)).sum(1)
    sure = left.abs() > 0.02 * weight.abs().max()
    assert sure.sum() > 50
    assert 0 < stood.sum() < 60
    assert torch.equal(stood[sure], left[sure] > 0)


def test_the_blind_search_stays_in_the_l1_ball():
    seen = []

    def logits(x):
        seen.append(x)
        return torch.stack([x.flatten(1).sum(1), -x.flatten(1).sum(1)], 1)

    x, labels = torch.full((3, 3, 8, 8), 0.5), torch.zeros(3, dtype=torch.long)
    found = random_search(logits, x, labels, norm="l1", epsilon=4.0, generator=torch.Generator().manual_seed(0))
    assert not found.any()
    assert max((point - x).abs().sum((1, 2, 3)).max().item() for point in seen) <= 4 + 1e-4
