import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tradeoffs.attacks.effort import LONGER, TARGETED, targets_of
from tradeoffs.attacks.strong import (
    HOPE,
    LAST,
    REACH,
    SHRUNK,
    STRIDE,
    WIDE,
    accuracy_curve,
    attack,
    clean_pass,
    fooled,
    margin,
    near,
    soft_margin,
    stride,
    width,
)
from tradeoffs.models.networks import build
from tradeoffs.step.errors import InputError

NORMS = ("l1", "l2", "linf")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def curve(logits, x, labels, epsilons, norm="linf", steps=10, restarts=1, batch_size=1000, seed=0) -> Tensor:
    return accuracy_curve(
        logits,
        x,
        labels,
        norm=norm,
        epsilons=epsilons,
        steps=steps,
        restarts=restarts,
        generator=seeded(seed),
        batch_size=batch_size,
    )


@pytest.fixture(scope="module")
def blobs():
    """A small network that has learnt to tell ten noisy patterns apart, with images of each."""
    torch.manual_seed(0)
    patterns = torch.rand(10, 3, 8, 8)
    labels = torch.arange(200) % 10
    x = (0.5 + 0.15 * (patterns[labels] - 0.5) + 0.08 * torch.randn(200, 3, 8, 8)).clamp(0, 1)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), labels).backward()
        optimizer.step()
    network.requires_grad_(False)
    assert (network(x).argmax(1) == labels).float().mean() > 0.9
    return network, x, labels


def test_margin_is_the_best_wrong_logit_minus_the_true_one():
    logits = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 1.0]])
    torch.testing.assert_close(margin(logits, torch.tensor([0, 2])), torch.tensor([-1.0, 4.0]))


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=6), st.floats(0.01, 1), st.integers(0, 2), st.floats(0.1, 1e4))
def test_soft_margin_is_a_margin_from_above_and_scales_with_the_logits(values, softness, label, factor):
    logits, labels = torch.tensor([values], dtype=torch.float64), torch.tensor([label])
    soft, hard = soft_margin(logits, labels, softness), margin(logits, labels)
    allowance = softness * logits.std(correction=0) * np.log(len(values) - 1)
    assert hard - 1e-9 <= soft <= hard + allowance + 1e-9
    torch.testing.assert_close(soft_margin(factor * logits, labels, softness), factor * soft, rtol=1e-9, atol=1e-6)
    torch.testing.assert_close(soft_margin(logits, labels, 0.0), hard)


@pytest.mark.parametrize("norm", NORMS)
def test_finds_exactly_the_points_within_reach_of_a_linear_boundary(norm):
    """For two linear classes the distance to the boundary is |margin| / ||w1 - w0||_dual: an independent answer."""
    generator = seeded(3)
    x = 0.4 + 0.2 * torch.rand(200, 6, generator=generator)
    difference = torch.randn(6, generator=generator)
    weight = torch.stack([torch.zeros(6), difference])
    bias = torch.tensor([0.0, -0.5 * difference.sum().item()])

    def logits(z: Tensor) -> Tensor:
        return z @ weight.T + bias

    labels = logits(x).argmax(1)
    distance = margin(logits(x), labels).abs() / difference.norm(p={"l1": torch.inf, "l2": 2, "linf": 1}[norm])
    # Nowhere near the pixel range's ends, which the distance knows nothing of.
    budgets = [q * distance.median().item() for q in (0.5, 1.0, 1.2)]
    robust = curve(logits, x, labels, budgets, norm, steps=20, restarts=2)
    for withstood, epsilon in zip(robust, budgets, strict=True):
        clear = (distance - epsilon).abs() > 0.02 * epsilon
        assert torch.equal(withstood[clear], (distance > epsilon)[clear])


@pytest.mark.parametrize("norm", NORMS)
def test_starts_at_clean_accuracy_and_never_rises(norm, blobs):
    network, x, labels = blobs
    labels = labels.clone()
    labels[::7] = (labels[::7] + 1) % 10  # some misclassified without any attack
    robust = curve(network, x, labels, [0.1, 0.0, 0.02], norm, steps=3, restarts=2, batch_size=64)
    assert torch.equal(robust[1], network(x).argmax(1) == labels)
    assert not (robust[0] & ~robust[2]).any()
    assert not (robust[2] & ~robust[1]).any()
    assert 0 < robust[1].sum() < len(x)


