"""An answer is a class whose logit alone is the largest of finite ones; anything else is none."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tradeoffs.attacks.strong import margin
from tradeoffs.models.answers import NOT_FINITE, TIED, answers, finite

numbers = st.one_of(st.floats(width=32), st.sampled_from([0.0, -0.0, 1.0, 3e38, -3e38, 1e-44, float("nan")]))


@given(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4), st.integers(0, 2))
def test_right_only_where_all_is_finite_and_the_true_class_alone_the_largest(rows, label):
    logits, labels = torch.tensor(rows), torch.full((len(rows),), label)
    expected = torch.tensor(
        [
            all(abs(v) < float("inf") for v in row) and all(row[label] > v for i, v in enumerate(row) if i != label)
            for row in logits.tolist()
        ]
    )
    assert torch.equal(answers(logits) == labels, expected)
    assert torch.equal(margin(logits, labels) < 0, expected)
    assert not margin(logits, labels).isnan().any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_what_names_no_class_says_why(dtype):
    nan, inf = float("nan"), float("inf")
    rows = [[0, 2, 1], [2, 2, 1], [0, 0, 0], [nan, 2, 1], [0, inf, 1], [0, 2, -inf], [nan] * 3]
    found = answers(torch.tensor(rows, dtype=dtype))
    assert found.tolist() == [1, TIED, TIED, NOT_FINITE, NOT_FINITE, NOT_FINITE, NOT_FINITE]
    assert finite(torch.tensor(rows, dtype=dtype)).tolist() == [True] * 3 + [False] * 4


def test_logits_of_one_class_may_share_the_largest_value():
    """Two breeds of dog are one dog; a class that stands for nothing is -1."""
    classes = torch.tensor([5, 5, 2, -1])
    rows = torch.tensor([[3.0, 3, 1, 0], [3, 1, 3, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 1]])
    assert answers(rows, classes).tolist() == [5, TIED, 2, -1, TIED]


def test_no_images_have_no_answers():
    assert answers(torch.zeros(0, 3)).shape == (0,)
