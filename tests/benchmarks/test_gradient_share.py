"""The share of the gradient on the background, where it is known: of linear, broken and blind networks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tradeoffs.benchmarks import gradient_share
from tradeoffs.benchmarks.gradient_share import background_shares, lead, parts

SHAPE = (3, 4, 5)


def linear(weights: Tensor):
    return lambda x: x.flatten(1) @ weights.flatten(1).T


def one_hot(labels: list[int], classes: int) -> Tensor:
    return torch.tensor(labels)[:, None] == torch.arange(classes)


@given(st.integers(0, 2**32 - 1))
def test_of_a_linear_network_it_is_that_of_the_weights_true_less_leading_other(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weights, x = torch.randn(4, *SHAPE, generator=generator), torch.rand(6, *SHAPE, generator=generator)
    mask, labels = torch.rand(6, 1, 4, 5, generator=generator), [0, 1, 2, 3, 0, 1]
    found = background_shares(linear(weights), x, one_hot(labels, 4), mask)
    scores = linear(weights)(x)
    for i, label in enumerate(labels):
        other = max((k for k in range(4) if k != label), key=lambda k: scores[i, k].item())
        mass = (weights[label] - weights[other]).abs().sum(0)
        assert found[i].item() == pytest.approx(float((mass * (1 - mask[i, 0])).sum() / mass.sum()), rel=1e-5)
    # In units of the logits nothing is said.
    torch.testing.assert_close(background_shares(linear(50 * weights), x, one_hot(labels, 4), mask), found)


def test_all_of_it_lies_where_the_network_looks() -> None:
    weights, mask = torch.zeros(2, *SHAPE), torch.zeros(2, 1, 4, 5)
    weights[1, :, 0, 0] = -7  # looks at one corner alone
    mask[0, 0, 0, 0] = 1  # which is the object of the first image, and the background of the second
    mask[1, 0, 3, 4] = 1
    assert background_shares(linear(weights), torch.rand(2, *SHAPE), one_hot([0, 1], 2), mask).tolist() == [0.0, 1.0]


def test_of_a_super_class_the_largest_logit_leads_and_none_of_its_own_is_a_rival() -> None:
    logits = torch.tensor([[5.0, 4.0, 1.0, 3.0]])
    assert lead(logits, torch.tensor([[True, True, False, False]])).tolist() == [2.0]
    assert lead(logits, torch.tensor([[False, False, True, True]])).tolist() == [-2.0]


@pytest.mark.parametrize(
    "network",
    [
        lambda x: torch.stack([x.flatten(1).sum(1), x.flatten(1).sum(1)], 1),  # no change of the image moves the lead
        lambda x: x.detach().flatten(1)[:, :2],
        lambda x: torch.ones(len(x), 2).requires_grad_(True),  # whose logits do not come from the image
        lambda x: x.flatten(1)[:, :2] * torch.nan,
        lambda x: x.flatten(1)[:, :2] * torch.inf,
    ],
)
def test_without_a_gradient_there_is_no_share(network) -> None:
    found = background_shares(network, torch.rand(2, *SHAPE), one_hot([0, 1], 2), torch.ones(2, 1, 4, 5))
    assert found.isnan().all()


def test_a_mask_of_everything_or_nothing_parts_nothing_traces_of_compression_or_not() -> None:
    masks = torch.zeros(5, 1, 4, 5)
    masks[1] = 1
    masks[2] = 0.02
    masks[3] = 0.98
    masks[4, 0, 2, 2] = 0.9
    assert parts(masks).tolist() == [False, False, False, False, True]


def test_fewer_than_two_shares_are_no_mean() -> None:
    one = torch.tensor([float("nan"), 0.5, float("nan")]).numpy()
    assert not gradient_share.known(one).any()
    two = torch.tensor([float("nan"), 0.5, 0.25]).numpy()
    assert gradient_share.known(two).tolist() == [False, True, True]
    assert gradient_share.remarks(two, 4) == {"gradient": {"images": 4, "mask_parts_nothing": 1, "no_gradient": 1}}