@pytest.mark.parametrize("batch_size", [100, 64, 37])
def test_a_budget_decides_the_same_however_its_examples_are_batched_with_others(batch_size, blobs):
    """Only random starts depend on the batch: an example far from every boundary of the attack does not change."""
    network, x, labels = blobs
    alone = curve(network, x, labels, [0.03], steps=5, restarts=3, seed=batch_size)
    beside = curve(network, x, labels, [0.03, 0.001, 0.5], steps=5, restarts=3, batch_size=batch_size)
    assert 0 < alone[0].float().mean() < 1
    assert (alone[0] != beside[0]).float().mean() <= 0.02


def test_same_seed_same_result(blobs):
    network, x, labels = blobs
    assert torch.equal(*(curve(network, x, labels, [0.02, 0.05], "l2", restarts=3, seed=5) for _ in range(2)))


@pytest.mark.parametrize("norm", NORMS)
def test_an_example_counts_as_fooled_only_for_a_point_within_the_ball(norm):
    """Everything outside the ball is misclassified, and the attack goes there; nothing within is."""
    x, labels, epsilon = torch.rand(1, 3, 8, 8, generator=seeded(0)), torch.zeros(1, dtype=torch.long), 0.2
    farthest = 0.0

    def wrong_outside(z: Tensor) -> Tensor:
        nonlocal farthest
        assert z.min() >= 0
        assert z.max() <= 1
        distance = (z - x).flatten(1).norm(p={"l1": 1, "l2": 2, "linf": torch.inf}[norm], dim=1)
        farthest = max(farthest, distance.max().item())
        outside = distance - epsilon * (1 + 1e-5)
        return torch.stack([torch.zeros_like(outside), outside], 1)

    assert curve(wrong_outside, x, labels, [epsilon], norm, restarts=3).all()
    assert farthest > 1.5 * epsilon


def test_finds_a_point_to_which_only_a_way_outside_the_ball_leads():
    """Within the ball all gradients lead away from the strip at its edge that is misclassified; beyond it, back."""
    x, labels = torch.full((4, 2), 0.5), torch.zeros(4, dtype=torch.long)

    def logits(z: Tensor) -> Tensor:
        at = z[:, 0] - 0.5
        hill = torch.where(at < -0.0999, 1 + 0 * at, torch.where(at < 0.12, at - 1, -at - 1))
        return torch.stack([torch.zeros(len(z)), hill], 1)

    assert not curve(logits, x, labels, [0.1]).any()


@pytest.mark.parametrize("factor", [1e-4, 1e5])
def test_the_scale_of_the_logits_hides_nothing(factor, blobs):
    """Cross-entropy's gradient is exactly zero where logits are large; this attack's is not."""
    network, x, labels = blobs
    plain = curve(network, x, labels, [0.02, 0.05])
    scaled = curve(lambda z: factor * network(z), x, labels, [0.02, 0.05])
    assert 0 < plain[0].float().mean() < 1
    assert (plain != scaled).float().mean() <= 0.01


@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.03), ("l2", 0.3)])
def test_never_weaker_than_plain_pgd_of_as_many_steps(norm, epsilon, blobs):
    """A loop written here: cross-entropy, a fixed step of 2.5 epsilon / steps, whether the last point is fooled."""
    network, x, labels = blobs
    generator = seeded(1)
    x_adv = x + epsilon * (2 * torch.rand(x.shape, generator=generator) - 1) * (0.1 if norm == "l2" else 1)
    for _ in range(10):
        x_adv = x_adv.clamp(0, 1).requires_grad_(True)
        (g,) = torch.autograd.grad(nn.functional.cross_entropy(network(x_adv), labels, reduction="sum"), x_adv)
        size = (lambda d: d.flatten(1).norm(dim=1)[:, None, None, None]) if norm == "l2" else None
        direction = g.sign() if size is None else g / size(g)
        d = (x_adv + 0.25 * epsilon * direction - x).detach()
        d = d.clamp(-epsilon, epsilon) if size is None else d * (epsilon / size(d)).clamp(max=1)
        x_adv = x + d
    peer = (network(x_adv.clamp(0, 1)).argmax(1) == labels).sum()
    ours = curve(network, x, labels, [epsilon], norm)[0].sum()
    assert 0 < peer < len(x)
    assert ours <= peer


