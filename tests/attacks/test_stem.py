"""The stem's own input gradient is that of autograd, at every size that occurs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tradeoffs.attacks.stem import Stem, fits, input_gradient


@settings(max_examples=40, deadline=None)
@given(
    kernel=st.sampled_from([1, 3, 5, 7, 9, 11]),
    channels=st.integers(1, 4),
    height=st.integers(1, 8),
    width=st.integers(1, 8),
    bias=st.booleans(),
)
def test_value_and_input_gradient(kernel: int, channels: int, height: int, width: int, bias: bool) -> None:
    convolution = nn.Conv2d(channels, 5, kernel, 2, kernel // 2, bias=bias).double().requires_grad_(False)
    assert fits(convolution)
    x = torch.rand(2, channels, 2 * height, 2 * width, dtype=torch.double, requires_grad=True)
    expected = convolution(x)
    output = Stem(convolution)(x)
    assert torch.equal(output, expected)
    direction = torch.rand_like(expected)
    ours, theirs = (torch.autograd.grad(y, x, direction)[0] for y in (output, expected))
    torch.testing.assert_close(ours, theirs)
    assert torch.equal(ours, input_gradient(direction, convolution.weight))


def test_odd_sizes_are_left_to_the_convolution() -> None:
    convolution = nn.Conv2d(3, 4, 3, 2, 1).requires_grad_(False)
    x = torch.rand(1, 3, 7, 8, requires_grad=True)
    assert torch.equal(Stem(convolution)(x), convolution(x))
    Stem(convolution)(x).sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize(
    "other",
    [
        nn.Conv2d(16, 8, 3, 2, 1),
        nn.Conv2d(3, 8, 3, 1, 1),
        nn.Conv2d(3, 8, 4, 2, 2),
        nn.Conv2d(3, 8, 3, 2, 0),
        nn.Conv2d(3, 8, (3, 5), 2, (1, 2)),
        nn.Conv2d(3, 8, 3, (2, 1), 1),
        nn.Conv2d(3, 8, 3, 2, 1, dilation=2),
        nn.Conv2d(3, 9, 3, 2, 1, groups=3),
        nn.Conv2d(3, 8, 3, 2, "valid"),
        nn.Conv2d(3, 8, 3, 2, 1, padding_mode="reflect"),
    ],
    ids=str,
)
def test_other_convolutions_do_not_fit(other: nn.Conv2d) -> None:
    assert not fits(other)
