import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tradeoffs.attacks.pgd import l2_norm, moderate, pgd, random_start, step
from tradeoffs.step.errors import InputError

NORMS = ("l1", "l2", "linf")


def size(delta: Tensor, norm: str) -> Tensor:
    flat = delta.flatten(1)
    return flat.norm(p={"l1": 1, "l2": 2, "linf": torch.inf}[norm], dim=1)


@settings(max_examples=30, deadline=None)
@given(
    norm=st.sampled_from(NORMS),
    epsilon=st.floats(1e-3, 3.0),
    step_size=st.floats(0.1, 4.0),
    steps=st.integers(0, 4),
    seed=st.integers(0, 100),
)
def test_pgd_stays_in_the_ball_and_in_the_pixel_range(norm, epsilon, step_size, steps, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(5, 3, 4, 4, generator=generator)
    weight = torch.randn(48, generator=generator)
    x_adv = pgd(
        lambda z: (z.flatten(1) @ weight) ** 2,
        x,
        norm=norm,
        epsilon=epsilon,
        steps=steps,
        step_size=step_size * epsilon,
        generator=generator,
    )
    assert (size(x_adv - x, norm) <= epsilon * (1 + 1e-4) + 1e-6).all()
    assert x_adv.min() >= 0
    assert x_adv.max() <= 1
    assert not x_adv.requires_grad


@pytest.mark.parametrize(("norm", "dual"), [("l1", torch.inf), ("l2", 2), ("linf", 1)])
def test_pgd_reaches_the_known_optimum_of_a_linear_loss(norm, dual):
    """max over ||d|| <= eps of w.(x + d) is w.x + eps ||w||_dual."""
    weight = torch.randn(12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = torch.zeros(3, 12, dtype=torch.float64)
    x_adv = pgd(
        lambda z: z @ weight,
        x,
        norm=norm,
        epsilon=0.3,
        steps=40,
        step_size=0.1,
        generator=torch.Generator().manual_seed(0),
        bounds=None,
    )
    torch.testing.assert_close(x_adv @ weight, 0.3 * weight.norm(p=dual).expand(3), rtol=1e-6, atol=0)


@pytest.mark.parametrize("norm", NORMS)
def test_random_starts_fill_the_ball(norm):
    x = torch.zeros(4000, 2)
    start = random_start(x, norm=norm, epsilon=2.0, generator=torch.Generator().manual_seed(0), bounds=None)
    radius = size(start, norm) / 2
    # Uniform in two dimensions: P(radius <= r) = r^2 in both norms.
    for r in (0.25, 0.5, 0.75):
        assert (radius <= r).float().mean().item() == pytest.approx(r**2, abs=0.03)
    assert start.mean(0).abs().max() < 0.1


def test_a_step_in_an_unknown_norm_is_one_clear_line():
    x = torch.rand(2, 3)
    with pytest.raises(InputError, match="norm: 'l3' is unknown; choose one of l1, l2, linf"):
        step(x, x, x, norm="l3", epsilon=1.0, step_size=0.1, bounds=None)


def test_steps_have_the_length_of_their_norm_and_end_on_the_edge_of_the_ball():
    x, gradient = torch.zeros(4, 3, 2), torch.tensor([3.0, -4.0, 0, 0, 0, 0]).view(3, 2).expand(4, 3, 2)
    scale = torch.tensor([1e-6, 1.0, 1e6, 1e3])[:, None, None]
    for norm, direction in (("l2", [0.6, -0.8, 0, 0, 0, 0]), ("linf", [1.0, -1, 0, 0, 0, 0])):
        expected = torch.tensor(direction).view(3, 2).expand(4, 3, 2)
        for length, reached in ((0.5, 0.5), (1.5, 1.5), (2.5, 2.0)):
            moved = step(x, x, scale * gradient, norm=norm, epsilon=2.0, step_size=length, bounds=None)
            torch.testing.assert_close(moved, reached * expected)
        moved = step(x, x, scale * gradient, norm=norm, epsilon=2.0, step_size=1.5, bounds=(0.0, 0.7))
        torch.testing.assert_close(moved, (1.5 * expected).clamp(0, 0.7))
        around = step(x + 1, x + 0.5, scale * gradient, norm=norm, epsilon=0.25, step_size=0.0, bounds=None)
        assert torch.allclose(size(around - x - 0.5, norm), torch.tensor(0.25))


def test_attack_leaves_the_weights_gradients_alone():
    network = nn.Linear(4, 2)
    x, labels = torch.rand(6, 4), torch.zeros(6, dtype=torch.long)
    pgd(
        lambda z: nn.functional.cross_entropy(network(z), labels, reduction="none"),
        x,
        norm="l2",
        epsilon=0.5,
        steps=2,
        step_size=0.2,
        generator=torch.Generator().manual_seed(0),
    )
    assert network.weight.grad is None


@pytest.mark.parametrize("step_size", [0.5, 20.0])
def test_a_zero_gradient_does_not_move_or_break_an_example(step_size):
    x = torch.rand(2, 5)
    moved = step(x, x, torch.zeros_like(x), norm="l2", epsilon=10.0, step_size=step_size, bounds=(0.0, 1.0))
    torch.testing.assert_close(moved, x)


def test_unknown_norm_is_one_clear_line():
    x = torch.rand(2, 3)
    with pytest.raises(InputError, match="norm: 'l3' is unknown; choose one of l1, l2, linf"):
        random_start(x, norm="l3", epsilon=1.0, generator=torch.Generator(), bounds=None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_norms_of_ordinary_numbers_are_the_plain_ones_to_the_last_bit(dtype, layout):
    generator = torch.Generator().manual_seed(0)
    scales = 10.0 ** torch.randint(-8, 9, (40, 1, 1, 1), generator=generator)
    x = (torch.randn(40, 3, 16, 16, generator=generator, dtype=dtype) * scales).contiguous(memory_format=layout)
    plain = torch.linalg.vector_norm(x.flatten(1), dim=1)[:, None, None, None]
    assert torch.equal(l2_norm(x), plain)
    moderated, factor = moderate(x)
    assert torch.equal(moderated / factor, x)
    assert (moderated.flatten(1).abs().amax(1) <= 1).all()
    start = torch.rand(x.shape, generator=generator, dtype=dtype)
    expected = (start + 0.1 * 0).addcdiv(x, plain, value=0.1)  # the ball is wide: no projection
    torch.testing.assert_close(
        step(start, start, x, norm="l2", epsilon=9.0, step_size=0.1, bounds=None), expected, rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1e-20, 1e20, 1e38])
@pytest.mark.parametrize("norm", NORMS)
def test_a_step_has_its_length_and_direction_whatever_the_gradients_size(norm, scale):
    """Squares of 1e20 overflow, those of 1e-20 underflow."""
    x = torch.full((2, 3, 4, 4), 0.5)
    gradient = torch.randint(1, 4, x.shape, generator=torch.Generator().manual_seed(0)) - 2.5
    setting = {"norm": norm, "epsilon": 1.0, "step_size": 0.25, "bounds": (0.0, 1.0)}
    moved = step(x, x, (gradient.double() * scale).float(), **setting)
    torch.testing.assert_close(moved, step(x, x, gradient, **setting), rtol=1e-2 if scale < 1e-40 else 1e-5, atol=0)
    torch.testing.assert_close(size(moved - x, norm), torch.full((2,), 0.25), rtol=1e-2, atol=0)


@pytest.mark.parametrize(("value", "expected"), [(1e20, 2e20), (1e-20, 2e-20), (1e38, 2e38), (0.0, 0.0)])
def test_norms_neither_overflow_nor_underflow(value, expected):
    assert l2_norm(torch.full((1, 4), value)).item() == pytest.approx(expected, rel=1e-6, abs=1e-37)


@pytest.mark.parametrize("norm", NORMS)
def test_a_gradient_that_is_not_finite_leads_nowhere_wrong(norm):
    """NaN moves nothing; an infinite gradient is the steepest there is; other examples do not notice."""
    nan, inf = float("nan"), float("inf")
    x = torch.full((4, 3), 0.5)
    gradient = torch.tensor([[nan, nan, nan], [nan, 1.0, 0.0], [0.0, inf, 0.0], [0.0, 1.0, 0.0]])
    moved = step(x, x, gradient, norm=norm, epsilon=0.2, step_size=0.1, bounds=(0.0, 1.0))
    expected = torch.tensor([[0.5, 0.5, 0.5]] + [[0.5, 0.6, 0.5]] * 3)
    torch.testing.assert_close(moved, expected)