def test_one_pass_over_the_images_themselves_serves_the_first_step_at_all_budgets(blobs):
    network, x, labels = blobs
    passes = 0

    def counted(z: Tensor) -> Tensor:
        nonlocal passes
        passes += 1
        return network(z)

    budgets = [1e-6, 2e-6, 3e-6]
    assert curve(counted, x, labels, budgets, steps=7)[2].any()
    assert passes == 1 + 7  # whoever is right withstands the largest budget
    passes = 0
    assert not curve(counted, x, labels, [0.4, 0.5, 0.6], steps=7).any()
    assert 1 + 3 <= passes <= 1 + 3 * 7


@pytest.mark.parametrize("norm", NORMS)
def test_a_step_along_a_gradient_known_before_is_the_step_that_a_pass_would_have_led_to(norm):
    """Exactly so where the gradient is the same everywhere."""
    x, weight = torch.rand(20, 6, generator=seeded(1)), torch.randn(6, 3, generator=seeded(2))
    labels = (x @ weight).argmax(1)
    setting = {"norm": norm, "epsilon": 0.01, "steps": 3, "softness": 0.0}
    (gradient,) = torch.autograd.grad(margin((z := x.clone().requires_grad_()) @ weight, labels).sum(), z)
    passed = attack(lambda z: z @ weight, x, labels, generator=seeded(0), **setting)
    known = attack(lambda z: z @ weight, x, labels, generator=seeded(0), gradient=gradient, **setting)
    torch.testing.assert_close(known.margins, passed.margins)


@pytest.mark.parametrize("norm", NORMS)
def test_a_gradient_that_vanishes_at_the_image_itself_stops_nothing(norm):
    """The first step then leads nowhere, and the attack goes on from its random start."""
    x, labels = torch.full((50, 4), 0.5), torch.zeros(50, dtype=torch.long)

    def logits(z: Tensor) -> Tensor:
        away = (z - 0.5).square().sum(1)
        return torch.stack([torch.full_like(away, 0.03), away], 1)

    assert clean_pass(logits, x, labels)[1].abs().max() == 0
    assert not curve(logits, x, labels, [0.2], norm).any()


def detached(z: Tensor) -> Tensor:
    return z.detach() @ torch.eye(4)


def through_integers(z: Tensor) -> Tensor:
    return nn.functional.one_hot((4 * z[:, 0]).long(), 5).float()


def a_constant_beside_weights(z: Tensor) -> Tensor:
    return torch.ones(len(z), 1) @ torch.ones(1, 4).requires_grad_()


def test_a_network_of_one_class_cannot_be_fooled():
    attack = {"norm": "l2", "epsilons": [0.5], "steps": 2, "restarts": 3, "batch_size": 4}
    x, labels = torch.rand(4, 3, 4, 4), torch.zeros(4, dtype=torch.long)
    with pytest.raises(InputError, match="gives one logit; expected"):
        accuracy_curve(lambda x: x.mean((1, 2, 3))[:, None], x, labels, generator=torch.Generator(), **attack)


@pytest.mark.parametrize("logits", [detached, through_integers, a_constant_beside_weights])
def test_a_network_without_gradients_is_said_to_have_none(logits):
    with pytest.raises(InputError, match="no gradient with respect to its input"):
        curve(logits, torch.rand(5, 4, generator=seeded(0)), torch.zeros(5, dtype=torch.long), [0.1])


