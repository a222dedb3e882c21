"""Signs that an attack was misled: the network may look robust because its gradients lead nowhere.

Checks of Athalye, Carlini and Wagner (2018) and Carlini et al. (2019), on a few images: gradients that vanish; an
attack without bounds that does not succeed; images that withstood the strong attack and fall to a weaker one, be it a
single large step or a random search that sees no gradients (squares, after Andriushchenko et al. 2020); and logits or
gradients that are not finite, which lead nowhere either.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tradeoffs.attacks.pgd import Loss, l2_norm, random_start, step
from tradeoffs.attacks.strong import attack, clean_pass, margin
from tradeoffs.models.answers import finite

IMAGES = 50  # at most, so that the checks stay cheap
QUERIES = 100
_TOLERATED = 0.05  # shares; sound networks have none or next to none
_UNBOUNDED = 1.0  # in linf: any image at all


class Signs(NamedTuple):
    """Shares of the images checked, each 0 on a sound network; see :func:`suspicions` for what each means."""

    zero_gradient: float
    unbounded_accuracy: float
    single_step: float
    random_search: float
    not_finite: float = 0.0


def signs(
    logits: Loss,
    x: Tensor,
    labels: Tensor,
    withstood: dict[tuple[str, float], Tensor],
    *,
    steps: int,
    generator: torch.Generator,
) -> Signs:
    """Look for signs of masked gradients on correctly classified ``x`` [n, c, h, w] in [0, 1]; n may be 0.

    ``withstood`` maps (norm, epsilon in pixel units) to which images withstood the strong attack, bool [n].
    """
    if not len(x):
        return Signs(0.0, 0.0, 0.0, 0.0)
    output, gradient = clean_pass(logits, x, labels)
    vanished = gradient.flatten(1).abs().amax(1) == 0
    far = attack(logits, x, labels, norm="linf", epsilon=_UNBOUNDED, steps=steps, generator=generator)
    lost = ~(finite(output) & finite(gradient) & finite(far.logits))
    single, blind = torch.zeros_like(vanished), torch.zeros_like(vanished)  # in any norm
    for (norm, epsilon), stood in withstood.items():
        inputs, truth = x[stood], labels[stood]
        if len(inputs):
            start = random_start(inputs, norm=norm, epsilon=epsilon, generator=generator, bounds=(0.0, 1.0))
            output, gradient = clean_pass(logits, start, truth)
            moved = step(
                start,
                inputs,
                gradient,
                norm=norm,
                epsilon=epsilon,
                step_size=2 * epsilon,
                bounds=(0.0, 1.0),
            )
            with torch.no_grad():
                reached = logits(moved)
            lost[stood] |= ~(finite(output) & finite(gradient) & finite(reached))
            single[stood] |= ~(margin(reached, truth) < 0)
            blind[stood] |= random_search(logits, inputs, truth, norm=norm, epsilon=epsilon, generator=generator)
    return Signs(
        vanished.float().mean().item(),
        (far.margins < 0).float().mean().item(),
        single.float().mean().item(),
        blind.float().mean().item(),
        lost.float().mean().item(),
    )


def together(parts: Sequence[tuple[int, Signs]]) -> Signs:
    """Signs of all images, from (how many, their signs) of each part of them."""
    if not parts:
        return Signs(0.0, 0.0, 0.0, 0.0)
    counts = [count for count, _ in parts]
    shares = np.average([found for _, found in parts], axis=0, weights=counts)
    return Signs(*shares.tolist())


def suspicions(found: Signs) -> list[str]:
    """Say in words what is suspicious; empty where nothing is."""
    said = {
        "zero_gradient": "have a gradient of exactly zero",
        "unbounded_accuracy": "withstand an attack without bounds",
        "single_step": "withstand the attack and fall to a single step",
        "random_search": "withstand the attack and fall to a random search that sees no gradients",
        "not_finite": "have logits or gradients that are not finite",
    }
    return [
        f"gradient masking: {value:.0%} of the images checked {said[name]}"
        for name, value in found._asdict().items()
        if value > _TOLERATED
    ]


@torch.no_grad()
def random_search(
    logits: Loss, x: Tensor, labels: Tensor, *, norm: str, epsilon: float, generator: torch.Generator
) -> Tensor:
    """Whether a search by ``QUERIES`` random squares finds a point in the ball that is not classified correctly: [n].

    A square of one random colour replaces part of the perturbation (linf) or is added to it and the sum scaled back to
    the ball (l1, l2), wherever that raises the margin. Squares shrink from 30 % of the image to 1 %.
    """
    n, channels, height, width = x.shape
    device = x.device
    delta = epsilon * _signs((n, channels, 1, width), generator, x).expand_as(x)
    rows = torch.arange(height, device=device)[:, None]
    columns = torch.arange(width, device=device)[None, :]
    best = torch.full((n,), -torch.inf, device=device)
    current = torch.zeros_like(x)
    for query in range(QUERIES):
        if query > 0:
            area = 0.3 * (0.01 / 0.3) ** (query / QUERIES)
            side = max(1, round((area * height * width) ** 0.5))
            corner = torch.rand((2, n, 1, 1), generator=generator, device=device)
            top, left = (corner[0] * (height - side)).round(), (corner[1] * (width - side)).round()
            inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
            colour = _signs((n, channels, 1, 1), generator, x)
            if norm == "linf":
                delta = torch.where(inside[:, None], epsilon * colour, current)
            else:
                own = side**2 * channels if norm == "l1" else side * channels**0.5  # the norm of a square of ones
                delta = current + inside[:, None] * colour * (0.5 * epsilon / own)
        delta = delta.clamp(-epsilon, epsilon) if norm == "linf" else delta * (epsilon / _size(delta, norm))
        value = margin(logits((x + delta).clamp(0, 1)), labels)
        better = value > best
        best = torch.where(better, value, best)
        current = torch.where(better[:, None, None, None], delta, current)
    return ~(best < 0)


def _size(delta: Tensor, norm: str) -> Tensor:
    """Norm, l1 or l2, of each perturbation of ``delta`` [n, c, h, w], none of which is 0: [n, 1, 1, 1]."""
    return l2_norm(delta) if norm == "l2" else delta.abs().sum((1, 2, 3), keepdim=True)


def _signs(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    return torch.randint(0, 2, shape, generator=generator, device=like.device).to(like.dtype) * 2 - 1