def test_further_attacks_are_longer_and_on_fewer_examples_that_came_near(blobs):
    """Who lacks more than a share of what was gained is not attacked again, or leaves half way; fooled stays fooled."""
    network, x, labels = blobs
    asked: list[int] = []

    def counted(z: Tensor) -> Tensor:
        asked.append(len(z))
        return network(z)

    logits, gradient = clean_pass(network, x, labels)
    clean, steps = margin(logits, labels), 4
    setting = {"norm": "linf", "epsilon": 0.02, "batch_size": 10_000}
    one = fooled(counted, x, labels, clean, gradient, steps=steps, restarts=1, generator=seeded(0), **setting)
    passes = len(asked)
    assert passes == steps
    first = attack(network, x, labels, norm="linf", epsilon=0.02, steps=steps, generator=seeded(0), gradient=gradient)
    again = ~one & near(first.margins, clean, REACH)
    assert 0 < again.sum() < (~one).sum()
    asked.clear()
    many = fooled(counted, x, labels, clean, gradient, steps=steps, restarts=3, generator=seeded(0), **setting)
    assert not (one & ~many).any()
    longer, targeted = LONGER["linf"], TARGETED["linf"]
    second, third = asked[passes : passes + longer * steps + 1], asked[passes + longer * steps + 1 :]
    assert second[0] == again.sum()
    aims = targets_of(logits.shape[1])
    assert 0 < third[0] < aims * again.sum()  # so many copies each, one towards each wrong class, of fewer examples
    assert third[0] % aims == 0
    for further, times in ((second, longer), (third, targeted)):
        half = times * steps // 2
        assert len(further) == times * steps + 1
        assert further == sorted(further, reverse=True)
        assert further[half + 1] < further[half]


def test_from_half_way_on_those_without_hope_leave():
    """The wrong class gains as much as one example lacks, nearly, and half as much of the other."""
    x, labels = torch.tensor([[0.2], [0.8]]), torch.zeros(2, dtype=torch.long)
    asked: list[int] = []

    def logits(z: Tensor) -> Tensor:
        asked.append(len(z))
        gained = torch.where(z < 0.5, 0.5 * (z - 0.2), z - 0.8)[:, 0] / 0.1
        return torch.stack([torch.full_like(gained, 1.01), gained], 1)

    clean = margin(logits(x), labels)
    assert torch.equal(near(torch.tensor([-0.51, -0.01]), clean, HOPE), torch.tensor([False, True]))
    attack(logits, x, labels, norm="linf", epsilon=0.1, steps=8, generator=seeded(0), clean=clean)
    assert asked[1:] == [2] * 5 + [1] * 4


def test_the_third_attack_finds_a_class_that_only_an_attack_towards_it_finds():
    """One class comes near, never wins, and draws all points its way; another would win on the far side of the ball."""
    x, labels = torch.full((4, 2), 0.5), torch.zeros(4, dtype=torch.long)

    def logits(z: Tensor) -> Tensor:
        lure = 0.999 - (0.7 - z[:, 0])
        hidden = 0.5 - 0.01 * z[:, 0] + 1000 * (0.302 - z[:, 0]).relu()
        return torch.stack([torch.ones(len(z)), lure, hidden], 1)

    assert curve(logits, x, labels, [0.2], restarts=2).all()
    assert not curve(logits, x, labels, [0.2], restarts=3).any()


@pytest.mark.parametrize(("classes", "aims"), [(2, 1), (3, 2), (6, 5), (10, 5), (14, 7), (1000, 9)])
def test_the_nearest_wrong_classes_are_aimed_at(classes, aims):
    assert targets_of(classes) == aims


def test_two_classes_leave_one_to_aim_at():
    x, labels = torch.full((3, 4), 0.5), torch.zeros(3, dtype=torch.long)
    assert curve(lambda z: torch.stack([z.sum(1), 1.9 + 0 * z.sum(1)], 1), x, labels, [0.02], restarts=4).all()


@pytest.mark.parametrize("batch_size", [3, 20, 1000])
def test_no_attack_asks_for_more_than_a_batch(batch_size, blobs):
    """Copies of an example, one for each class, count: they fill the memory as much as other examples do."""
    network, x, labels = blobs

    def limited(z: Tensor) -> Tensor:
        assert len(z) <= max(9, batch_size)
        return network(z)

    curve(limited, x, labels, [0.02], steps=2, restarts=3, batch_size=batch_size)


def lost_when_moved(network, x):
    """Give NaN everywhere but at the images themselves."""

    def logits(z: Tensor) -> Tensor:
        known = (z[:, None] == x).flatten(2).all(2).any(1)
        return torch.where(known[:, None], network(z), torch.nan)

    return logits


def not_finite(network, x, labels):
    """Networks whose logits are not finite, somewhere."""
    nan, inf = float("nan"), float("inf")
    wrong = torch.zeros(10).scatter(0, torch.tensor([9]), inf)
    return {
        "NaN always": lambda z: network(z) * nan,
        "infinite always": lambda z: network(z) + inf,
        "minus infinity for another class": lambda z: network(z) - wrong,
        "NaN once attacked": lost_when_moved(network, x),
        "NaN for another class, near the boundary": lambda z: (
            (out := network(z)) + torch.where(out.topk(2).values.diff(dim=1) > -2.0, nan, 0.0) * torch.eye(10)[3]
        ),
        "overflow in half precision": lambda z: (network(z) * 2e4).half(),
    }


KINDS = [
    "NaN always",
    "infinite always",
    "minus infinity for another class",
    "NaN once attacked",
    "NaN for another class, near the boundary",
    "overflow in half precision",
]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_logits_that_are_not_finite_withstand_nothing(kind, norm, blobs):
    """By a loop written here: no image counts for which a logit is not finite, clean or at a point of the ball."""
    network, x, labels = blobs
    logits = not_finite(network, x, labels)[kind]
    epsilon = {"linf": 0.03, "l2": 0.3, "l1": 1.0}[norm]
    clean, robust = curve(logits, x, labels, [0.0, epsilon], norm, restarts=3)
    out = logits(x)
    right = out.isfinite().all(1) & (out.float().argmax(1) == labels)
    assert torch.equal(clean, right)
    honest = curve(network, x, labels, [epsilon], norm, restarts=3)[0]
    assert not (robust & ~clean).any()
    if kind in ("NaN always", "infinite always", "minus infinity for another class", "NaN once attacked"):
        assert not robust.any()
    else:
        assert honest.sum() > 0
        # What withstands may only be what a network that answers there would withstand too, but for chance.
        assert (robust & ~honest).sum() <= 1
        assert robust.sum() < honest.sum()


@pytest.mark.parametrize("restarts", [1, 2, 3])
def test_nan_at_a_single_point_of_the_way_is_enough(restarts, blobs):
    """Whenever it is met, at the image's last step or in a further attack."""
    network, x, labels = blobs
    alone = curve(network, x, labels, [0.01], steps=6, restarts=restarts)[0]
    calls = 0

    def once(z: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        out = network(z)
        return out * torch.nan if calls == last else out

    last = 0
    curve(once, x, labels, [0.01], steps=6, restarts=restarts)
    last, calls = calls, 0
    robust = curve(once, x, labels, [0.01], steps=6, restarts=restarts)[0]
    assert alone.sum() > 0
    assert robust.sum() < alone.sum()
    assert not (robust & ~alone).any()


def test_a_tie_is_no_correct_answer(blobs):
    """Neither clean, nor at a point that an attack visits."""
    _, x, labels = blobs
    assert not curve(lambda z: 0 * z.sum((1, 2, 3), keepdim=True)[:, :, 0, 0].expand(-1, 10), x, labels, [0, 0.1]).any()
    zeros = torch.zeros(4, dtype=torch.long)

    def ties(z: Tensor) -> Tensor:
        lead = (0.6 - z[:, 0]).clamp(min=0)  # 0 from 0.6 on, never below: the true class is level there, not beaten
        return torch.stack([lead, 0 * lead], 1)

    within, beyond = curve(ties, torch.full((4, 2), 0.5), zeros, [0.05, 0.2])
    assert within.all()
    assert not beyond.any()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("factor", [1e-30, 1e-20, 1e20, 1e30])
def test_logits_of_any_size_are_attacked_alike(factor, norm, blobs):
    """Squares of these overflow or underflow: of the logits, in their scale, and of the gradients, in their length."""
    network, x, labels = blobs
    budgets = {"linf": [0.02, 0.05], "l2": [0.2, 0.5], "l1": [2.0, 5.0]}[norm]
    plain = curve(network, x, labels, budgets, norm, restarts=2)
    scaled = curve(lambda z: factor * network(z), x, labels, budgets, norm, restarts=2)
    assert 0 < plain[0].float().mean() < 1
    assert (plain != scaled).float().mean() <= 0.02


def test_logits_at_the_edge_of_the_numbers_are_compared():
    x, labels = torch.full((3, 2), 0.5), torch.zeros(3, dtype=torch.long)

    def logits(z: Tensor) -> Tensor:
        edge = torch.full((len(z),), 3e38)
        return torch.stack([edge, 0 * z.sum(1) - edge], 1)

    assert curve(logits, x, labels, [0.0, 0.1], restarts=3).all()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_gradients_that_are_not_finite_do_not_spoil_the_point(value, norm, blobs):
    network, x, labels = blobs

    class Spoilt(torch.autograd.Function):
        @staticmethod
        def forward(context, z):
            return z.clone()

        @staticmethod
        def backward(context, gradient):
            spoilt = gradient.clone()
            spoilt[:, 0] = value
            return spoilt

    def watched(z: Tensor) -> Tensor:
        assert z.isfinite().all()
        return network(Spoilt.apply(z))

    robust = curve(watched, x, labels, [0.0, 0.5], norm, restarts=2)
    assert torch.equal(robust[0], network(x).argmax(1) == labels)


@pytest.mark.parametrize("power", [-100, -60, 60, 100])
def test_the_soft_margin_of_logits_beyond_all_squares_is_that_of_ordinary_ones(power):
    logits = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) % 5
    assert torch.equal(soft_margin(logits * 2.0**power, labels, 0.4), soft_margin(logits, labels, 0.4) * 2.0**power)


def test_the_soft_margin_has_the_bits_that_plain_formulas_give():
    logits = 30 * torch.randn(200, 10, generator=seeded(0))
    labels = torch.arange(200) % 10
    temperature = 0.4 * logits.std(1, correction=0, keepdim=True)
    wrong = logits.scatter(1, labels[:, None], -torch.inf)
    top = wrong.amax(1, keepdim=True)
    softly = top[:, 0] + temperature[:, 0] * torch.logsumexp((wrong - top) / temperature, 1)
    expected = softly - logits.gather(1, labels[:, None])[:, 0]
    assert torch.equal(soft_margin(logits, labels, 0.4), expected)


def test_evaluating_in_one_class_order_or_another_is_the_same(blobs):
    network, x, labels = blobs
    order = torch.randperm(10, generator=seeded(0))
    inverse = order.argsort()
    plain = curve(network, x, labels, [0.02, 0.05], restarts=3)
    permuted = curve(lambda z: network(z)[:, order], x, inverse[labels], [0.02, 0.05], restarts=3)
    assert (plain != permuted).float().mean() <= 0.01


def test_channels_last_images_are_attacked_alike():
    torch.manual_seed(1)
    network = build("basic", 10).eval().requires_grad_(False)
    x = torch.rand(16, 3, 32, 32)
    labels = network(x).argmax(1)
    plain = curve(network, x, labels, [0.001, 0.01], "l2")
    turned = curve(network, x.contiguous(memory_format=torch.channels_last), labels, [0.001, 0.01], "l2")
    assert (plain != turned).sum() <= 1


def test_unknown_norm_is_one_clear_line(blobs):
    network, x, labels = blobs
    with pytest.raises(InputError, match="norm: 'l3' is unknown; choose one of l1, l2, linf"):
        curve(network, x, labels, [0.1], norm="l3")


@pytest.mark.parametrize("batch_size", [1000, 37])
def test_what_an_attack_is_told_of_an_example_is_of_that_example(batch_size, blobs, monkeypatch):
    """Its clean margin and gradient, its nearest wrong classes, in every batch, restart and budget."""
    network, x, labels = blobs
    labels = labels.clone()
    labels[::7] = (labels[::7] + 1) % 10
    steps_seen: list[int] = []

    def watched_fooled(logits, x, labels, clean, gradient, **settings):
        found, slope = clean_pass(network, x, labels)
        torch.testing.assert_close(clean, margin(found, labels))
        torch.testing.assert_close(gradient, slope)
        return fooled(logits, x, labels, clean, gradient, **settings)

    def watched_attack(logits, x, labels, *, clean=None, gradient=None, targets=None, **settings):
        steps_seen.append(settings["steps"])
        found, slope = clean_pass(network, x, labels)
        if clean is not None:
            torch.testing.assert_close(clean, margin(found, labels))
        if gradient is not None:
            torch.testing.assert_close(gradient, slope)
        if targets is not None:
            aims = {(image.numpy().tobytes(), target) for image, target in zip(x, targets.tolist(), strict=True)}
            assert len(aims) == len(x)  # no class of an example is attacked twice
            assert (targets != labels).all()
        return attack(logits, x, labels, clean=clean, gradient=gradient, targets=targets, **settings)

    monkeypatch.setattr("tradeoffs.attacks.strong.fooled", watched_fooled)
    monkeypatch.setattr("tradeoffs.attacks.strong.attack", watched_attack)
    curve(network, x, labels, [0.02, 0.05], steps=4, restarts=3, batch_size=batch_size)
    assert set(steps_seen) == {4, 4 * LONGER["linf"], 4 * TARGETED["linf"]}


def test_an_example_that_answers_nan_on_the_way_changes_nothing_for_the_others(blobs):
    network, x, labels = blobs
    marked = torch.arange(len(x)) % 3 == 0
    x = x.clone()
    x[:, 0, 0, 0] = marked.float()
    passes = 0

    def failing(z: Tensor) -> Tensor:
        nonlocal passes
        passes += 1
        return network(z).masked_fill(((z[:, 0, 0, 0] > 0.5) & (passes == 7))[:, None], torch.nan)

    plain, beside = curve(network, x, labels, [0.02])[0], curve(failing, x, labels, [0.02])[0]
    assert 0 < plain[~marked].float().mean() < 1
    assert torch.equal(plain[~marked], beside[~marked])


@pytest.mark.parametrize("steps", [2, 5, 10])
def test_the_margin_is_soft_at_first_and_hard_at_the_end(steps, blobs, monkeypatch):
    network, x, labels = blobs
    asked: list[float] = []

    def watched(logits, labels, softness):
        asked.append(softness)
        return soft_margin(logits, labels, softness)

    monkeypatch.setattr("tradeoffs.attacks.strong.soft_margin", watched)
    attack(network, x, labels, norm="l2", epsilon=1e-6, steps=steps, generator=seeded(0), softness=0.7)
    assert asked == pytest.approx([0.7 * (1 - i / (steps - 1)) for i in range(steps)])


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
@pytest.mark.parametrize("steps", [1, 3, 10])
def test_steps_fall_along_a_cosine_and_the_ball_shrinks_to_its_size_before_the_end(steps, norm):
    strides, first, last = [stride(i, steps, norm) for i in range(steps + 1)], STRIDE[norm], LAST[norm]
    assert strides[0] == first
    assert strides[-1] == pytest.approx(last)
    assert strides == sorted(strides, reverse=True)
    assert stride(steps / 2, steps, norm) == pytest.approx((first + last) / 2)
    assert stride(steps / 3, steps, norm) == pytest.approx(last + 0.75 * (first - last))
    widths = [width(i, steps) for i in range(steps + 1)]
    assert widths[0] == 1  # the random start lies in the ball itself
    assert widths[1:] == sorted(widths[1:], reverse=True)
    for i, radius in enumerate(widths[1:], start=1):
        assert radius == pytest.approx(1 + (WIDE - 1) * max(0, 1 - i / (0.4 * steps)))
        assert (radius == 1) == (i >= SHRUNK * steps)
